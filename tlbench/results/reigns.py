"""Divide label budgets into reigns: runs of budgets at which one row is best or tied with the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench.results.summary import Summary
from tlbench.results.summary_row import is_candidate


@dataclass(frozen=True)
class Crossing:
    """Hold where one leading strategy overtakes another, in the unit of its `BudgetRanking`.

    `at`, `low` and `high` are NaN where their curves cannot be said to cross between two budgets.
    """

    before: str
    after: str
    at: float
    low: float
    high: float
    last: str  # the largest budget at which `before` is clearly the better
    first: str  # the smallest at which `after` is

    @property
    def is_certain(self) -> bool:
        """Tell whether the place has an interval that ends within the budgets that were run."""
        return bool(np.isfinite([self.at, self.low, self.high]).all())


@dataclass(frozen=True, eq=False)
class Place:
    """Hold the rows of one transfer, backbone and setting by budget and name."""

    summary: Summary
    rows: dict[tuple[str, str], dict[str, Any]]  # by budget and label
    labels: dict[str, float]
    unit: str

    @property
    def budgets(self) -> list[str]:
        """Return the budgets, fewest labels first."""
        return list(self.labels)

    def scored(self, budget: str) -> list[str]:
        """Return the rows that have a score at a budget."""
        return [label for (own, label), row in self.rows.items() if own == budget and is_candidate(row)]

    def best(self, budget: str) -> str:
        """Return the best row of a budget; nothing where none is."""
        return next((label for label in self.scored(budget) if self.rows[budget, label]["best"]), "")

    def tied(self, budget: str) -> list[str]:
        """Return the best row of a budget and those that are not clearly below it, the best first."""
        tied = [label for label in self.scored(budget) if self.rows[budget, label]["tied"]]
        return sorted(tied, key=lambda label: label != self.best(budget))

    def worth(self, label: str, budgets: Sequence[str]) -> tuple[int, float]:
        """Return at how many budgets a row is best, and its mean over them as a number of which more is better."""
        means = [self.rows[budget, label]["mean"] for budget in budgets if label in self.scored(budget)]
        sign = 1 if self.summary.higher_is_better else -1
        return sum(self.best(budget) == label for budget in budgets), sign * float(np.mean(means))


@dataclass(frozen=True)
class Reign:
    """Hold neighbouring budgets at all of which a row is best, or tied with the best."""

    leader: str
    others: tuple[str, ...]  # of which the same is true
    budgets: tuple[str, ...]


def reigns_of(place: Place) -> list[Reign]:
    """Divide the budgets into reigns, from the fewest labels on, each as long as it can be.

    A row reigns where it is best, or tied with the best, at all of the budgets, and best at one of them at least.
    """
    tied = {budget: place.tied(budget) for budget in place.budgets if place.tied(budget)}
    found, rest = [], list(tied)
    while rest:
        for length in range(len(rest), 0, -1):
            own = tuple(rest[:length])
            covering = [label for label in tied[own[0]] if all(label in tied[budget] for budget in own)]
            if any(place.best(budget) in covering for budget in own):
                break
        leader, *others = sorted(covering, key=lambda label: place.worth(label, own), reverse=True)
        found.append(Reign(leader, tuple(others), own))
        rest = rest[length:]
    return found
