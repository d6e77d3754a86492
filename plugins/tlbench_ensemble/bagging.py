"""Average classifiers that learn from bootstrap samples."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import nn

from tlbench import Family, Labelled, Requirements, Strategy, linear_layer, logistic_regression
from tlbench_ensemble.averaging import Averaged


@dataclass(frozen=True)
class Bagging(Strategy):
    """Learn from bootstrap samples of the labels and average the probabilities (Breiman, 1996, doi:10.1007/BF00058655).

    A class that a sample leaves out gets one of its examples back, drawn at random. `finetune` costs `size` times
    one fine-tuning; its networks differ in the starts of their heads and the orders of their batches too.
    """

    name = "bagging"
    family = Family.ENSEMBLE
    version = "3"

    learner: Literal["linear-probe", "finetune"] = "linear-probe"  # what learns: on frozen features, or a network
    size: Annotated[int, Ge(1)] = 10  # classifiers, each with a sample of its own
    strength: Annotated[float, Gt(0)] = 1.0  # of linear-probe: inverse regularisation, scikit-learn's C
    lr: Annotated[float, Gt(0)] = 3e-4  # of finetune: peak learning rate of the backbone
    head_rate: Annotated[float, Gt(0)] = 30.0  # of finetune: the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # of finetune: optimiser steps of each; the recipe's unless given

    def needs(self):
        """Return the requirements: fine-tuning needs weights to start from."""
        return Requirements(pretrained=self.learner == "finetune")

    def fit(self, task, bench):
        """Return the average of the classifiers."""
        generator = bench.generator("bootstrap")
        samples = [bootstrap(task.train.labels, generator) for _ in range(self.size)]
        if self.learner == "finetune":
            return Averaged([self._finetuned(taken(task.train, rows), bench) for rows in samples])
        features, labels = bench.features(task.train.inputs).cpu().double().numpy(), task.train.labels.numpy()
        solved = [logistic_regression(features[rows], labels[rows], self.strength) for rows in samples]
        return bench.classifier(Averaged([linear_layer(*each) for each in solved]))

    def _finetuned(self, train: Labelled, bench) -> nn.Module:
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        return bench.train(
            bench.classifier(head, bench.backbone()),
            bench.cross_entropy(recipe),
            train,
            recipe=recipe,
            groups=[(head, self.head_rate)],
            fixed_statistics=True,
        )


def bootstrap(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return positions drawn with replacement, as many as labels (N,), and one more for each class left out."""
    rows = torch.randint(len(labels), (len(labels),), generator=generator)
    for label in labels.unique():
        if label not in labels[rows]:
            own = (labels == label).nonzero().flatten()
            rows = torch.cat([rows, own[torch.randint(len(own), (1,), generator=generator)]])
    return rows


def taken(data: Labelled, rows: torch.Tensor) -> Labelled:
    """Return some rows of labelled data."""
    return Labelled(data.inputs[rows], data.labels[rows])
