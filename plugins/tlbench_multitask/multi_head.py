"""Train one network on several labels of the same examples."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Labelled, Requirements, Strategy
from tlbench_multitask.many_heads import ManyHeads
from tlbench_multitask.surgery import pcgrad
from tlbench_multitask.uncertainty import UncertaintyWeights


@dataclass(frozen=True)
class MultiHead(Strategy):
    """Train one trunk with a head for the target's labels and one for each further label column (Caruana, 1997).

    Multitask Learning, doi:10.1023/A:1007379606734: the other labels of the same examples are the extra tasks of its
    section 2. `uncertainty` learns how much each task counts (Kendall et al., 2018, arXiv:1705.07115), `pcgrad` takes
    out of each task's gradient what works against the others (Yu et al., 2020, arXiv:2001.06782).
    """

    name = "multi-head"
    version = "3"
    family = Family.MULTITASK
    requires = Requirements(further_labels=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0)}

    weighting: Literal["equal", "uncertainty"] = "equal"  # of the losses
    surgery: Literal["none", "pcgrad"] = "none"  # of the gradients
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the trunk
    head_rate: Annotated[float, Gt(0)] = 30.0  # heads and learned weights learn this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given
    batch_norm: Literal["train", "frozen"] = "frozen"  # whether batch-norm statistics go on moving

    def fit(self, task, bench):
        """Return the trunk with all heads; called, it classifies the target."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        heads = {
            each.name: nn.Sequential(nn.Dropout(recipe.dropout), nn.Linear(bench.feature_dim, len(each.classes)))
            for each in task.further
        }
        model = ManyHeads(bench.backbone(), head, heads)
        weights = UncertaintyWeights(1 + len(heads)) if self.weighting == "uncertainty" else None
        one_loss = bench.cross_entropy(recipe)
        further = [(each.name, each.labels.to(bench.device)) for each in task.further]
        own = task.train.labels.to(bench.device)

        def loss(model, batch):
            inputs, rows = batch
            losses = [one_loss(model, (inputs, own[rows]))]
            losses += [one_loss(model.column(name), (inputs, labels[rows])) for name, labels in further]
            losses = torch.stack(losses)
            if weights is not None:
                losses = weights(losses)
            return losses if self.surgery == "pcgrad" else losses.sum()

        companions = [] if weights is None else [weights]
        trained = bench.train(
            model,
            loss,
            Labelled(
                task.train.inputs, torch.arange(len(task.train))
            ),  # a batch tells its rows, which have many labels
            recipe=recipe,
            groups=[(part, self.head_rate) for part in (model.target_head, model.column_heads, *companions)],
            companions=companions,
            fixed_statistics=self.batch_norm == "frozen",
            combine=partial(pcgrad, generator=bench.generator("pcgrad")) if self.surgery == "pcgrad" else None,
        )
        if weights is not None:
            bench.note("log_variances", weights.log_variances.tolist())
        return trained

    def further_classifiers(self, classifier):
        """Return the other heads on the same trunk."""
        return {name: classifier.column(name) for name in classifier.names}
