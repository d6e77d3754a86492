"""Fit least squares on frozen features."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt

from tlbench import Between, Family, OneOf, Strategy
from tlbench_extract.probe import fit_probe


@dataclass(frozen=True)
class RidgeProbe(Strategy):
    """Regress +1 for the class and -1 for the others on frozen features (Dosovitskiy et al., 2021, arXiv:2010.11929).

    The few-shot probe of their section 4.1, in closed form. Its scores are no probabilities: expect a large
    calibration error.
    """

    name = "ridge-probe"
    family = Family.EXTRACT
    search_space = {"alpha": Between(1e-3, 1e3), "scale": OneOf(("none", "standardise"))}

    # Weight of the squared norm, scikit-learn's alpha; unless given chosen on validation labels, 1 without any.
    alpha: Annotated[float, Gt(0)] | None = None
    scale: Literal["none", "standardise"] = "none"  # standardised by the labelled examples' own statistics

    def fit(self, task, bench):
        """Return a linear head on the frozen backbone."""

        def solve(features, labels, alpha):
            return ridge_regression(features, 2 * np.eye(len(task.classes))[labels] - 1, alpha)

        return bench.classifier(fit_probe(solve, self.alpha, self.scale, task, bench))


def ridge_regression(features: np.ndarray, targets: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (C, D) and biases (C,) of features (N, D) and targets (N, C); biases are not regularised.

    With X and Y centred the weights are (X'X + alpha)^-1 X'Y, which equals X' (XX' + alpha)^-1 Y: the system
    that is solved is the smaller one, of D or of N equations.
    """
    mean, offset = features.mean(axis=0), targets.mean(axis=0)
    centred, wanted = features - mean, targets - offset
    count, width = centred.shape
    if count < width:
        weight = centred.T @ np.linalg.solve(centred @ centred.T + alpha * np.eye(count), wanted)
    else:
        weight = np.linalg.solve(centred.T @ centred + alpha * np.eye(width), centred.T @ wanted)
    return weight.T, offset - mean @ weight
