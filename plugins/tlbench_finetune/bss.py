"""Fine-tune under batch spectral shrinkage."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt

from tlbench import Between, Family, Requirements, Strategy
from tlbench_finetune.tuning import tune


@dataclass(frozen=True)
class Bss(Strategy):
    """Fine-tune, and shrink the batch's weakest directions of features (Chen et al., 2019, NeurIPS).

    Batch spectral shrinkage, from "Catastrophic forgetting meets negative transfer": the smallest singular values
    of a batch's features, squared, are added to the loss. Batch-norm statistics stay as they were. Where a batch
    has few examples, as with one label per class, its weakest direction may be one that tells classes apart.
    """

    name = "bss"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-5, 1e-1), "head_rate": Between(1.0, 100.0), "eta": Between(1e-4, 1e-1)}

    eta: Annotated[float, Ge(0)] = 1e-3  # weight of the penalty; the paper's value
    k: Annotated[int, Ge(1)] = 1  # singular values that are penalised; the paper's value
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the backbone
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps; the recipe's unless given

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head, backbone = bench.head(recipe), bench.backbone()
        cross_entropy = bench.cross_entropy(recipe)
        seen = {}  # the features of the last forward pass, which `cross_entropy` does not hand over
        hook = backbone.register_forward_hook(lambda module, inputs, features: seen.update(features=features))

        def loss(model, batch):
            return cross_entropy(model, batch) + self.eta * spectral_penalty(seen["features"], self.k)

        model = tune(task, bench, recipe, head, backbone, self.head_rate, loss=loss)
        hook.remove()
        return model


def spectral_penalty(features: torch.Tensor, k: int) -> torch.Tensor:
    """Return the sum of the squares of the k smallest singular values of features (N, D)."""
    return torch.linalg.svdvals(features.float())[-k:].square().sum()
