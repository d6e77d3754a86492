"""Train a network with one hidden layer on frozen features."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Labelled, Strategy


@dataclass(frozen=True)
class MlpProbe(Strategy):
    """Train one hidden layer and a linear one on frozen features (Hewitt & Liang, 2019, arXiv:1909.03368, MLP-1).

    The backbone sees each example once and as it is, so the recipe's augmentation has no part in this.
    """

    name = "mlp-probe"
    family = Family.EXTRACT
    search_space = {"lr": Between(1e-4, 1e-1), "hidden": Between(32, 1024)}

    hidden: Annotated[int, Gt(0)] = 256  # width of the hidden layer
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the trained layers as a head on the frozen backbone."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        features = bench.features(task.train.inputs)
        mean, spread = features.mean(dim=0), (features.std(dim=0, correction=0)).square().mean().sqrt()
        head = nn.Sequential(
            Scaled(mean, spread.clamp(min=1e-6)),
            nn.Linear(bench.feature_dim, self.hidden),
            nn.ReLU(),
            nn.Dropout(recipe.dropout),
            nn.Linear(self.hidden, len(task.classes)),
        )
        validation = None if task.val is None else Labelled(bench.features(task.val.inputs), task.val.labels)
        stream = Labelled(features, task.train.labels)
        whole = bench.classifier(head)
        bench.train(head, bench.cross_entropy(recipe), stream, recipe=recipe, select_on=validation, judged=whole)
        return whole


class Scaled(nn.Module):
    """Centre and scale features (N, D) to unit variance on average.

    By one factor for all: a feature that hardly varies over a few labelled examples would otherwise be blown up.
    """

    def __init__(self, mean: torch.Tensor, spread: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scaled features."""
        return (features - self.mean) / self.spread
