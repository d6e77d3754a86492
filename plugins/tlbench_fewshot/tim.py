"""Fit class vectors by transductive information maximisation."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Labelled, Requirements, Strategy
from tlbench_fewshot.heads import UnitLength, class_means


@dataclass(frozen=True)
class Tim(Strategy):
    """Move the class means until they tell much about the queries (Boudiaf et al., 2020, arXiv:2008.11297).

    TIM-GD: the queries' predictions should be certain one by one and spread over the classes as a whole.
    """

    name = "tim"
    family = Family.FEWSHOT
    requires = Requirements(transductive=True)

    supervised: Annotated[float, Ge(0)] = 0.1  # weight of the labelled examples' cross-entropy
    marginal: Annotated[float, Ge(0)] = 1.0  # weight of the entropy of the mean prediction, which is raised
    conditional: Annotated[float, Ge(0)] = 0.1  # weight of the mean entropy of the predictions, which is lowered
    temperature: Annotated[float, Gt(0)] = 15.0  # multiplies half the squared distances
    # A tenth of the paper's 1000 steps at ten times its rate of 1e-4: means move as far, in a tenth of the time.
    lr: Annotated[float, Gt(0)] = 1e-3  # of Adam
    steps: Annotated[int, Gt(0)] = 100  # of Adam, each with all labelled examples and all queries

    def fit(self, task, bench):
        """Return the moved means as a head on the frozen backbone."""

        def loss(posterior, batch, queries):
            inputs, labels = batch
            logits = posterior(torch.cat([inputs, queries]))
            weights = (self.supervised, self.marginal, self.conditional)
            return information_loss(logits[: len(inputs)], labels, logits[len(inputs) :], weights)

        support, queries = (F.normalize(bench.features(part), dim=1) for part in (task.train.inputs, task.queries))
        posterior = Posterior(class_means(support, task.train.labels), self.temperature)
        recipe = bench.recipe.but(
            optimizer="adamw", lr=self.lr, weight_decay=0.0, steps=self.steps, schedule="constant", warmup=0.0,
            clip_norm=0.0, accumulate=1, batch_size=max(len(support), len(queries)),
        )  # fmt: skip
        labelled = Labelled(support, task.train.labels)
        bench.train(posterior, loss, labelled, queries, recipe=recipe, select_on=None)
        return bench.classifier(nn.Sequential(UnitLength(), posterior))


def information_loss(
    support: torch.Tensor, labels: torch.Tensor, queries: torch.Tensor, weights: tuple[float, float, float]
) -> torch.Tensor:
    """Return equation 3 of logits (S, C) with labels and of logits (N, C) without; weights as in `Tim`."""
    supervised, marginal, conditional = weights
    log_shares = queries.log_softmax(dim=1)
    shares = log_shares.exp()
    uncertainty = -(shares * log_shares).sum(dim=1).mean()
    mean = shares.mean(dim=0)
    spread = -(mean * mean.clamp(min=1e-12).log()).sum()
    return supervised * F.cross_entropy(support, labels) + conditional * uncertainty - marginal * spread


class Posterior(nn.Module):
    """Compute -temperature / 2 times the squared distance of unit-length features (N, D) from class vectors (C, D)."""

    def __init__(self, vectors: torch.Tensor, temperature: float) -> None:
        super().__init__()
        self.vectors = nn.Parameter(vectors.detach().clone())
        self.temperature = temperature

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (equation 1); the squared distance is multiplied out."""
        return self.temperature * (features @ self.vectors.T - 0.5 * self.vectors.square().sum(dim=1) - 0.5)
