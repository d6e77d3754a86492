"""What the adaptation methods share: when they make sense, and the network they start from."""

from torch import nn

from tlbench import Strategy


class Adaptation(Strategy):
    """A method that learns from source labels and is measured on a target without labels."""

    def unsuitable(self, backbone, dataset, budget):
        """Refuse target labels, which these methods would ignore."""
        if budget.is_zero:
            return None
        return f"{self.name} uses no target labels; choose budget 0."


def classifier_to_adapt(task_classes, bench):
    """Return the pretrained backbone under a new linear head."""
    return bench.classifier(nn.Linear(bench.feature_dim, len(task_classes)), bench.backbone())


def features_by_domain(model, source_inputs, target_inputs):
    """Return source and target features, (N, d) and (M, d).

    Two passes: in one, batch norms would standardise each domain by the statistics of the mixture.
    """
    return model.backbone(source_inputs), model.backbone(target_inputs)
