"""Fine-tune by LoRA and DoRA of peft."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt
from torch import nn

from tlbench import Between, Family, OneOf, Requirements, Strategy
from tlbench_peft.layers import Layers
from tlbench_peft.tuning import hindrance, library, tune


@dataclass(frozen=True)
class PeftLora(Strategy):
    """Train peft's low-rank updates of the frozen weights, and a new head (Hu et al., 2021, arXiv:2106.09685).

    With `dora` the length of each weight learns apart from its direction (Liu et al., 2024, arXiv:2402.09353).
    Convolutions with groups or dilation stay frozen: peft's update of these is no update of their kernel.
    """

    name = "peft-lora"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0), "rank": OneOf((2, 4, 8, 16))}

    rank: Annotated[int, Gt(0)] = 8  # of each update
    alpha: Annotated[float, Gt(0)] = 8.0  # updates are multiplied by alpha / rank
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0  # of what goes into an update, while training
    layers: Layers = "all"  # which layers get an update
    dora: bool = False  # whether lengths of weights learn apart from their directions
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate of the updates
    head_rate: Annotated[float, Gt(0)] = 3.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse where peft is missing, or a backbone without a layer to update."""
        return hindrance(self.name, backbone, self.layers, _fits, f"layers for {self.variant}")

    def ready(self):
        """Import peft, which takes seconds."""
        library()

    def fit(self, task, bench):
        """Return the network with updated weights and a new head."""
        decay = 0.0 if self.dora else None  # it would pull the lengths to 0
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps, weight_decay=decay)
        return tune(task, bench, recipe, self.head_rate, self.layers, _fits, self._config)

    def _config(self, names):
        from peft import LoraConfig

        return LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, use_dora=self.dora, target_modules=names
        )


def _fits(layer: nn.Conv2d) -> bool:
    return layer.groups == 1 and layer.dilation == (1, 1)
