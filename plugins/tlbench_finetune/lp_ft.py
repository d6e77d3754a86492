"""Fine-tune from a linear probe."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch import nn

from tlbench import Between, Family, Requirements, Strategy, linear_layer, logistic_regression


@dataclass(frozen=True)
class LpFt(Strategy):
    """Fine-tune all from the converged linear probe as the head (Kumar et al., 2022, arXiv:2202.10054).

    A head that fits the features already does not distort them while it learns. So that it goes on fitting them,
    batch norms stay in evaluation mode, and head and backbone learn at one rate.
    """

    name = "lp-ft"
    family = Family.FINETUNE
    version = "2"
    requires = Requirements(pretrained=True)
    search_space = {"lr": Between(1e-6, 1e-2), "strength": Between(1e-2, 1e2)}

    strength: Annotated[float, Gt(0)] = 1.0  # inverse regularisation of the probe, scikit-learn's C
    lr: Annotated[float, Gt(0)] = 3e-4  # peak learning rate of the fine-tuning
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of the fine-tuning; the recipe's unless given

    def fit(self, task, bench):
        """Return the fine-tuned network."""
        recipe = bench.recipe.but(lr=self.lr, steps=self.steps)
        head = bench.head(recipe)
        features, labels = bench.features(task.train.inputs).cpu().double().numpy(), task.train.labels.numpy()
        probe = linear_layer(*logistic_regression(features, labels, self.strength))
        linear = [layer for layer in head.modules() if isinstance(layer, nn.Linear)][-1]  # dropout may stand before it
        linear.load_state_dict(probe.state_dict())
        model = bench.classifier(head, bench.backbone())
        return bench.train(model, bench.cross_entropy(recipe), task.train, recipe=recipe, fixed_statistics=True)
