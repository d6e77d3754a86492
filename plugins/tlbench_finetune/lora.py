"""Train low-rank updates of frozen weights."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn

from tlbench import Between, Family, OneOf, Requirements, Strategy
from tlbench_finetune.structure import convolutions, linears, without
from tlbench_finetune.tuning import tune
from tlbench_finetune.updates import attach, merge


@dataclass(frozen=True)
class Lora(Strategy):
    """Train low-rank updates of the frozen weights, and a new head (Hu et al., 2021, arXiv:2106.09685).

    Every linear layer and convolution gets one; a convolution's is a narrow convolution followed by one of 1 x 1,
    as in peft. Convolutions of channels in groups stay frozen, and so do norms with their statistics. The updates
    are merged into the weights in the end.
    """

    name = "lora"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0), "rank": OneOf((2, 4, 8, 16))}

    rank: Annotated[int, Ge(0)] = 8  # of each update; with 0 only the head learns
    alpha: Annotated[float, Gt(0)] = 8.0  # updates are multiplied by alpha / rank
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate of the updates
    head_rate: Annotated[float, Gt(0)] = 3.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse a backbone without a layer to update."""
        return without(self.name, backbone, "linear layers or convolutions", updatable, "resnet18 or test_resnet")

    def fit(self, task, bench):
        """Return the network with updated weights and a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        layers = attach(
            updatable(backbone) if self.rank else [],
            lambda layer: LowRank(layer.weight, self.rank, self.alpha / self.rank),
        )
        model = tune(task, bench, recipe, head, backbone, self.head_rate)
        merge(layers)
        return model


def updatable(network: nn.Module) -> list[nn.Module]:
    """Return the layers whose weights get an update."""
    return [*linears(network), *(layer for layer in convolutions(network) if layer.groups == 1)]


class LowRank(nn.Module):
    """Add scale times B A to a weight (out, in, ...); A is (rank, in * ...), and B (out, rank) is 0 at first."""

    def __init__(self, weight: torch.Tensor, rank: int, scale: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.empty(rank, weight[0].numel()))
        self.b = nn.Parameter(torch.zeros(len(weight), rank))
        self.scale = scale
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))  # what a linear layer starts with

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the updated weight."""
        return weight + self.scale * (self.b @ self.a).view_as(weight)
