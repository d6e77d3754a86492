"""Fine-tune with learning rates that fall from the last stage to the first."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.stages import stages


@dataclass(frozen=True)
class LayerDecay(Strategy):
    """Fine-tune early stages more slowly than late ones (Howard & Ruder, 2018, arXiv:1801.06146, section 3.1).

    The stage before the features has the full rate, and each stage before it that of the next over `divisor`.
    Parameters outside all stages (position embeddings) have the rate of the first. Bao et al. (2022,
    arXiv:2106.08254) decay the same way by the block of a transformer and with smaller divisors, about 1.3 to 1.5.
    Batch-norm statistics stay as they were.
    """

    name = "layer-decay"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0), "divisor": Between(1.1, 5.0)}

    divisor: Annotated[float, Ge(1)] = 2.6  # how many times slower each stage learns than the next; the paper's value
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the last stage
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster than the last stage
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone()
        parts = stages(backbone)
        rates = [self.divisor**-depth for depth in reversed(range(len(parts)))]
        return bench.train(
            bench.classifier(head, backbone),
            bench.cross_entropy(recipe),
            task.train,
            recipe=recipe,
            # Of several groups that hold a parameter the last counts.
            groups=[(backbone, rates[0]), *zip(parts, rates, strict=True), (head, self.head_rate)],
            fixed_statistics=True,
        )
