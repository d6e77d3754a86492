"""Train a network from a random start."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tlbench import Between, Family, Strategy


@dataclass(frozen=True)
class Scratch(Strategy):
    """Train the whole network from a random start on the labels of the budget (He et al., 2019, arXiv:1811.08883).

    A random start needs more steps than weights do (section 3 there): with few labels it is given up to four times the
    recipe's.
    """

    name = "scratch"
    family = Family.SCRATCH
    version = "3"
    baseline = True
    search_space = {"lr": Between(1e-4, 3e-2)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    longer: Annotated[float, Ge(1)] = 4.0  # times the recipe's steps, of which the first 60 count
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps, in the place of those

    def fit(self, task, bench):
        """Return a trained network with a linear head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps or bench.recipe.lengthened(self.longer))
        model = bench.classifier(bench.head(recipe), bench.backbone(pretrained=False))
        return bench.train(model, bench.cross_entropy(recipe), task.train, recipe=recipe)
