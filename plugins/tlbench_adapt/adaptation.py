"""Hold what the adaptation methods share: when they make sense, the network they start from, and their training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from tlbench import Labelled, Strategy


class Adaptation(Strategy):
    """Learn from source labels, to be measured on a target of which few labels or none are given."""

    learns_from_target_labels: ClassVar[bool] = True  # with some, it is semi-supervised adaptation

    def unsuitable(self, backbone, dataset, budget):
        """Refuse target labels where the method would ignore them."""
        if budget.is_zero or self.learns_from_target_labels:
            return None
        return f"{self.name} uses no target labels; choose budget 0, or a method that uses them, such as dann."


@dataclass(frozen=True, eq=False)
class View:
    """Hold a batch of one domain as the network sees it."""

    features: Tensor  # (N, d)
    logits: Tensor  # (N, C)


Transfer = Callable[[View, View, float], Tensor]  # source, target, progress from 0 to 1: the loss between domains


def classifier_to_adapt(bench, recipe):
    """Return the pretrained backbone under a new linear head."""
    return bench.classifier(bench.head(recipe), bench.backbone())


def adapt(
    task,
    bench,
    recipe,
    model: nn.Module,
    transfer: Transfer | None = None,
    companions: Sequence[nn.Module] = (),
    groups: Sequence[tuple[nn.Module, float]] = (),
    more: Sequence[Labelled] = (),
) -> nn.Module:
    """Train on the source's labels, the few of the target if any, `more` labels, and `transfer`; return the model.

    Each stream passes through the network by itself: in one pass, batch norms would standardise each domain by
    the statistics of the mixture. Without `transfer` the unlabelled target inputs never pass, for they would
    move running statistics, nor do `companions` train: a method whose weight is 0 is source-only to the bit.
    """
    classify = bench.cross_entropy(recipe)
    labelled = [data for data in (task.source, task.train, *more) if len(data)]
    total, step = recipe.steps * recipe.accumulate, 0

    def loss(model, source_batch, *batches):
        nonlocal step
        progress, step = step / total, step + 1
        seen: list[View] = []

        def network(inputs):
            seen.append(view(model, inputs))
            return seen[-1].logits

        value = classify(network, source_batch)
        for batch in batches[: len(labelled) - 1]:
            value = value + classify(model, batch)
        if transfer is None:
            return value
        return value + transfer(seen[0], view(model, batches[-1]), progress)

    if transfer is None:
        return bench.train(model, loss, *labelled, recipe=recipe)
    streams = [*labelled, task.unlabelled]
    return bench.train(model, loss, *streams, recipe=recipe, companions=companions, groups=groups)


def view(model: nn.Module, inputs: Tensor) -> View:
    """Return features and logits of a batch."""
    features = model.backbone(inputs)
    return View(features, model.head(features))
