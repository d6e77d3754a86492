"""Hold what the clustering methods share: when they make sense, and how clusters are told."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tlbench import Strategy


class Clustering(Strategy):
    """Group examples into as many clusters as there are classes."""

    def unsuitable(self, backbone, dataset, budget):
        """Refuse labels, which these methods would ignore."""
        if budget.is_zero:
            return None
        return f"{self.name} uses no labels; choose budget 0."


class ClustersOfBatch(nn.Module):
    """Cluster features (N, D) into one-hot clusters (N, K), found among these N examples and no others.

    Where there are no more examples than clusters, each is a cluster of its own. `group` gets float64 features
    and returns N numbers from 0 to K - 1.
    """

    def __init__(self, group: Callable[[np.ndarray], np.ndarray], clusters: int) -> None:
        super().__init__()
        self.group, self.clusters = group, clusters

    def forward(self, features: Tensor) -> Tensor:
        """Return the clusters, float32; their numbers mean nothing."""
        count = len(features)
        found = np.arange(count) if count <= self.clusters else self.group(features.cpu().double().numpy())
        return one_hot(torch.from_numpy(found).to(features.device), self.clusters)


def one_hot(found: Tensor, clusters: int) -> Tensor:
    """Return numbers (N,) as float32 (N, clusters)."""
    return F.one_hot(found.long(), clusters).float()


def scaled(features: np.ndarray, scale: str) -> np.ndarray:
    """Return features as they are (`none`) or each example's brought to length 1 (`normalise`)."""
    if scale == "none":
        return features
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def drawn_seed(generator: torch.Generator) -> int:
    """Return a seed for scikit-learn's `random_state`."""
    return int(torch.randint(2**31 - 1, (), generator=generator))
