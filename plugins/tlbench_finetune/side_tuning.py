"""Train a side network beside a frozen base."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Requirements, Strategy


@dataclass(frozen=True)
class SideTuning(Strategy):
    """Train a side network whose features are blended with the frozen ones (Zhang et al., 2020, arXiv:1912.13503).

    The side network starts as a copy of the backbone, one of the paper's starts, so the blend starts as the
    backbone. Batch-norm statistics stay as they were in both.
    """

    name = "side-tuning"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the side network
    head_rate: Annotated[float, Gt(0)] = 30.0  # head and blending learn this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the blend of both networks under a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        blend = Blend(bench.frozen_backbone(), bench.backbone())
        model = bench.train(
            bench.classifier(head, blend),
            bench.cross_entropy(recipe),
            task.train,
            recipe=recipe,
            # Of several groups that hold a parameter the last counts.
            groups=[(blend, self.head_rate), (blend.side, 1.0), (head, self.head_rate)],
            fixed_statistics=True,
        )
        bench.note("alpha", float(blend.gate.detach().sigmoid()))
        return model


class Blend(nn.Module):
    """Blend alpha times the base's features of inputs with 1 - alpha times the side's; alpha is the gate's sigmoid."""

    def __init__(self, base: nn.Module, side: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.side = side
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return features, (N, feature_dim)."""
        alpha = self.gate.sigmoid()
        return alpha * self.base(inputs) + (1 - alpha) * self.side(inputs)
