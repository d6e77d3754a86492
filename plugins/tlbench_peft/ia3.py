"""Fine-tune by (IA)³ of peft."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_peft.layers import Layers
from tlbench_peft.tuning import hindrance, library, tune


@dataclass(frozen=True)
class PeftIA3(Strategy):
    """Train one factor per output of each frozen layer, and a new head (Liu et al., 2022, arXiv:2205.05638).

    The paper rescales keys, values and hidden activations of a transformer; here the outputs of every linear layer
    and convolution, so that any backbone can be adapted. The factors start at 1 and are not decayed, since that would
    pull them to 0.
    """

    name = "peft-ia3"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0)}

    layers: Layers = "all"  # which layers get factors
    lr: Annotated[float, Gt(0)] = 1e-2  # peak learning rate of the factors
    head_rate: Annotated[float, Gt(0)] = 1.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse where peft is missing, or a backbone without a layer to rescale."""
        return hindrance(self.name, backbone, self.layers, _fits, f"layers for {self.variant}")

    def ready(self):
        """Import peft, which takes seconds."""
        library()

    def fit(self, task, bench):
        """Return the network with rescaled layers and a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps, weight_decay=0.0)
        return tune(task, bench, recipe, self.head_rate, self.layers, _fits, self._config)

    def _config(self, names):
        from peft import IA3Config

        return IA3Config(target_modules=names, feedforward_modules=[])


def _fits(layer):
    return True
