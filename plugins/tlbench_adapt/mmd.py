"""Adapt by minimising the maximum mean discrepancy under several kernels."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt


@dataclass(frozen=True)
class Mmd(Adaptation):
    """Align the kernel means of source and target features (DAN; Long et al., 2015, arXiv:1502.02791).

    Kernels are weighed equally, the estimate is the quadratic-time one, and the features alone are aligned; the
    paper learns the weights, estimates in linear time and aligns three layers.
    """

    name = "mmd"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 10.0)}

    weight: Annotated[float, Ge(0)] = 1.0  # of the discrepancy beside the cross-entropy
    kernels: Annotated[int, Ge(1)] = 5  # Gaussians, their bandwidths spread around the median squared distance
    spacing: Annotated[float, Gt(1)] = 2.0  # from one bandwidth to the next
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the aligned classifier."""
        multipliers = [self.spacing ** (index - (self.kernels - 1) / 2) for index in range(self.kernels)]

        def align(source, target, progress):
            return self.weight * squared_mmd(source.features, target.features, multipliers)

        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return adapt(task, bench, recipe, classifier_to_adapt(bench, recipe), align if self.weight else None)


def squared_mmd(source: Tensor, target: Tensor, multipliers: list[float]) -> Tensor:
    """Return the biased estimate of the squared discrepancy (equation 1) of features (N, d) and (M, d).

    The kernel is the mean of exp(-|x - y|² / (m b)) over the multipliers m, and b the median of |x - y|² over all
    pairs of different examples. No gradient flows through b.
    """
    features = torch.cat([source, target]).float()
    squares = features.square().sum(dim=1)
    distances = (squares[:, None] + squares[None] - 2 * features @ features.T).clamp(min=0)
    different = ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    bandwidth = distances.detach()[different].median().clamp(min=1e-12)
    kernel = torch.stack([torch.exp(-distances / (bandwidth * each)) for each in multipliers]).mean(dim=0)
    count = len(source)
    return kernel[:count, :count].mean() + kernel[count:, count:].mean() - 2 * kernel[:count, count:].mean()
