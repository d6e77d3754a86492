"""Train against a domain discriminator: its loss, and gradients that are turned round."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def beside(make):
    """Return `make()` and leave the global generator as it was: what is drawn later is drawn as without it."""
    with torch.random.fork_rng([]):
        return make()


def domain_discriminator(width: int, hidden: int, layers: int = 1) -> nn.Module:
    """Return a network from (N, width) to one logit per example, (N,): is it of the source?"""
    widths = [width, *[hidden] * layers]

    def make():
        parts = [part for pair in pairwise(widths) for part in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(*parts, nn.Linear(hidden, 1), nn.Flatten(0))

    return beside(make)


def domain_loss(source: Tensor, target: Tensor, source_weights=None, target_weights=None) -> Tensor:
    """Return the mean cross-entropy of a discriminator's logits, (N,) of the source and (M,) of the target."""
    source_loss = F.binary_cross_entropy_with_logits(source, torch.ones_like(source), source_weights)
    target_loss = F.binary_cross_entropy_with_logits(target, torch.zeros_like(target), target_weights)
    return (source_loss + target_loss) / 2


def reverse(features: Tensor, scale: float) -> Tensor:
    """Return the features unchanged; what flows back is minus `scale` times the gradient."""
    return _Reverse.apply(features, scale)


def ramp(progress: float) -> float:
    """Return the share of a weight at a progress p from 0 to 1, 2 / (1 + exp(-10 p)) - 1 (Ganin et al., 5.2.2)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(context, features, scale):
        context.scale = scale
        return features.view_as(features)

    @staticmethod
    def backward(context, gradient):
        return -context.scale * gradient, None
