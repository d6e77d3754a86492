"""Domain-adversarial training."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Requirements
from tlbench_adapt.adaptation import Adaptation, classifier_to_adapt, features_by_domain


@dataclass(frozen=True)
class Dann(Adaptation):
    """Make source and target features hard to tell apart (Ganin et al., 2016, arXiv:1505.07818)."""

    name = "dann"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)

    weight: Annotated[float, Ge(0)] = 1.0  # largest weight of the reversed gradient
    hidden: Annotated[int, Gt(0)] = 128  # width of the domain discriminator
    # Features are scaled to this length before the discriminator: a network can otherwise confuse it by making
    # them small or large. 0 leaves them as they are, as in the paper.
    length: Annotated[float, Ge(0)] = 3.0
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the adapted classifier; the discriminator is left behind."""
        discriminator = nn.Sequential(nn.Linear(bench.feature_dim, self.hidden), nn.ReLU(), nn.Linear(self.hidden, 1))
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        step = 0

        def loss(model, source, target_inputs):
            nonlocal step
            reversal = self.weight * ramp(step / (recipe.steps * recipe.accumulate))
            step += 1
            inputs, labels = source
            source_features, target_features = features_by_domain(model, inputs, target_inputs)
            features = self._scaled(torch.cat([source_features, target_features]))
            guesses = discriminator(ReverseGradient.apply(features, reversal)).squeeze(1)
            domains = torch.cat([torch.ones(len(inputs)), torch.zeros(len(target_inputs))]).to(guesses.device)
            classified = F.cross_entropy(model.head(source_features), labels)
            return classified + F.binary_cross_entropy_with_logits(guesses, domains)

        model = classifier_to_adapt(task.classes, bench)
        return bench.train(
            model, loss, task.source, task.unlabelled, recipe=recipe, select_on=None, companions=[discriminator]
        )

    def _scaled(self, features):
        return self.length * F.normalize(features, dim=1) if self.length else features


def ramp(progress: float) -> float:
    """Return the share of the weight at a progress from 0 to 1: 2 / (1 + exp(-10 p)) - 1 (section 5.2.2)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class ReverseGradient(torch.autograd.Function):
    """The identity whose gradient is turned round and scaled."""

    @staticmethod
    def forward(context, features, scale):
        """Return the features unchanged."""
        context.scale = scale
        return features.view_as(features)

    @staticmethod
    def backward(context, gradient):
        """Return minus `scale` times the gradient."""
        return -context.scale * gradient, None
