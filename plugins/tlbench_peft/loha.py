"""Fine-tune by LoHa of peft."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from tlbench import Between, Family, OneOf, Requirements, Strategy
from tlbench_peft.layers import Layers
from tlbench_peft.tuning import hindrance, library, tune


@dataclass(frozen=True)
class PeftLoha(Strategy):
    """Train an update that is the product by entries of two of low rank (Hyeon-Woo et al., 2021, arXiv:2108.06098).

    The update of a weight has a rank of up to the square of `rank`. The frozen layers, and the new head, are as in
    `peft-lora`; convolutions with groups or dilation get an update too.
    """

    name = "peft-loha"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0), "rank": OneOf((2, 4, 8, 16))}

    rank: Annotated[int, Gt(0)] = 4  # of each of the two factors
    alpha: Annotated[float, Gt(0)] = 4.0  # updates are multiplied by alpha / rank
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0  # share of the rows of an update left out, while training
    layers: Layers = "all"  # which layers get an update
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
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return tune(task, bench, recipe, self.head_rate, self.layers, _fits, self._config)

    def _config(self, names):
        from peft import LoHaConfig

        return LoHaConfig(r=self.rank, alpha=self.alpha, rank_dropout=self.dropout, target_modules=names)


def _fits(layer):
    return True
