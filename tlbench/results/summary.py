"""Compute one row per variant and place from the records' frame: means, intervals, comparisons, ties."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from tlbench.results import stats
from tlbench.results.comparisons import ALPHA, compare, holm, score_step, separated_from
from tlbench.results.records_frame import LEDGER, SPENT
from tlbench.results.rows import baselines, row_labels
from tlbench.results.side_by_side import side_by_side

# What one row of the summary is about.
ROW = ("transfer", "backbone", "budget", "setting", "source", "family", "strategy", "selection", "tuned")
PLACE = ROW[:3]
GROUP = ROW[:4]  # rows that are compared with each other
_MEASURED = ("transductive_measured", "test_in_train", "test_in_source", "test_in_upstream")  # by each cell
_MANY = 2_000  # rows that are worth a process of their own
_NOTHING = float("nan")
_NO_DIFFERENCE = {
    "baseline": "", "delta": _NOTHING, "delta_low": _NOTHING, "delta_high": _NOTHING, "delta_n": 0, "verdict": "",
    "p": _NOTHING, "p_holm": _NOTHING, "effect": _NOTHING, "needed": _NOTHING, "negative_transfer": False,
}  # fmt: skip

Standings = list[tuple[bool, bool]]  # of each row whether it is the best, and whether it ties with the best
Right = Callable[[str], np.ndarray]  # a cell's id to which test items it got right, bool (episodes, items)
Sampled = Callable[[Sequence[str]], stats.Interval | None]  # a row's cells to its interval over items, or episodes


class Summary:
    """Hold the rows of one metric, with their scores side by side for comparisons."""

    def __init__(
        self,
        frame: pd.DataFrame,
        metric: str,
        higher_is_better: bool = True,
        right: Right | None = None,
        baseline: str | None = None,
        sampled: Sampled | None = None,
    ) -> None:
        self._sampled, self._right = sampled, right
        self.metric, self.higher_is_better, self.baseline = metric, higher_is_better, baseline
        frame = frame.reset_index(drop=True)
        self.columns = {name: frame[name].to_numpy() for name in frame.columns}
        self.scores = frame[metric].to_numpy(dtype=float) if metric in frame else np.full(len(frame), np.nan)
        self.results = pd.factorize(frame["result"])[0]
        self.pairs = frame.groupby(["seed", "replicate"], sort=True, dropna=False).ngroup().to_numpy()
        codes = frame.groupby(list(ROW), sort=False, dropna=False).ngroup().to_numpy()
        order = np.argsort(codes, kind="stable")
        self._members = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []
        self._standings: dict[tuple[int, ...], Standings] = {}  # by the positions of rows
        places = self._places()
        least = -(-len(places) * _MANY // max(1, len(self._members)))
        made = side_by_side(lambda part: [self._place(positions, right) for positions in part], places, least)
        self.rows: list[dict[str, Any]] = sorted(
            (row for rows, _ in made for row in rows), key=lambda row: row["position"]
        )
        for _, standings in made:
            self._standings |= standings

    def frame(self) -> pd.DataFrame:
        """Return the rows as a frame, without what is for comparisons alone."""
        return self._frame.copy()

    @cached_property
    def _frame(self) -> pd.DataFrame:
        hidden = ("marked", "position", "overlap", "seconds", "shares_of", "why_not")
        shown = [{key: value for key, value in row.items() if key not in hidden} for row in self.rows]
        return pd.DataFrame(shown, columns=None if shown else list(ROW))

    @cached_property
    def is_in_points(self) -> bool:
        """Tell whether differences are said in points: of a share, which lies between 0 and 1, the more the better."""
        known = self.scores[np.isfinite(self.scores)]
        return self.higher_is_better and bool(((known >= 0) & (known <= 1)).all())

    def groups(self) -> list[list[dict[str, Any]]]:
        """Return the rows that are compared with each other, group by group."""
        return partition(self.rows, GROUP)

    def matrix(self, rows: Sequence[dict[str, Any]]) -> np.ndarray:
        """Return the scores of rows side by side, (rows, replicates), NaN where a row has none."""
        places, count = self._by_replicate(rows)
        table = np.full((len(rows), count), np.nan)
        for line, (cells, columns) in zip(table, places, strict=True):
            counts = np.bincount(columns, minlength=count)
            there = counts > 0
            line[there] = np.bincount(columns, self.scores[cells], minlength=count)[there] / counts[there]
        return table

    def differences(self, rows: Sequence[dict[str, Any]], first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return scores of rows less those of others, (pairs, replicates), NaN where one has none.

        `first` and `second` are positions in `rows`. Where both rows of a pair repeat an earlier result, so does their
        difference: it counts once.
        """
        table = self.matrix(rows)
        found: np.ndarray = table[first] - table[second]
        repeating = np.array([row["copies"] > 0 for row in rows], dtype=bool)
        if repeating.sum() > 1:
            results = self._results(rows)
            for pair in np.flatnonzero(repeating[first] & repeating[second]):
                _, once = np.unique(results[[first[pair], second[pair]]], axis=1, return_index=True)
                found[pair, np.setdiff1d(np.arange(found.shape[1]), once)] = np.nan
        return found

    def _results(self, rows: Sequence[dict[str, Any]]) -> np.ndarray:
        """Return which result each row has in each replicate, (rows, replicates); equal numbers are equal results."""
        places, count = self._by_replicate(rows)
        table = np.full((len(rows), count), -1)
        for line, (cells, columns) in zip(table, places, strict=True):
            line[columns] = self.results[cells]
        return table

    def _by_replicate(self, rows: Sequence[dict[str, Any]]) -> tuple[list[tuple[np.ndarray, np.ndarray]], int]:
        """Return the cells of each row with the numbers of their replicates, and how many replicates there are."""
        members = [self._done(self._members[row["position"]]) for row in rows]
        known = np.unique(self.pairs[np.concatenate(members)]) if members else np.empty(0, dtype=int)
        return [(cells, np.searchsorted(known, self.pairs[cells])) for cells in members], len(known)

    def _places(self) -> list[list[int]]:
        """Return which rows stand in the same place."""
        firsts = [members[0] for members in self._members]
        columns = [self.columns[name][firsts] if firsts else () for name in PLACE]
        found: dict[tuple[Hashable, ...], list[int]] = {}
        for position, place in enumerate(zip(*columns, strict=True)):
            found.setdefault(place, []).append(position)
        return list(found.values())

    def _place(
        self, positions: Sequence[int], right: Right | None
    ) -> tuple[list[dict[str, Any]], dict[tuple[int, ...], Standings]]:
        """Return the rows of one place, compared with each other, and how they stand."""
        self._standings = {}
        rows = [{**self._row(self._members[position], right), "position": position} for position in positions]
        self._compare(rows)
        for group in partition(rows, GROUP):
            self._rank(group)
        return rows, self._standings

    def _done(self, members: np.ndarray) -> np.ndarray:
        done: np.ndarray = members[self.columns["status"][members] == "ok"]
        return done

    def _row(self, members: np.ndarray, right: Right | None) -> dict[str, Any]:
        """Return all of a row that needs no other row."""
        every = self._done(members)
        done = every[np.sort(np.unique(self.results[every], return_index=True)[1])]  # a result that is repeated is one
        first = members[0]
        row: dict[str, Any] = {name: self.columns[name][first] for name in (*ROW, "dataset", "target")}
        row |= {"n": len(done), "copies": len(every) - len(done), "failed": len(members) - len(every)}
        known = done if len(done) else members
        folds = int(max(self.columns["folds"][known], default=0))
        overlap = 1 / (folds - 1) if folds > 1 else 0.0  # test over training examples of a fold
        row |= self._spread(done, overlap, right)
        reasons = [reason for reason in self.columns["did_not_learn"][done] if reason]
        row |= {"did_not_learn": len(reasons), "why_not": reasons[0] if reasons else ""}
        row["undefined"] = int(np.isnan(self.scores[done]).sum())
        row |= {name: self.columns[name][known[0]] for name in LEDGER if name not in ROW}
        row |= {name: _most(self.columns[name][known]) for name in _MEASURED}
        if folds:
            row["splits"] = f"{folds}-fold"
        row["source_accuracy"] = _mean(self.columns["source_accuracy"][done])
        row["marked"] = bool(self.columns["marked"][members].any())
        row["overlap"] = overlap
        spent = np.nansum([self.columns[name][done] for name in SPENT], axis=0)
        row["seconds"] = float(np.median(spent)) if len(spent) else _NOTHING  # the first cell of a process is slow
        return row

    def _spread(self, done: np.ndarray, overlap: float, right: Right | None) -> dict[str, Any]:
        """Return the mean of a row's scores, and its intervals."""
        seeds = stats.t_interval(self.scores[done], overlap=overlap)
        items = episodes = None
        if self._sampled is not None and len(done) and not self.columns["folds"][done].any():
            found_for = self._sampled([str(cell) for cell in self.columns["cell"][done]])
            if all(each is not None and each == each for each in self.columns["episodes"][done]):
                episodes = found_for
            else:
                items = found_for
        if right is not None and len(done):
            found = [right(cell) for cell in self.columns["cell"][done]]
            folds = self.columns["folds"][done]
            if all(found_in is not None and found_in == found_in for found_in in self.columns["episodes"][done]):
                episodes = stats.t_interval(np.concatenate([each.mean(axis=1) for each in found]))
            elif folds.any():
                if len(done) == folds[0] == len(set(self.columns["splits"][done])):  # each item was tested once
                    items = _items([np.concatenate([each[0] for each in found])])
            elif len({each.shape for each in found}) == 1:
                items = _items([each[0] for each in found])
        return {
            "mean": seeds.mean,
            "seed_low": seeds.low,
            "seed_high": seeds.high,
            "n_items": items.n if items else 0,
            "shares_of": items.n if items and right is not None else 0,
            "item_low": items.low if items else _NOTHING,
            "item_high": items.high if items else _NOTHING,
            "n_episodes": episodes.n if episodes else 0,
            "episode_low": episodes.low if episodes else _NOTHING,
            "episode_high": episodes.high if episodes else _NOTHING,
        }

    def _compare(self, place: list[dict[str, Any]]) -> None:
        """Set each row of a place against its baseline, pair by pair of replicates."""
        chosen = baselines(place, self.baseline)
        names = row_labels(place)
        overlap = np.array([row["overlap"] for row in place])
        for i, row in enumerate(place):
            row |= {**_NO_DIFFERENCE, "is_baseline": i in chosen}
        known = [bool(np.isfinite(row["mean"])) for row in place]
        pairs = [(i, j) for i, j in enumerate(chosen) if j is not None and j != i and known[i] and known[j]]
        own, other = np.array(pairs, dtype=int).reshape(-1, 2).T
        found = compare(self.differences(place, own, other), np.maximum(overlap[own], overlap[other]))
        for k, (i, j) in enumerate(pairs):
            row, reference = place[i], place[j]
            alike = all(row[column] == reference[column] for column in ("selection", "tuned"))
            row["baseline"] = reference["strategy"] if alike else names[j]
            if not found.n[k]:
                continue
            delta, low, high = (float(each[k]) for each in (found.delta, found.low, found.high))
            between = stats.Interval(delta, low, high, int(found.n[k]))
            row |= {"delta": between.mean, "delta_low": between.low, "delta_high": between.high, "delta_n": between.n}
            row |= {"p": float(found.p[k]), "effect": float(found.effect[k]), "needed": float(found.needed[k])}
            row["verdict"] = stats.verdict(between, self.higher_is_better)
            row["negative_transfer"] = row["verdict"] == "worse" and not row["upper_bound"]

    def _rank(self, group: list[dict[str, Any]]) -> None:
        """Correct a group's tests for their number, and say who is best and who ties with it."""
        names = row_labels(group)
        compared = [row for row in group if row["baseline"] and not row["upper_bound"]]
        for row, p in zip(compared, holm(np.array([row["p"] for row in compared])), strict=True):
            row["p_holm"] = float(p)
        for row, name in zip(group, names, strict=True):
            row |= {"label": name, "best": False, "tied": False}
        rows = [row for row in group if np.isfinite(row["mean"]) and not row["upper_bound"]]
        for row, standing in zip(rows, self.standings(rows), strict=True):
            row["best"], row["tied"] = standing

    def standings(self, rows: Sequence[dict[str, Any]]) -> Standings:
        """Return for each of some rows with scores whether it is the best, and whether it ties with the best.

        The best has the highest mean, or the lowest where less is better. Rows with one replicate count for it only
        where no row has more, and rows of which a replicate did not learn never do.
        """
        of = tuple(row["position"] for row in rows)
        if of not in self._standings:
            self._standings[of] = self._stand(rows)
        return self._standings[of]

    def _stand(self, rows: Sequence[dict[str, Any]]) -> Standings:
        if not rows:
            return []
        runs = [row["n"] + row["copies"] for row in rows]
        worth = np.array([row["mean"] if self.higher_is_better else -row["mean"] for row in rows])
        lost = np.array([row["did_not_learn"] for row in rows])
        worth[(np.array(runs) < min(2, max(runs))) | (lost > 0)] = -np.inf
        best = int(worth.argmax())
        if worth[best] == -np.inf:
            return [(False, False)] * len(rows)
        overlap = max(row["overlap"] for row in rows)
        apart = separated_from(best, len(rows), partial(self.differences, rows), overlap, step(rows, self.matrix(rows)))
        apart |= [self._differ_by_items(row, rows[best]) for row in rows]
        apart |= lost == [row["n"] for row in rows]  # a row in which nothing was learnt ties with nobody
        return [(bool(value == worth[best]), not away) for value, away in zip(worth, apart, strict=True)]

    def _differ_by_items(self, row: dict[str, Any], best: dict[str, Any]) -> bool:
        """Tell whether two rows of one result each, which no replicate can part, differ over the test items.

        By the exact test of McNemar (1947, doi:10.1007/BF02295996): of the items that one alone has right, half would
        be either's.
        """
        if self._right is None or row is best or not (row["copies"] and best["copies"] and row["n"] == best["n"] == 1):
            return False
        one, other = (
            self._right(self.columns["cell"][self._done(self._members[each["position"]])[0]]) for each in (row, best)
        )
        ours, theirs = int((one & ~other).sum()), int((other & ~one).sum())
        return bool(2 * special.bdtr(min(ours, theirs), ours + theirs, 0.5) <= ALPHA) if ours + theirs else False


def step(rows: Sequence[dict[str, Any]], table: np.ndarray) -> float:
    """Return the smallest difference that the scores of rows can have."""
    return score_step(table, max(row["shares_of"] for row in rows))


def partition(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Put rows that agree in some columns together, in the order in which they come up."""
    found: dict[tuple[Hashable, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return list(found.values())


def _items(right: Sequence[np.ndarray]) -> stats.Interval:
    """Return the interval over test items that were each right in some of several replicates."""
    return stats.share_interval(np.bincount(np.sum(right, axis=0), minlength=len(right) + 1), len(right))


def _most(values: np.ndarray) -> Any:
    return max((value for value in values if value is not None and value == value), default=None)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else _NOTHING


COLUMNS = (*GROUP, "a", "b", "delta", "low", "high", "n", "p", "p_holm", "p_t", "separated", "effect", "needed")


def pairwise(summary: Summary) -> pd.DataFrame:
    """Return one row per pair of each group: `a` less `b`, replicate by replicate, `b` standing above `a`.

    `p` is of the exact sign-flip test and `p_holm` that with Holm's correction for all pairs of the group; `p_t` is of
    the paired t test, and `separated` whether that is at most 0.05 after the same correction, which decides who is
    tied with the best. Upper bounds take no part.
    """
    parts = []
    for group in summary.groups():
        rows = [row for row in group if np.isfinite(row["mean"]) and not row["upper_bound"]]
        if len(rows) < 2:
            continue
        b, a = np.triu_indices(len(rows), k=1)
        overlap, least = np.array([row["overlap"] for row in rows]), step(rows, summary.matrix(rows))
        found = compare(summary.differences(rows, a, b), np.maximum(overlap[a], overlap[b]), least)
        labels = np.array([row["label"] for row in rows], dtype=object)
        part = pd.DataFrame({**vars(found), "a": labels[a], "b": labels[b], "p_holm": holm(found.p)})
        part["separated"] = holm(found.p_t) <= ALPHA
        parts.append(part.assign(**{column: rows[0][column] for column in GROUP}))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))
