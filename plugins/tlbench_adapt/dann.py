"""Adapt against a discriminator of the domains."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch.nn import functional as F

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt
from tlbench_adapt.adversary import domain_discriminator, domain_loss, ramp, reverse


@dataclass(frozen=True)
class Dann(Adaptation):
    """Make source and target features hard to tell apart (Ganin et al., 2016, arXiv:1505.07818)."""

    name = "dann"
    family = Family.ADAPT
    version = "2"
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    search_space = {"lr": Between(1e-4, 3e-2), "weight": Between(0.01, 3.0)}

    weight: Annotated[float, Ge(0)] = 1.0  # largest weight of the reversed gradient
    hidden: Annotated[int, Gt(0)] = 128  # width of the domain discriminator
    # Features are scaled to this length before the discriminator: a network can otherwise confuse it by making
    # them small or large. 0 leaves them as they are, as in the paper.
    length: Annotated[float, Ge(0)] = 3.0
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the adapted classifier; the discriminator is left behind."""
        discriminator = domain_discriminator(bench.feature_dim, self.hidden)

        def confuse(source, target, progress):
            scale = self.weight * ramp(progress)
            return domain_loss(
                *(discriminator(reverse(self._scaled(domain.features), scale)) for domain in (source, target)),
            )

        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = classifier_to_adapt(bench, recipe)
        return adapt(task, bench, recipe, model, confuse if self.weight else None, [discriminator])

    def _scaled(self, features):
        return self.length * F.normalize(features, dim=1) if self.length else features
