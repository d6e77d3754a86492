"""Train one network on two tasks."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Requirements, Strategy
from tlbench_multitask.shared_trunk import SharedTrunk
from tlbench_multitask.surgery import pcgrad
from tlbench_multitask.uncertainty import UncertaintyWeights


@dataclass(frozen=True)
class MultiTask(Strategy):
    """Train one trunk with a head for the target's labels and one for the source's (Caruana, 1997).

    Multitask Learning, doi:10.1023/A:1007379606734. The source may have other classes. `uncertainty` learns how
    much each task counts (Kendall et al., 2018, arXiv:1705.07115), `pcgrad` takes out of each task's gradient what
    works against the other task (Yu et al., 2020, arXiv:2001.06782).
    """

    name = "multi-task"
    family = Family.MULTITASK
    version = "2"
    requires = Requirements(source_labels=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    weighting: Literal["equal", "uncertainty"] = "equal"  # of the two losses
    surgery: Literal["none", "pcgrad"] = "none"  # of the two gradients
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the trunk
    head_rate: Annotated[float, Gt(0)] = 30.0  # heads and learned weights learn this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given
    batch_norm: Literal["train", "frozen"] = "frozen"  # whether batch-norm statistics go on moving

    def fit(self, task, bench):
        """Return the trunk with both heads; called, it classifies the target."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        target_head = bench.head(recipe)
        source_head = nn.Sequential(nn.Dropout(recipe.dropout), nn.Linear(bench.feature_dim, len(task.source_classes)))
        model = SharedTrunk(bench.backbone(), target_head, source_head)
        weights = UncertaintyWeights(2) if self.weighting == "uncertainty" else None
        one_loss = bench.cross_entropy(recipe)

        def loss(model, target, source):
            losses = torch.stack([one_loss(model, target), one_loss(model.source(), source)])
            if weights is not None:
                losses = weights(losses)
            return losses if self.surgery == "pcgrad" else losses.sum()

        companions = [] if weights is None else [weights]
        trained = bench.train(
            model,
            loss,
            task.train,
            task.source,
            recipe=recipe,
            groups=[(part, self.head_rate) for part in (target_head, source_head, *companions)],
            companions=companions,
            fixed_statistics=self.batch_norm == "frozen",
            combine=partial(pcgrad, generator=bench.generator("pcgrad")) if self.surgery == "pcgrad" else None,
        )
        if weights is not None:
            bench.note("log_variances", weights.log_variances.tolist())
        return trained

    def source_classifier(self, classifier):
        """Return the other head on the same trunk."""
        return classifier.source()
