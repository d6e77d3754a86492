"""Judge the rows of a summary: which are better or worse than their baseline, which is best, and which tie with it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tlbench.results import stats
from tlbench.results.comparisons import ALPHA, Paired, holm, items_needed, replicates_needed
from tlbench.results.rows import row_labels
from tlbench.results.summary_row import Row, is_candidate

_NOTHING = float("nan")
_NOT_BEHIND = {"behind": _NOTHING, "behind_low": _NOTHING, "behind_high": _NOTHING}

Standings = list[tuple[bool, bool]]  # of each row whether it is the best, and whether it ties with the best


class Judged(Protocol):
    """Describe what is judged: a `tlbench.results.summary.Summary`."""

    rows: list[Row]
    higher_is_better: bool

    @property
    def is_of_answers(self) -> bool:
        """Tell whether means and differences are of shares."""

    def groups(self) -> list[list[Row]]:
        """Return the rows that are compared with each other, group by group."""

    def compared(self, rows: Sequence[Row], first: np.ndarray, second: np.ndarray) -> Paired:
        """Compare rows with others by their positions."""

    def standings(self, rows: Sequence[Row]) -> Standings:
        """Return what `stand` does, once for the same rows."""


def judge(summary: Judged) -> int:
    """Say which rows are better or worse than their baseline, which are best, and which tie with the best.

    A row is better, or worse, where its p holds after Holm's correction for all rows of the page, and after
    Bonferroni's for its group. The second is what decides ties, so that a row that is worse than another never ties
    with the best. Returns the number of comparisons with baselines, for all of which verdicts are corrected.
    """
    against = [row for row in summary.rows if row["reference"] is not None and not row["upper_bound"]]
    compared = [row for row in against if np.isfinite(row["p"])]
    for row, p in zip(compared, holm(np.array([row["p"] for row in compared])), strict=True):
        row["p_holm"] = float(p)
    for group in summary.groups():
        comparisons = max(1, sum(is_candidate(row) for row in group) - 1)
        for row, name in zip(group, row_labels(group), strict=True):
            row |= {"label": name, "best": False, "tied": False, **_NOT_BEHIND}
            if np.isfinite(row["p_holm"]):
                strictest = max(row["p_holm"], min(1.0, row["p"] * comparisons))
                row["verdict"] = stats.verdict(row["delta"], strictest, summary.higher_is_better)
                without = summary.rows[row["reference"]]["marked"]  # transfer is what it goes without
                row["negative_transfer"] = row["verdict"] == "worse" and without
                most = max(comparisons, len(compared))
                (low,), (high,) = row["paired"].clear_ends(np.array([strictest]), most)
                if summary.is_of_answers:  # shares differ by 1 at most
                    low, high = max(low, -1.0), min(high, 1.0)
                row |= {"clear_low": float(low), "clear_high": float(high)}
                if row["verdict"] == "unclear":
                    level = ALPHA / most
                    row["needed"] = float(replicates_needed(row["paired"], level)[0])
                    row["needed_items"] = float(items_needed(row["paired"], level)[0])
    for group in summary.groups():
        rows = [row for row in group if is_candidate(row)]
        for row, standing in zip(rows, summary.standings(rows), strict=True):
            row["best"], row["tied"] = standing
        _set_behind(summary, rows)
    return len(compared)


def _set_behind(summary: Judged, rows: Sequence[Row]) -> None:
    """Set the difference of each row of a group to the best, with the interval at the level by which rows tie."""
    best = next((place for place, row in enumerate(rows) if row["best"]), None)
    if best is None or len(rows) < 2:
        return
    others = np.array([place for place in range(len(rows)) if place != best])
    found = summary.compared(rows, others, np.full(len(others), best))
    half = found.half(1 - ALPHA / len(others), least=False)
    for k, row in enumerate(rows[place] for place in others):
        low, high = found.delta[k] - half[k], found.delta[k] + half[k]
        if row["reference"] == rows[best]["position"] and row["verdict"]:  # one verdict, one interval
            low, high = row["clear_low"], row["clear_high"]
        elif rows[best]["reference"] == row["position"] and rows[best]["verdict"]:
            low, high = -rows[best]["clear_high"], -rows[best]["clear_low"]
        row |= {"behind": float(found.delta[k]), "behind_low": float(low), "behind_high": float(high)}


def stand(summary: Judged, rows: Sequence[Row]) -> Standings:
    """Return for each of some rows with scores whether it is the best, and whether it ties with the best."""
    if not rows:
        return []
    runs = [row["n"] + row["copies"] for row in rows]
    worth = np.array([row["mean"] if summary.higher_is_better else -row["mean"] for row in rows])
    lost = np.array([row["did_not_learn"] for row in rows])
    worth[(np.array(runs) < min(2, max(runs))) | (lost > 0)] = -np.inf
    if not np.isfinite(worth).any():
        return [(False, False)] * len(rows)
    best, apart = _ahead_of(summary, rows, worth)
    places = {row["position"]: place for place, row in enumerate(rows)}
    judged = [(place, places[row["reference"]]) for place, row in enumerate(rows)
              if row["verdict"] and row["reference"] in places]  # fmt: skip
    for place, other in judged:  # a verdict on the best and another stands in the place of that test
        if best in (place, other):
            apart[place if best == other else other] = False
    for place, other in judged:
        apart[place] |= rows[place]["verdict"] == "worse"
        apart[other] |= rows[place]["verdict"] == "better"
    apart |= lost == [row["n"] for row in rows]  # a row in which nothing was learnt ties with nobody
    apart[best] = False
    return [(bool(value == worth[best]) and not away, not away) for value, away in zip(worth, apart, strict=True)]


def _ahead_of(summary: Judged, rows: Sequence[Row], worth: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the best row, and which others it is ahead of.

    It has the greatest worth of those that no other is ahead of: where rows lack replicates, a mean may be higher
    for want of a hard one, though another row is better in each replicate that both have.
    """
    every, may_be_best = np.arange(len(rows)), np.isfinite(worth)
    found = []
    for best in np.argsort(-worth, kind="stable")[: may_be_best.sum()]:
        compared = summary.compared(rows, np.full(len(rows), best), every)
        clear = (compared.p_over_both <= ALPHA / max(1, len(rows) - 1)) & (every != best)
        ahead = (compared.delta > 0) == summary.higher_is_better
        found.append((int(best), clear & ahead))
        if not (clear & ~ahead & may_be_best).any():
            return found[-1]
    return found[0]  # each is behind another
