"""Fine-tune from the last stage to the first, unfreezing one after the other."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.stages import stages


@dataclass(frozen=True)
class GradualUnfreezing(Strategy):
    """Train the head, then with it one more stage a phase (Howard & Ruder, 2018, arXiv:1801.06146, section 3.3).

    The phases are equally long and together take the steps of one fine-tuning. Each has the recipe's schedule to
    itself and a fresh optimiser, so that few steps are few for each stage. Batch-norm statistics stay as they were.
    """

    name = "gradual-unfreezing"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the unfrozen stages
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of all phases; the recipe's unless given

    def fit(self, task, bench):
        """Return the network after the last phase, in which all of it learns."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        backbone = bench.backbone().requires_grad_(False)
        model, loss, parts = bench.classifier(head, backbone), bench.cross_entropy(recipe), stages(backbone)
        phases = recipe.phases(len(parts) + 1)  # with fewer steps than phases the first are left out
        for phase, share in enumerate(phases, start=len(parts) + 1 - len(phases)):
            still_frozen = parts[: len(parts) - phase]
            for part in parts[len(parts) - phase :]:
                part.requires_grad_(True)
            if not still_frozen:
                backbone.requires_grad_(True)  # with it what belongs to no stage, such as position embeddings
            bench.train(
                model,
                loss,
                task.train,
                recipe=share,
                groups=[(head, self.head_rate)],
                frozen=still_frozen,
                fixed_statistics=True,
            )
        return model
