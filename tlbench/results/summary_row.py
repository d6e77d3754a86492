"""Say what a row of the summary is of, and put rows together."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

# What one row of the summary is about.
ROW = ("transfer", "backbone", "budget", "setting", "source", "family", "strategy", "selection", "tuned")
PLACE = ROW[:3]
GROUP = ROW[:4]  # rows that are compared with each other

Row = dict[str, Any]


def best_of(rows: Sequence[Row], higher_is_better: bool) -> Row:
    """Return the row of the best mean."""
    return max(rows, key=lambda row: row["mean"] if higher_is_better else -row["mean"])


def is_candidate(row: dict[str, Any]) -> bool:
    """Tell whether a row may be best in its group."""
    return bool(np.isfinite(row["mean"])) and not row["upper_bound"]


def partition(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Put rows that agree in some columns together, in the order in which they come up."""
    found: dict[tuple[Hashable, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return list(found.values())
