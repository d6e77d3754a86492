"""Classify frozen features by weighted nearest neighbours."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Between, Family, Strategy


@dataclass(frozen=True)
class NearestNeighbours(Strategy):
    """Let the k most similar examples vote by exp(cosine / temperature) (Wu et al., 2018, arXiv:1805.01978)."""

    name = "nearest-neighbours"
    family = Family.EXTRACT
    search_space = {"k": Between(1, 50), "temperature": Between(0.01, 1.0)}

    k: Annotated[int, Ge(1)] = 5  # neighbours that vote; all of them where there are fewer
    temperature: Annotated[float, Gt(0)] = 0.07  # the paper's value

    def fit(self, task, bench):
        """Return the vote as a head on the frozen backbone."""
        features = F.normalize(bench.features(task.train.inputs), dim=1)
        labels = F.one_hot(task.train.labels, len(task.classes)).float()
        return bench.classifier(Vote(features, labels, min(self.k, len(features)), self.temperature))


class Vote(nn.Module):
    """Compute the logarithm of each class's share of the vote, (N, C), of features (N, D)."""

    def __init__(self, features: torch.Tensor, labels: torch.Tensor, k: int, temperature: float) -> None:
        super().__init__()
        self.register_buffer("features", features)
        self.register_buffer("labels", labels)
        self.k, self.temperature = k, temperature

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return log shares; a class without a vote gets that of 1e-6."""
        similarity = F.normalize(inputs, dim=1) @ self.features.T
        nearest, positions = similarity.topk(self.k, dim=1)
        weights = (nearest / self.temperature).softmax(dim=1)
        votes = torch.einsum("nk,nkc->nc", weights, self.labels[positions])
        return (votes + 1e-6).log()
