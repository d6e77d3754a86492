"""L2-SP for tlbench: fine-tuning that is pulled back to where it started."""

from dataclasses import dataclass

from tlbench import Family, Strategy, hookimpl
from torch import nn
from torch.nn.functional import cross_entropy


@dataclass(frozen=True)
class L2SP(Strategy):
    """Fine-tune with a pull back to the pretrained weights (Li et al., 2018, arXiv:1802.01483)."""

    name = "l2-sp"
    family = Family.FINETUNE
    alpha: float = 0.01  # weight of the squared distance to the pretrained weights

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        start, backbone = bench.backbone(), bench.backbone()
        model = bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)), backbone)

        def loss(model, batch):
            inputs, labels = batch
            drift = sum((p - q.detach()).square().sum() for p, q in zip(backbone.parameters(), start.parameters()))
            return cross_entropy(model(inputs), labels) + self.alpha * drift

        return bench.train(model, loss, task.train)


@hookimpl
def tlbench_strategies():
    """Offer `l2-sp`."""
    return [L2SP]
