"""Train on the target's own labels: the upper bound of adaptation."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, classifier_to_adapt


@dataclass(frozen=True)
class TargetOnly(Adaptation):
    """Fine-tune on every training label of the target, an upper bound (Ganin et al., 2016, table 1: train on target).

    The same training as source-only, on the other domain.
    """

    name = "target-only"
    family = Family.ADAPT
    requires = Requirements(upper_bound=True, min_labels_per_class=0)
    learns_from_target_labels = False
    search_space = {"lr": Between(1e-4, 3e-2)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse a budget, which would say too little of what this row was given."""
        if budget.is_zero:
            return None
        return f"{self.name} has every target label whatever the budget; choose budget 0, or finetune for {budget}."

    def fit(self, task, bench):
        """Return the classifier of the target's training split."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = classifier_to_adapt(bench, recipe)
        return bench.train(model, bench.cross_entropy(recipe), task.train, recipe=recipe)
