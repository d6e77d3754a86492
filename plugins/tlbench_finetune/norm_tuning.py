"""Fine-tune the scales and shifts of norms."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.structure import norms, without
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class NormTuning(Strategy):
    """Train the scales and shifts of the norms and a new head (Kanavati & Tsuneki, 2021, arXiv:2102.05543).

    Batch-norm statistics stay as they were, as the paper has it. Frankle et al. (2020, arXiv:2003.00152) show how
    much scales and shifts alone can express.
    """

    name = "norm-tuning"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 1e-2  # peak learning rate of scales and shifts
    head_rate: Annotated[float, Gt(0)] = 1.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given
    batch_norm: Literal["train", "frozen"] = "frozen"  # whether batch-norm statistics go on moving

    def unsuitable(self, backbone, dataset, budget):
        """Refuse a backbone without norms."""
        return without(self.name, backbone, "normalisation layers", norms, "resnet18 or test_resnet")

    def fit(self, task, bench):
        """Return the network with new scales, shifts and head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        for norm in norms(backbone):
            norm.requires_grad_(True)
        return tune(task, bench, recipe, head, backbone, self.head_rate, fixed_statistics=self.batch_norm == "frozen")
