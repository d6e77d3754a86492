"""Fine-tune the last layers alone."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.stages import stages
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class LastLayers(Strategy):
    """Train a new head and the last stages of the network, the rest frozen (Yosinski et al., 2014, arXiv:1411.1792)."""

    name = "last-layers"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    depth: Annotated[int, Ge(1)] = 1  # stages that learn, counted from the end of the backbone
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of these stages
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the partly fine-tuned network; batch-norm statistics stay as they were everywhere."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone()
        parts = stages(backbone)
        backbone.requires_grad_(self.depth >= len(parts))  # for what belongs to no stage, such as position embeddings
        for part in parts[-self.depth :]:
            part.requires_grad_(True)
        return tune(task, bench, recipe, head, backbone, self.head_rate, frozen=parts[: -self.depth])
