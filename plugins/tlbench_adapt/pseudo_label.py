"""Adapt by learning from confident predictions of the network itself."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt

from tlbench import Between, Family, Labelled, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt


@dataclass(frozen=True)
class PseudoLabel(Adaptation):
    """Train on the source, then again with the target inputs of which the network is sure (Lee, 2013).

    Lee, "Pseudo-Label", ICML workshop on challenges in representation learning. Labels are given anew before each
    round, as in self-training, not in each step; each round takes as many steps as the training on the source.
    """

    name = "pseudo-label"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "threshold": Between(0.5, 0.99, log=False)}

    threshold: Annotated[float, Ge(0), Lt(1)] = 0.9  # the least probability of the class that becomes the label
    rounds: Annotated[int, Ge(0)] = 2  # trainings with pseudo-labels
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of each training; the recipe's unless given

    def fit(self, task, bench):
        """Return the network after the last round."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = adapt(task, bench, recipe, classifier_to_adapt(bench, recipe))
        for number in range(1, self.rounds + 1):
            pseudo = confident(model, task.unlabelled, self.threshold, bench.device)
            bench.note(f"pseudo_labels_{number}", len(pseudo))
            if len(pseudo) < 2:  # batch norms cannot standardise a single example
                break
            model = adapt(task, bench, recipe, model, more=[pseudo])
        return model


@torch.no_grad()
def confident(model, inputs, threshold: float, device) -> Labelled:
    """Return the inputs whose likeliest class has more than `threshold` probability, with that class as label."""
    logits = torch.cat([model(part.to(device)).float().cpu() for part in inputs.split(256)])
    probability, label = logits.softmax(dim=1).max(dim=1)
    sure = probability > threshold
    return Labelled(inputs[sure.to(inputs.device)], label[sure])
