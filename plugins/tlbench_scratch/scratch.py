"""Training from a random start."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import nn

from tlbench import Family, Strategy
from tlbench.losses import cross_entropy


@dataclass(frozen=True)
class Scratch(Strategy):
    """Train the whole network from a random start on the labels of the budget (He et al., 2019, arXiv:1811.08883)."""

    name = "scratch"
    family = Family.SCRATCH
    baseline = True

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return a trained network with a linear head."""
        model = bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)), bench.backbone(pretrained=False))
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return bench.train(model, cross_entropy(recipe.label_smoothing), task.train, recipe=recipe)
