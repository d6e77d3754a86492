"""Define class means, and the heads over one vector per class that several methods share."""

import torch
from torch import nn
from torch.nn import functional as F


def class_means(features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean of each class, (C, D), of features (N, D) and labels 0 to C - 1 that all occur."""
    member = F.one_hot(labels.to(features.device)).to(features.dtype)
    return member.T @ features / member.sum(dim=0)[:, None]


def squared_distances(features: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Return squared Euclidean distances, (N, C)."""
    return (features[:, None] - means[None]).square().sum(dim=2)


class UnitLength(nn.Module):
    """Scale features to length 1."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the rows, each over its length."""
        return F.normalize(features, dim=1)


class NearestMean(nn.Module):
    """Compute minus the squared distance of features (N, D) from each mean, (N, C)."""

    def __init__(self, means: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("means", means)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return -squared_distances(features, self.means)


class Cosine(nn.Module):
    """Compute `scale` times the cosine of features (N, D) with one learnable vector per class, (N, C)."""

    def __init__(self, vectors: torch.Tensor, scale: float) -> None:
        super().__init__()
        self.vectors = nn.Parameter(vectors.detach().clone())
        self.scale = scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.scale * F.normalize(features, dim=1) @ F.normalize(self.vectors, dim=1).T
