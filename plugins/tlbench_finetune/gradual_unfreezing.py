"""Gradual unfreezing."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Family, Requirements, Strategy
from tlbench_finetune.stages import stages


@dataclass(frozen=True)
class GradualUnfreezing(Strategy):
    """Train the head, then with it one more stage a phase (Howard & Ruder, 2018, arXiv:1801.06146, section 3.3).

    The phases are equally long and together take the steps of one fine-tuning. Each has the recipe's schedule to
    itself and a fresh optimiser, so that few steps are few for each stage. Batch-norm statistics stay as they were.
    """

    name = "gradual-unfreezing"
    family = Family.FINETUNE
    requires = Requirements(pretrained=True)

    lr: Annotated[float, Gt(0)] = 1e-3  # peak learning rate of the unfrozen stages
    head_rate: Annotated[float, Gt(0)] = 10.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of all phases; the recipe's unless given

    def fit(self, task, bench):
        """Return the network after the last phase, in which all of it learns."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        model, loss, parts = bench.classifier(head, backbone), bench.cross_entropy(recipe), stages(backbone)
        for phase, steps in enumerate(shares(recipe.steps, len(parts) + 1)):
            still_frozen = parts[: len(parts) - phase]
            for part in parts[len(parts) - phase :]:
                part.requires_grad_(True)
            if not still_frozen:
                backbone.requires_grad_(True)  # with it what belongs to no stage, such as position embeddings
            if steps:
                bench.train(
                    model,
                    loss,
                    task.train,
                    recipe=recipe.but(steps=steps),
                    groups=[(head, self.head_rate)],
                    frozen=still_frozen,
                    fixed_statistics=True,
                )
        return model


def shares(total: int, parts: int) -> list[int]:
    """Return `parts` numbers as equal as can be whose sum is `total`; the last is 0 for none but a total of 0."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]
