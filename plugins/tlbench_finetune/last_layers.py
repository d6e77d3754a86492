"""Partial fine-tuning: only the last layers learn."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import nn

from tlbench import Family, Requirements, Strategy
from tlbench.losses import cross_entropy


@dataclass(frozen=True)
class LastLayers(Strategy):
    """Train a new head and the last stages of the network, the rest frozen (Yosinski et al., 2014, arXiv:1411.1792)."""

    name = "last-layers"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)

    depth: Annotated[int, Ge(1)] = 1  # stages that learn, counted from the end of the backbone
    lr: Annotated[float, Gt(0)] = 1e-3  # peak learning rate of these stages
    head_rate: Annotated[float, Gt(0)] = 10.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the partly fine-tuned network; batch-norm statistics stay as they were everywhere."""
        backbone = bench.backbone()
        head = nn.Linear(bench.feature_dim, len(task.classes))
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return bench.train(
            bench.classifier(head, backbone),
            cross_entropy(recipe.label_smoothing),
            task.train,
            recipe=recipe,
            groups=[(head, self.head_rate)],
            frozen=stages(backbone)[: -self.depth],
            fixed_statistics=True,
        )


def stages(network: nn.Module) -> list[nn.Module]:
    """Return the top-level parts of a network that have parameters, in order, looking through mere shells."""
    parts = [part for part in network.children() if any(True for _ in part.parameters())]
    return stages(parts[0]) if len(parts) == 1 and list(parts[0].children()) else parts
