"""Average the states of one network after each cycle of its training."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_ensemble.averaging import Averaged


@dataclass(frozen=True)
class Snapshot(Strategy):
    """Average the network's states after each cycle of one fine-tuning (Huang et al., 2017, arXiv:1704.00109).

    In every cycle the learning rate falls from its peak to zero by a cosine (equation 2). All cycles together take
    the steps of one fine-tuning; each has a fresh optimiser. Batch-norm statistics stay as they were.
    """

    name = "snapshot"
    family = Family.ENSEMBLE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    cycles: Annotated[int, Ge(1)] = 5  # states that are averaged; the paper's number for 200 epochs
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the backbone
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of all cycles; the recipe's unless given

    def fit(self, task, bench):
        """Return the average of the states."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps, schedule="cosine", warmup=0.0)
        head = bench.head(recipe)
        model, loss, snapshots = bench.classifier(head, bench.backbone()), bench.cross_entropy(recipe), []
        for cycle in recipe.phases(self.cycles):
            bench.train(
                model,
                loss,
                task.train,
                recipe=cycle,
                groups=[(head, self.head_rate)],
                fixed_statistics=True,
            )
            snapshots.append(deepcopy(model))
        return Averaged(snapshots)
