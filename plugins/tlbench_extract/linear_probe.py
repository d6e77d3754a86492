"""Logistic regression on frozen features."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt

from tlbench import Family, Strategy
from tlbench_extract.probe import fit_probe


@dataclass(frozen=True)
class LinearProbe(Strategy):
    """Fit a multinomial logistic regression on frozen features (Alain & Bengio, 2016, arXiv:1610.01644).

    Solved to convergence by scikit-learn's L-BFGS: nothing about it depends on a random start.
    """

    name = "linear-probe"
    family = Family.EXTRACT
    version = "2"

    # Inverse regularisation, scikit-learn's C; unless given chosen on validation labels, 1 without any.
    strength: Annotated[float, Gt(0)] | None = None
    scale: Literal["none", "standardise"] = "none"  # standardised by the labelled examples' own statistics

    def fit(self, task, bench):
        """Return a linear head on the frozen backbone."""
        return bench.classifier(fit_probe(logistic_regression, self.strength, self.scale, task, bench))


def logistic_regression(features: np.ndarray, labels: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (C, D) and biases (C,), float64, for labels 0 to C - 1 that all occur."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000).fit(features, labels)
    if len(model.classes_) == 2:  # scikit-learn keeps one row of a symmetric pair
        return np.concatenate([-model.coef_, model.coef_]) / 2, np.concatenate(
            [-model.intercept_, model.intercept_]
        ) / 2
    return model.coef_, model.intercept_
