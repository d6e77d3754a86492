"""Adapt by replacing the statistics of batch norms."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn
from torch.optim.swa_utils import update_bn

from tlbench import Between, Family, Requirements
from tlbench_adapt.adaptation import Adaptation, adapt, classifier_to_adapt

BATCH = 256  # target inputs of one pass; the statistics are means over passes of nearly equal size


@dataclass(frozen=True)
class AdaBn(Adaptation):
    """Train on the source, then give batch norms the statistics of the target (Li et al., 2016, arXiv:1603.04779)."""

    name = "adabn"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)
    learns_from_target_labels = False
    search_space = {"lr": Between(1e-4, 3e-2)}

    lr: Annotated[float, Gt(0)] = 3e-3  # peak learning rate
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def unsuitable(self, backbone, dataset, budget):
        """Refuse target labels, and a backbone without statistics to replace."""
        if not has_batch_norm(backbone):
            return f"{self.name} changes the statistics of batch norms; {backbone.label} has none. Use a ResNet, say."
        return super().unsuitable(backbone, dataset, budget)

    def fit(self, task, bench):
        """Return source-only's network with the statistics of the target's training inputs."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        model = adapt(task, bench, recipe, classifier_to_adapt(bench, recipe))
        shuffled = torch.randperm(len(task.unlabelled), generator=bench.generator("statistics"))
        passes = shuffled.tensor_split(math.ceil(len(shuffled) / BATCH))
        update_bn((task.unlabelled[rows] for rows in passes), model, bench.device)
        return model.eval()


_KNOWN: dict[tuple[str, str], bool] = {}  # by spec and version: a plan asks again for every dataset and budget


def has_batch_norm(backbone) -> bool:
    """Tell whether a backbone's network has batch norms with statistics; builds it once, and draws nothing."""
    key = (backbone.spec, backbone.version)
    if key not in _KNOWN:
        with torch.random.fork_rng([]):
            parts = backbone.build(None).modules()
        norms = [part for part in parts if isinstance(part, nn.modules.batchnorm._BatchNorm)]
        _KNOWN[key] = any(norm.running_mean is not None for norm in norms)
    return _KNOWN[key]
