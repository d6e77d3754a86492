"""Adapt by minimising the confusion between classes on the target."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt


@dataclass(frozen=True)
class Mcc(Adaptation):
    """Make the predictions on the target confuse no pair of classes (Jin et al., 2020, arXiv:1912.03699)."""

    name = "mcc"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 10.0), "temperature": Between(0.5, 5.0)}

    weight: Annotated[float, Ge(0)] = 1.0  # of the confusion beside the cross-entropy
    temperature: Annotated[float, Gt(0)] = 2.5  # divides the logits
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the adapted classifier."""

        def clear_up(source, target, progress):
            return self.weight * class_confusion(target.logits, self.temperature)

        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return adapt(task, bench, recipe, classifier_to_adapt(bench, recipe), clear_up if self.weight else None)


def class_confusion(logits: Tensor, temperature: float) -> Tensor:
    """Return the mean confusion of a class with the others, from 0 to 1, of logits (N, C); section 3."""
    predictions = (logits.float() / temperature).softmax(dim=1)
    certainties = 1 + torch.exp(-torch.special.entr(predictions.detach()).sum(dim=1))
    weights = certainties / certainties.mean()
    confusion = predictions.T @ (weights[:, None] * predictions)
    shares = confusion / confusion.sum(dim=1, keepdim=True).clamp(min=1e-12)  # no example may resemble a class
    return (shares.sum() - shares.trace()) / logits.shape[1]
