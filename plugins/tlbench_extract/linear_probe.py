"""Logistic regression on frozen features."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Gt
from torch import nn

from tlbench import Family, Strategy


@dataclass(frozen=True)
class LinearProbe(Strategy):
    """Fit a multinomial logistic regression on frozen features (Alain & Bengio, 2016, arXiv:1610.01644).

    Solved to convergence by scikit-learn's L-BFGS: nothing about it depends on a random start.
    """

    name = "linear-probe"
    family = Family.EXTRACT

    strength: Annotated[float, Gt(0)] = 1.0  # inverse regularisation, scikit-learn's C
    scale: Literal["none", "standardise"] = "none"  # standardised by the labelled examples' own statistics

    def fit(self, task, bench):
        """Return a linear head on the frozen backbone."""
        features = bench.features(task.train.inputs).cpu().double().numpy()
        mean, spread = np.zeros(features.shape[1]), np.ones(features.shape[1])
        if self.scale == "standardise":
            mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
        weight, bias = logistic_regression((features - mean) / spread, task.train.labels.numpy(), self.strength)
        weight = weight / spread  # the scaling is folded into the head
        head = nn.Linear(bench.feature_dim, len(task.classes))
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weight))
            head.bias.copy_(torch.from_numpy(bias - weight @ mean))
        return bench.classifier(head)


def logistic_regression(features: np.ndarray, labels: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (C, D) and biases (C,), float64, for labels 0 to C - 1 that all occur."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000).fit(features, labels)
    if len(model.classes_) == 2:  # scikit-learn keeps one row of a symmetric pair
        return np.concatenate([-model.coef_, model.coef_]) / 2, np.concatenate(
            [-model.intercept_, model.intercept_]
        ) / 2
    return model.coef_, model.intercept_
