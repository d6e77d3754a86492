"""Fine-tune with an L2 pull back to the starting point."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class L2Sp(Strategy):
    """Fine-tune with a pull back to the pretrained weights (Li, Grandvalet & Davoine, 2018, arXiv:1802.01483).

    To the cross-entropy come alpha/2 times the squared distance of the backbone from its start, and beta/2 times
    the squared length of the head (section 3, L2-SP). They take the place of the recipe's weight decay.
    Batch-norm statistics stay as they were.
    """

    name = "l2-sp"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0), "alpha": Between(1e-3, 10.0)}

    alpha: Annotated[float, Ge(0)] = 0.1  # weight of the distance from the start
    beta: Annotated[float, Ge(0)] = 0.01  # weight of the head's length
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the backbone
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps, weight_decay=0.0)
        head, backbone = bench.head(recipe), bench.backbone()
        start = [parameter.detach().clone() for parameter in backbone.parameters()]
        cross_entropy = bench.cross_entropy(recipe)

        def loss(model, batch):
            drift = sum((now - then).square().sum() for now, then in zip(backbone.parameters(), start, strict=True))
            length = sum(parameter.square().sum() for parameter in head.parameters())
            return cross_entropy(model, batch) + self.alpha / 2 * drift + self.beta / 2 * length

        return tune(task, bench, recipe, head, backbone, self.head_rate, loss=loss)
