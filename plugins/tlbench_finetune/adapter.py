"""Train residual adapters in parallel to the convolutions."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.structure import convolutions, norms, without
from tlbench_finetune.tuning import tune
from tlbench_finetune.updates import attach, merge


@dataclass(frozen=True)
class Adapter(Strategy):
    """Train a 1 x 1 convolution parallel to each larger one, and the norms (Rebuffi et al., 2018, arXiv:1803.10082).

    Norms are a part of the paper's adapters. The convolutions start at zero, so that the network starts as it was
    pretrained; the authors' start at random. They have as many groups as what they stand beside, and are merged
    into the middle of its kernel in the end, which changes nothing else.
    """

    name = "adapter"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate of adapters and norms
    head_rate: Annotated[float, Gt(0)] = 3.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given
    batch_norm: Literal["train", "frozen"] = "frozen"  # whether batch-norm statistics go on moving, as the paper's do

    def unsuitable(self, backbone, dataset, budget):
        """Refuse a backbone without a convolution to put an adapter beside."""
        return without(self.name, backbone, "convolutions of 3 x 3 or more", adaptable, "resnet18 or test_resnet")

    def fit(self, task, bench):
        """Return the network with adapted convolutions, new norms and a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        for norm in norms(backbone):
            norm.requires_grad_(True)
        layers = attach(adaptable(backbone), lambda layer: Parallel(layer.weight))
        model = tune(task, bench, recipe, head, backbone, self.head_rate, fixed_statistics=self.batch_norm == "frozen")
        merge(layers)
        return model


def adaptable(network: nn.Module) -> list[nn.Conv2d]:
    """Return the convolutions whose kernels have a middle and more than that."""
    return [
        layer
        for layer in convolutions(network)
        if max(layer.kernel_size) > 1 and all(size % 2 for size in layer.kernel_size)
    ]


class Parallel(nn.Module):
    """Add a 1 x 1 kernel, which is 0 at first, to the middle of a kernel (out, in, h, w).

    The sum does what the two convolutions do in parallel.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.adapter = nn.Parameter(torch.zeros(*weight.shape[:2], 1, 1))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the adapted kernel."""
        height, width = (size // 2 for size in weight.shape[2:])
        return weight + F.pad(self.adapter, (width, width, height, height))
