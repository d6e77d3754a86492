"""Fine-tune by OFT of peft."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_peft.tuning import hindrance, library, tune


@dataclass(frozen=True)
class PeftOft(Strategy):
    """Train rotations of what goes into each frozen layer, and a new head (Qiu et al., 2023, arXiv:2306.07280).

    Linear layers and 1 x 1 convolutions without groups are adapted. peft's rotation of the patches of a larger
    convolution counts overlapping pixels more than once, so that it would not start at the pretrained network.
    """

    name = "peft-oft"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-4, 1e-1), "head_rate": Between(1.0, 100.0)}

    block: Annotated[int, Gt(1)] = 8  # inputs that are rotated together; fewer where a layer's width asks for it
    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate of the rotations
    head_rate: Annotated[float, Gt(0)] = 3.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse where peft is missing, or a backbone without a layer to rotate."""
        return hindrance(self.name, backbone, "all", _fits, "linear layers or 1 x 1 convolutions")

    def ready(self):
        """Import peft, which takes seconds."""
        library()

    def fit(self, task, bench):
        """Return the network with rotated weights and a new head."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        return tune(task, bench, recipe, self.head_rate, "all", _fits, self._config)

    def _config(self, names):
        from peft import OFTConfig

        return OFTConfig(r=0, oft_block_size=self.block, use_cayley_neumann=False, target_modules=names)


def _fits(layer):
    return layer.groups == 1 and layer.kernel_size == (1, 1)
