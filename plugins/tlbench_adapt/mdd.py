"""Adapt by minimising the disparity of two heads."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional as F

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt
from tlbench_adapt.adversary import beside, ramp, reverse


@dataclass(frozen=True)
class Mdd(Adaptation):
    """Leave no second head that agrees with the first on the source and not on the target.

    Zhang et al., 2019, arXiv:1904.05801. The heads are linear, those of the paper have a hidden layer.
    """

    name = "mdd"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 1.0)}

    weight: Annotated[float, Ge(0)] = 0.1  # largest weight of the reversed gradient
    gamma: Annotated[float, Gt(0)] = 4.0  # weight of agreement on the source; its logarithm is the margin
    head_rate: Annotated[float, Gt(0)] = 10.0  # the second head learns this many times faster than the network
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the adapted classifier; the second head is left behind."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = classifier_to_adapt(bench, recipe)
        second = beside(lambda: bench.head(recipe))

        def disagree(source, target, progress):
            scale = self.weight * ramp(progress)
            second_logits = (second(reverse(domain.features, scale)) for domain in (source, target))
            return margin_disparity(*second_logits, source.logits, target.logits, self.gamma)

        transfer, groups = disagree if self.weight else None, [(second, self.head_rate)]
        return adapt(task, bench, recipe, model, transfer, [second], groups)


def margin_disparity(source: Tensor, target: Tensor, source_first: Tensor, target_first: Tensor, gamma: float):
    """Return the loss of the second head (section 4.3, its sign turned): of its logits, and of those of the first.

    It falls as the second head agrees with the first on the source, (N, C), and not on the target, (M, C).
    """
    chosen = target_first.argmax(dim=1, keepdim=True)
    others = target.scatter(1, chosen, -torch.inf).logsumexp(dim=1)
    agreement = F.cross_entropy(source, source_first.argmax(dim=1))
    disagreement = (target.logsumexp(dim=1) - others).mean()  # -log(1 - softmax of the chosen)
    return gamma * agreement + disagreement
