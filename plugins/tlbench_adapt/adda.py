"""Adapt by adversarial discrimination of two encoders."""

import copy
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt
from tlbench_adapt.adversary import domain_discriminator, domain_loss


@dataclass(frozen=True)
class Adda(Adaptation):
    """Train on the source, then an encoder of the target whose features pass for those of the source.

    Tzeng et al., 2017, arXiv:1702.05464. The second training takes steps of its own, on top of source-only's.
    """

    name = "adda"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    learns_from_target_labels = False
    search_space = {"lr": Between(1e-4, 3e-2), "adapt_lr": Between(1e-6, 1e-2)}

    adapt_lr: Annotated[float, Gt(0)] = 2e-4  # peak learning rate of the second training
    adapt_steps: Annotated[int, Gt(0)] | None = None  # of the second training; as many as of the first unless given
    hidden: Annotated[int, Gt(0)] = 500  # width of the two hidden layers of the discriminator
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate on the source
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps on the source; the recipe's unless given

    def fit(self, task, bench):
        """Return the source's head on the target's encoder."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = adapt(task, bench, recipe, classifier_to_adapt(bench, recipe))
        encoder = copy.deepcopy(model.backbone)
        discriminator = domain_discriminator(bench.feature_dim, self.hidden, layers=2)
        bench.train(
            encoder,
            adversarial_loss(model.backbone, discriminator),
            task.source.inputs,
            task.unlabelled,
            recipe=recipe.but(lr=self.adapt_lr, steps=self.adapt_steps),
            select_on=None,
            judged=bench.classifier(model.head, encoder),
            companions=[discriminator],
        )
        return bench.classifier(model.head, encoder)


def adversarial_loss(source_encoder: nn.Module, discriminator: nn.Module):
    """Return `loss(encoder, source_inputs, target_inputs)`: equation 9's two losses, each of one network alone.

    The discriminator learns to tell features of the source encoder, which stays as it is, from those of the
    encoder. The encoder learns under inverted labels: that its features be taken for the source's.
    """

    def loss(encoder, source_inputs, target_inputs):
        with torch.no_grad():
            source = source_encoder(source_inputs)
        target = encoder(target_inputs)
        held = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
        taken_for_source = functional_call(discriminator, held, (target,))
        confusion = F.binary_cross_entropy_with_logits(taken_for_source, torch.ones_like(taken_for_source))
        return domain_loss(discriminator(source), discriminator(target.detach())) + confusion

    return loss
