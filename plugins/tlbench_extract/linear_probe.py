"""Fit a logistic regression on frozen features."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from tlbench import Between, Family, OneOf, Strategy, logistic_regression
from tlbench_extract.probe import fit_probe


@dataclass(frozen=True)
class LinearProbe(Strategy):
    """Fit a multinomial logistic regression on frozen features (Alain & Bengio, 2016, arXiv:1610.01644).

    Solved to convergence by scikit-learn's L-BFGS on features that are centred and divided by one number, their root
    mean square: nothing about it depends on a random start, or on the unit of the features.
    """

    name = "linear-probe"
    family = Family.EXTRACT
    version = "3"
    search_space = {"strength": Between(1e-3, 1e3), "scale": OneOf(("none", "standardise"))}

    # Inverse regularisation, scikit-learn's C; unless given chosen on validation labels, 1 without any.
    strength: Annotated[float, Gt(0)] | None = None
    scale: Literal["none", "standardise"] = "none"  # each feature by the labelled examples' own statistics

    def fit(self, task, bench):
        """Return a linear head on the frozen backbone."""
        return bench.classifier(fit_probe(logistic_regression, self.strength, self.scale, task, bench))
