"""Train a network from a random start."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Strategy


@dataclass(frozen=True)
class Scratch(Strategy):
    """Train the whole network from a random start on the labels of the budget (He et al., 2019, arXiv:1811.08883).

    A random start needs more steps than weights do (section 3 there): it is given four times the recipe's.
    """

    name = "scratch"
    family = Family.SCRATCH
    version = "2"
    baseline = True
    search_space = {"lr": Between(1e-4, 3e-2)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    longer: Annotated[float, Gt(0)] = 4.0  # times the recipe's steps
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps, in the place of `longer` times the recipe's

    def fit(self, task, bench):
        """Return a trained network with a linear head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps or max(1, round(self.longer * bench.recipe.steps)))
        model = bench.classifier(bench.head(recipe), bench.backbone(pretrained=False))
        return bench.train(model, bench.cross_entropy(recipe), task.train, recipe=recipe)
