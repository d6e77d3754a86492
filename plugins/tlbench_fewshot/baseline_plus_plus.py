"""Train a cosine classifier on frozen features."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Labelled, Strategy
from tlbench_fewshot.heads import Cosine


@dataclass(frozen=True)
class BaselinePlusPlus(Strategy):
    """Train a cosine classifier on frozen features (Chen et al., 2019, arXiv:1904.04232).

    The backbone is the given one; the paper trains its own with a cosine classifier of the base classes.
    """

    name = "baseline++"
    family = Family.FEWSHOT
    search_space = {"lr": Between(1e-3, 1.0), "scale": Between(0.5, 30.0)}

    scale: Annotated[float, Gt(0)] = 2.0  # multiplies the cosines; that of the authors' code for up to 200 classes
    lr: Annotated[float, Gt(0)] = 5e-2  # peak learning rate
    steps: Annotated[int, Gt(0)] = 100  # optimiser steps, the paper's number

    def fit(self, task, bench):
        """Return the cosine classifier as a head on the frozen backbone."""
        head = Cosine(nn.Linear(bench.feature_dim, len(task.classes)).weight, self.scale)
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        train, val = (part and Labelled(bench.features(part.inputs), part.labels) for part in (task.train, task.val))
        whole = bench.classifier(head)
        bench.train(head, bench.cross_entropy(recipe), train, recipe=recipe, select_on=val, judged=whole)
        return whole
