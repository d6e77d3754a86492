"""Fine-tune all weights."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class Finetune(Strategy):
    """Train the pretrained network and a new linear head together (Girshick et al., 2014, arXiv:1311.2524)."""

    name = "finetune"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the backbone
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given
    batch_norm: Literal["train", "frozen"] = "frozen"  # whether batch-norm statistics go on moving

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        fixed = self.batch_norm == "frozen"
        head = bench.head(recipe)
        return tune(task, bench, recipe, head, bench.backbone(), self.head_rate, fixed_statistics=fixed)
