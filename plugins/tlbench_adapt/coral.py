"""Adapt by aligning the covariances of both domains."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt


@dataclass(frozen=True)
class Coral(Adaptation):
    """Align the covariances of source and target features (Sun & Saenko, 2016, arXiv:1607.01719)."""

    name = "coral"
    family = Family.ADAPT
    version = "2"
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 100.0)}

    weight: Annotated[float, Ge(0)] = 1.0  # of the alignment beside the cross-entropy
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the aligned classifier."""

        def align(source, target, progress):
            return self.weight * coral_loss(source.features, target.features)

        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return adapt(task, bench, recipe, classifier_to_adapt(bench, recipe), align if self.weight else None)


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the squared distance of two covariances over 4 d² (equation 1), of features (N, d) and (M, d)."""
    difference = covariance(source) - covariance(target)
    return difference.square().sum() / (4 * source.shape[1] ** 2)


def covariance(features: Tensor) -> Tensor:
    """Return the unbiased covariance, (d, d), of features (N, d); equations 2 and 3."""
    centred = features.float() - features.float().mean(dim=0)
    return centred.T @ centred / max(len(features) - 1, 1)
