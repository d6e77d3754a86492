"""Fine-tune biases alone."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.structure import biases, without
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class BitFit(Strategy):
    """Train the biases and a new head, the rest frozen (Ben Zaken et al., 2021, arXiv:2106.10199).

    In most convolutional networks the biases are the shifts of the norms, since a convolution before a norm
    has none; where convolutions and linear layers have one, it learns too. Batch-norm statistics stay as they were.
    """

    name = "bitfit"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 1e-2  # peak learning rate of the biases
    head_rate: Annotated[float, Gt(0)] = 1.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse a backbone without biases."""
        return without(self.name, backbone, "biases", biases, "resnet18 or test_resnet")

    def fit(self, task, bench):
        """Return the network with new biases and a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        for bias in biases(backbone):
            bias.requires_grad_(True)
        return tune(task, bench, recipe, head, backbone, self.head_rate)
