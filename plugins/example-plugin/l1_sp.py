"""Offer L1-SP to tlbench: fine-tuning that moves few weights far from where they started."""

from dataclasses import dataclass

from tlbench import Family, Requirements, Strategy, hookimpl


@dataclass(frozen=True)
class L1SP(Strategy):
    """Fine-tune with an L1 pull back to the start (L1-SP of Li, Grandvalet & Davoine, 2018, arXiv:1802.01483)."""

    name = "l1-sp"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)

    alpha: float = 1e-4  # weight of the absolute distance from the pretrained weights

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        backbone = bench.backbone()
        start = [parameter.detach().clone() for parameter in backbone.parameters()]
        cross_entropy = bench.cross_entropy()

        def loss(model, batch):
            drift = sum((now - then).abs().sum() for now, then in zip(backbone.parameters(), start))
            return cross_entropy(model, batch) + self.alpha * drift

        recipe = bench.recipe.but(weight_decay=0.0)  # it would pull towards 0
        return bench.train(bench.classifier(bench.head(), backbone), loss, task.train, recipe=recipe)


@hookimpl
def tlbench_strategies():
    """Offer `l1-sp`."""
    return [L1SP]
