"""Average several classifiers' probabilities."""

import math
from collections.abc import Sequence

import torch
from torch import nn


class Averaged(nn.Module):
    """Compute the logarithm of the mean of several classifiers' probabilities, (N, C), of inputs."""

    def __init__(self, classifiers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.classifiers = nn.ModuleList(classifiers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return log probabilities."""
        return log_mean(torch.stack([classifier(inputs) for classifier in self.classifiers], dim=1))


def log_mean(logits: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the mean of M classifiers' probabilities, (N, C), of their logits (N, M, C)."""
    return logits.log_softmax(dim=2).logsumexp(dim=1) - math.log(logits.shape[1])
