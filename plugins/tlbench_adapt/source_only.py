"""Train on the source alone: the baseline of adaptation."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt


@dataclass(frozen=True)
class SourceOnly(Adaptation):
    """Fine-tune on the source's labels and apply the result to the target as it is (Ganin et al., 2016, table 1).

    With target labels it trains on both, the "S+T" of Saito et al. (2019, arXiv:1904.06487).
    """

    name = "source-only"
    family = Family.ADAPT
    version = "2"
    requires = Requirements(source_labels=True, same_classes=True, min_labels_per_class=0)
    baseline = True
    search_space = {"lr": Between(1e-4, 3e-2)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the classifier of the source, and of the few target labels if any."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return adapt(task, bench, recipe, classifier_to_adapt(bench, recipe))
