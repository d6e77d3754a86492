"""Assign queries to class means and, alike, to the classes of their neighbours."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Requirements, Strategy
from tlbench_fewshot.heads import class_means
from tlbench_fewshot.neighbours import nearest_others


@dataclass(frozen=True)
class LaplacianShot(Strategy):
    """Assign queries to the nearest mean, and neighbours among them alike (Ziko et al., 2020, arXiv:2006.15486)."""

    name = "laplacian-shot"
    family = Family.FEWSHOT
    requires = Requirements(transductive=True)

    knn: Annotated[int, Ge(1)] = 3  # neighbours of a query, itself counted as in the authors' code
    weight: Annotated[float, Ge(0)] = 0.7  # lambda, of the neighbours; the paper chooses it on base classes
    rectify: bool = True  # move the means towards the queries first
    steps: Annotated[int, Gt(0)] = 20  # largest number of bound updates

    def fit(self, task, bench):
        """Return the assignment as a head on the frozen backbone; it needs all queries at once."""
        features = bench.features(task.train.inputs)
        return bench.classifier(
            Assignment(features, task.train.labels, self.knn, self.weight, self.rectify, self.steps)
        )


class Assignment(nn.Module):
    """Compute log assignments (N, C) of all query features (N, D), given support features (S, D) with labels (S,)."""

    def __init__(
        self, support: torch.Tensor, labels: torch.Tensor, knn: int, weight: float, rectify: bool, steps: int
    ) -> None:
        super().__init__()
        self.register_buffer("support", F.normalize(support, dim=1))
        self.register_buffer("labels", labels.to(support.device))
        self.knn, self.weight, self.rectify, self.steps = knn, weight, rectify, steps

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        queries, means = F.normalize(features, dim=1), class_means(self.support, self.labels)
        if self.rectify:
            queries = queries + self.support.mean(dim=0) - queries.mean(dim=0)
            means = rectified(means, self.support, self.labels, queries)
        _, neighbours = nearest_others(queries, self.knn - 1)
        distances = torch.cdist(queries, means, compute_mode="donot_use_mm_for_euclid_dist").square()
        return bound_updates(distances, neighbours, self.weight, self.steps)


def rectified(means: torch.Tensor, support: torch.Tensor, labels: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Return means (C, D) over support and queries, each query in its likeliest class (Liu et al., 2020).

    arXiv:1911.10713, equations 5 to 7, at their temperature of 1: an example weighs exp(cosine with its class).
    """
    examples = torch.cat([support, queries])
    similarity = F.normalize(examples, dim=1) @ F.normalize(means, dim=1).T
    belongs = torch.cat([labels, similarity[len(support) :].argmax(dim=1)])
    weights = F.one_hot(belongs, len(means)) * similarity.exp()
    return (weights / weights.sum(dim=0)).T @ examples


def bound_updates(distances: torch.Tensor, neighbours: torch.Tensor, weight: float, steps: int) -> torch.Tensor:
    """Return log assignments (N, C) after updates of equation 12, until the bound (equation 7) moves no more.

    `distances` are squared distances (N, C) from the means, `neighbours` positions (N, k) of each query's own.
    """
    shares, last = (-distances).softmax(dim=1), torch.inf
    for step in range(steps):
        logits = weight * shares[neighbours].sum(dim=1) - distances
        shares = logits.softmax(dim=1)
        agreement = weight * shares[neighbours].sum(dim=1)
        bound = float((shares * (logits.log_softmax(dim=1) + distances - agreement)).sum())
        if step > 1 and abs(bound - last) <= 1e-6 * abs(last):
            break
        last = bound
    return logits.log_softmax(dim=1)
