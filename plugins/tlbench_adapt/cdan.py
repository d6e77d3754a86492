"""Adapt against a discriminator that sees features with predictions."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt
from tlbench_adapt.adversary import domain_discriminator, domain_loss, ramp, reverse


@dataclass(frozen=True)
class Cdan(Adaptation):
    """Make the products of features and predictions hard to tell apart (Long et al., 2018, arXiv:1705.10667)."""

    name = "cdan"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 3.0)}

    weight: Annotated[float, Ge(0)] = 1.0  # largest weight of the reversed gradient
    entropy: bool = True  # examples that are classified with certainty weigh more (CDAN+E)
    hidden: Annotated[int, Gt(0)] = 128  # width of the two hidden layers of the discriminator; 1024 in the paper
    largest: Annotated[int, Ge(1)] = 4096  # widest product; a wider one is replaced by 1024 random products
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the adapted classifier; the discriminator is left behind."""
        width, join = bench.feature_dim * len(task.classes), multilinear
        if width > self.largest:
            width, join = 1024, RandomMultilinear(bench.feature_dim, len(task.classes), 1024, bench)
        discriminator = domain_discriminator(width, self.hidden, layers=2)

        def confuse(source, target, progress):
            scale, domain_logits, weights = self.weight * ramp(progress), [], []
            for domain in (source, target):
                predictions = domain.logits.detach().softmax(dim=1)
                domain_logits.append(discriminator(join(reverse(domain.features, scale), predictions)))
                weights.append(certainty(predictions) if self.entropy else None)
            return domain_loss(*domain_logits, *weights)

        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = classifier_to_adapt(bench, recipe)
        return adapt(task, bench, recipe, model, confuse if self.weight else None, [discriminator])


def multilinear(features: Tensor, predictions: Tensor) -> Tensor:
    """Return the outer products, (N, d C), of features (N, d) and predictions (N, C); equation 3's first case."""
    return (predictions[:, :, None] * features[:, None, :]).flatten(1)


class RandomMultilinear:
    """Draw random products (N, width) of features and predictions; inner products stay in expectation (equation 6)."""

    def __init__(self, feature_dim, classes, width, bench):
        draws = bench.generator("random multilinear")
        self.matrices = [torch.randn(rows, width, generator=draws).to(bench.device) for rows in (feature_dim, classes)]
        self.scale = width**-0.5

    def __call__(self, features: Tensor, predictions: Tensor) -> Tensor:
        """Return the products."""
        return self.scale * (features @ self.matrices[0]) * (predictions @ self.matrices[1])


def certainty(predictions: Tensor) -> Tensor:
    """Return the weights 1 + exp(-entropy), (N,), of predictions (N, C), scaled to a mean of 1 (section 3.2)."""
    weights = 1 + torch.exp(-torch.special.entr(predictions).sum(dim=1))
    return weights / weights.mean()
