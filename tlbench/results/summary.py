"""Compute one row per variant and place from the records' frame: means, intervals, verdicts, ties."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from tlbench.results import stats
from tlbench.results.across_blocks import interquartile_mean
from tlbench.results.comparisons import (
    OVER_BOTH,
    OVER_ITEMS,
    OVER_REPLICATES,
    Paired,
    compare,
)
from tlbench.results.crossed import cross, share_bounds
from tlbench.results.records_frame import LEDGER, SPENT
from tlbench.results.rows import baselines, row_labels
from tlbench.results.side_by_side import side_by_side
from tlbench.results.summary_row import GROUP, PLACE, ROW, partition
from tlbench.results.verdicts import Standings, judge, stand

_MEASURED = ("transductive_measured", "test_in_train", "test_in_source", "test_in_upstream")  # by each cell
_MANY = 2_000  # rows that are worth a process of their own
_NOTHING = float("nan")
_NO_DIFFERENCE = {
    "baseline": "", "delta": _NOTHING, "delta_low": _NOTHING, "delta_high": _NOTHING, "delta_n": 0, "verdict": "",
    "delta_over": "", "clear_low": _NOTHING, "clear_high": _NOTHING, "p": _NOTHING, "p_holm": _NOTHING,
    "effect": _NOTHING, "needed": _NOTHING,
    "needed_items": _NOTHING, "improvement": _NOTHING, "negative_transfer": False, "reference": None, "paired": None,
}  # fmt: skip
_COLLAPSE = 0.1  # of a share
_HIDDEN = ("marked", "position", "overlap", "seconds", "why_not", "reference", "paired")

Right = Callable[[str], np.ndarray]  # a cell's id to which test items it got right, bool (episodes, items)
Sampled = Callable[[Sequence[str]], stats.Interval | None]  # a row's cells to its interval over items, or episodes
Parts = Callable[[str], np.ndarray | None]  # a cell's id to the shares of its score that groups of test items have


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
        parts: Parts | None = None,
    ) -> None:
        self._sampled, self._right, self._parts = sampled, right, parts
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
            (row for rows in made for row in rows), key=lambda row: row["position"]
        )
        self.comparisons = judge(self)  # with baselines, for which verdicts are corrected

    def frame(self) -> pd.DataFrame:
        """Return the rows as a frame, without what is for comparisons alone."""
        return self._frame.copy()

    @cached_property
    def _frame(self) -> pd.DataFrame:
        shown = [{key: value for key, value in row.items() if key not in _HIDDEN} for row in self.rows]
        return pd.DataFrame(shown, columns=None if shown else list(ROW))

    @property
    def is_of_answers(self) -> bool:
        """Tell whether it is known which test items each row got right: means and differences are of shares then."""
        return self._right is not None

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
        places, count, _ = self._by_replicate(rows)
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

    def compared(self, rows: Sequence[dict[str, Any]], first: np.ndarray, second: np.ndarray) -> Paired:
        """Compare rows with others, `first` and `second` being positions in `rows`, over replicates and test items.

        Over replicates alone where test items are not the same in all of them (folds, episodes), or only scores are
        known; over test items alone where all replicates of both rows are one result.
        """
        overlap = np.array([row["overlap"] for row in rows])
        differences = self.differences(rows, first, second)
        found = compare(differences, np.maximum(overlap[first], overlap[second]))
        there = np.isfinite(differences)
        known = [self._items_of(self._done(self._members[row["position"]])) for row in rows]
        shapes = [None if each is None else next(iter(each.values())).shape for each in known]
        replicates = self._by_replicate(rows)[2]
        alike: dict[Hashable, list[int]] = {}
        for pair, (i, j) in enumerate(zip(first, second, strict=True)):
            enough = there[pair].sum() > 1 or (there[pair].any() and rows[i]["copies"] and rows[j]["copies"])
            if enough and shapes[i] is not None and shapes[i] == shapes[j]:
                alike.setdefault((there[pair].tobytes(), shapes[i]), []).append(pair)
        for pairs in alike.values():
            columns = replicates[there[pairs[0]]]
            involved, places = np.unique([first[pairs], second[pairs]], return_inverse=True)
            ours, theirs = places.reshape(2, -1)

            def outcomes(r: int, columns: np.ndarray = columns, involved: np.ndarray = involved) -> np.ndarray:
                return np.stack([(known[row] or {})[int(columns[r])] for row in involved])

            step = 1 / outcomes(0).shape[1] if self.is_of_answers else 0.0
            found.put(np.array(pairs), cross(outcomes, len(columns), ours, theirs, step))
        if self.is_of_answers:  # shares differ by 1 at most
            found.low, found.high = np.maximum(found.low, -1.0), np.minimum(found.high, 1.0)
        return found

    def _items_of(self, cells: np.ndarray) -> dict[int, np.ndarray] | None:
        """Return what cells of a row have on each test item, or group of them, by replicate.

        None where test items are not the same in all of them, or nothing but scores is known.
        """
        if not len(cells) or self.columns["folds"][cells].any() or _all_known(self.columns["episodes"][cells]):
            return None
        names = [str(cell) for cell in self.columns["cell"][cells]]
        if self._right is not None:
            every = [self._right(name)[0].astype(np.float32) for name in names]
        elif self._parts is not None:
            every = [part for part in map(self._parts, names) if part is not None]
        else:
            return None
        found = dict(zip(self.pairs[cells].tolist(), every, strict=False))
        return found if len(found) == len(cells) and len({each.shape for each in every}) == 1 else None

    def _results(self, rows: Sequence[dict[str, Any]]) -> np.ndarray:
        """Return which result each row has in each replicate, (rows, replicates); equal numbers are equal results."""
        places, count, _ = self._by_replicate(rows)
        table = np.full((len(rows), count), -1)
        for line, (cells, columns) in zip(table, places, strict=True):
            line[columns] = self.results[cells]
        return table

    def _by_replicate(
        self, rows: Sequence[dict[str, Any]]
    ) -> tuple[list[tuple[np.ndarray, np.ndarray]], int, np.ndarray]:
        """Return the cells of each row with the columns of their replicates, how many there are, and which."""
        members = [self._done(self._members[row["position"]]) for row in rows]
        known = np.unique(self.pairs[np.concatenate(members)]) if members else np.empty(0, dtype=int)
        return [(cells, np.searchsorted(known, self.pairs[cells])) for cells in members], len(known), known

    def _places(self) -> list[list[int]]:
        """Return which rows stand in the same place."""
        firsts = [members[0] for members in self._members]
        columns = [self.columns[name][firsts] if firsts else () for name in PLACE]
        found: dict[tuple[Hashable, ...], list[int]] = {}
        for position, place in enumerate(zip(*columns, strict=True)):
            found.setdefault(place, []).append(position)
        return list(found.values())

    def _place(self, positions: Sequence[int], right: Right | None) -> list[dict[str, Any]]:
        """Return the rows of one place, each compared with its baseline."""
        rows = [{**self._row(self._members[position], right), "position": position} for position in positions]
        self._compare(rows)
        return rows

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
            if _all_known(self.columns["episodes"][done]):
                episodes = found_for
            else:
                items = found_for
        if right is not None and len(done):
            found = [right(cell) for cell in self.columns["cell"][done]]
            folds = self.columns["folds"][done]
            if _all_known(self.columns["episodes"][done]):
                episodes = stats.t_interval(np.concatenate([each.mean(axis=1) for each in found]))
            elif folds.any():
                if len(done) == folds[0] == len(set(self.columns["splits"][done])):  # each item was tested once
                    items = _items([np.concatenate([each[0] for each in found])])
            elif len({each.shape for each in found}) == 1:
                items = _items([each[0] for each in found])
        low, high, over = self._interval(done, seeds)
        return {
            "mean": seeds.mean,
            "low": low,
            "high": high,
            "over": over,
            **_steadiness(self.scores[done], self.is_in_points),
            "seed_low": seeds.low,
            "seed_high": seeds.high,
            "n_items": items.n if items else 0,
            "item_low": items.low if items else _NOTHING,
            "item_high": items.high if items else _NOTHING,
            "n_episodes": episodes.n if episodes else 0,
            "episode_low": episodes.low if episodes else _NOTHING,
            "episode_high": episodes.high if episodes else _NOTHING,
        }

    def _interval(self, done: np.ndarray, seeds: stats.Interval) -> tuple[float, float, str]:
        """Return the interval of a mean over replicates and test items together, and what it is over."""
        items = self._items_of(done)
        if items is None or not np.isfinite(seeds.mean):
            folds = len(done) and self.columns["folds"][done].any()
            over = "" if np.isnan(seeds.low) else "folds" if folds else OVER_REPLICATES
            return seeds.low, seeds.high, over
        every = list(items.values())
        crossed = cross(
            lambda r: np.stack([every[r], np.zeros_like(every[r])]), len(every), np.array([0]), np.array([1])
        )
        over = OVER_BOTH if len(every) > 1 else OVER_ITEMS
        if self.is_of_answers:
            return (*share_bounds(seeds.mean, crossed), over)
        half = float(crossed.half()[0])
        return seeds.mean - half, seeds.mean + half, over

    def _compare(self, place: list[dict[str, Any]]) -> None:
        """Set each row of a place against its baseline, pair by pair of replicates."""
        chosen = baselines(place, self.baseline)
        names = row_labels(place)
        for i, row in enumerate(place):
            row |= {**_NO_DIFFERENCE, "is_baseline": i in chosen}
        known = [bool(np.isfinite(row["mean"])) for row in place]
        pairs = [(i, j) for i, j in enumerate(chosen) if j is not None and j != i and known[i] and known[j]]
        own, other = np.array(pairs, dtype=int).reshape(-1, 2).T
        found, differences = self.compared(place, own, other), self.differences(place, own, other)
        for k, (i, j) in enumerate(pairs):
            row, reference = place[i], place[j]
            alike = all(row[column] == reference[column] for column in ("selection", "tuned"))
            row["baseline"] = reference["strategy"] if alike else names[j]
            if not found.n[k]:
                continue
            row |= {
                "delta": float(found.delta[k]),
                "delta_low": float(found.low[k]),
                "delta_high": float(found.high[k]),
            }
            row |= {"delta_n": int(found.n[k]), "delta_over": str(found.over[k]), "p": float(found.p[k])}
            row |= {"effect": float(found.effect[k]), "improvement": self._ahead(differences[k])}
            row |= {"reference": reference["position"], "paired": found.only(k)}

    def _ahead(self, differences: np.ndarray) -> float:
        """Return the share of replicates that are ahead, those without a difference by half (arXiv:2108.13264)."""
        known = differences[np.isfinite(differences)]
        return float(np.mean((known > 0) == self.higher_is_better, where=known != 0) * np.mean(known != 0)
                     + np.mean(known == 0) / 2) if (known != 0).any() else 0.5  # fmt: skip

    def standings(self, rows: Sequence[dict[str, Any]]) -> Standings:
        """Return for each of some rows with scores whether it is the best, and whether it ties with the best.

        The best has the highest mean, or the lowest where less is better, of rows that no other is ahead of on the
        replicates that both have. Rows with one replicate count for it only where no row has more, and rows of which a
        replicate did not learn never do. A row ties unless the best is ahead
        of it by a t test with Bonferroni's correction for all other rows, one-sided at 2.5 %: so the row that is truly
        best is left out in 2.5 of 100 cases at most (Hsu, 1984, doi:10.1214/aos/1176346725, by a simpler bound).
        """
        of = tuple(row["position"] for row in rows)
        if of not in self._standings:
            self._standings[of] = stand(self, rows)
        return self._standings[of]


def _steadiness(scores: np.ndarray, is_share: bool) -> dict[str, float]:
    """Return the interquartile mean of a row's replicates, and how many of them collapsed.

    A replicate collapsed that lies below the median by more than ten points, and by more than six times what half of
    the others lie within.
    """
    known = scores[np.isfinite(scores)]
    if not len(known):
        return {"iqm": _NOTHING, "collapsed": 0}
    below = np.median(known) - known
    usual = float(np.median(np.abs(below)))
    collapsed = int(((below > _COLLAPSE) & (below > 6 * usual)).sum()) if is_share and len(known) > 2 else 0
    return {"iqm": float(interquartile_mean(known)), "collapsed": collapsed}


def _all_known(values: np.ndarray) -> bool:
    return all(value is not None and value == value for value in values)


def _items(right: Sequence[np.ndarray]) -> stats.Interval:
    """Return the interval over test items that were each right in some of several replicates."""
    return stats.share_interval(np.bincount(np.sum(right, axis=0), minlength=len(right) + 1), len(right))


def _most(values: np.ndarray) -> Any:
    return max((value for value in values if value is not None and value == value), default=None)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else _NOTHING
