"""Rank rows that may be compared: within a group by all pairs of it, over several transfers by mean ranks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench_leaderboard.words import known

if TYPE_CHECKING:
    from tlbench import Results
    from tlbench.results import Across

NOTHING = float("nan")
_CANDIDATE = ("strategy", "backbone", "selection", "tuned")  # what a row is named by over several transfers
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Hold where a row stands among those that it is compared with."""

    first: float  # the lowest rank that it may have, and the highest
    last: float
    is_best: bool = False
    is_tied: bool = False


@dataclass(frozen=True)
class Candidate:
    """Hold a strategy on a backbone over several transfers."""

    name: str
    rows: tuple[Values, ...]  # of the summary, one for each transfer
    rank: float  # the mean over transfers
    place: Place
    score: float  # likewise
    behind: float  # less that of the best
    seconds: float


@dataclass(frozen=True, eq=False)
class Ranked:
    """Hold the rows that rank together: those that reruns verified, or those that nobody has verified."""

    results: "Results"
    is_verified: bool

    @cached_property
    def rows(self) -> dict[str, list[Values]]:
        """Return the rows of the summary by metric."""
        found: dict[str, list[Any]] = {}
        for metric in self.results.primaries:
            found[metric] = self.results.summary(metric).to_dict("records")
        return found

    def places(self, metric: str) -> dict[tuple[str, ...], Place]:
        """Return where each row of a score stands in its group, by the columns that name it."""
        from tlbench import ROW
        from tlbench.results import GROUP

        groups: dict[tuple[str, ...], list[Values]] = {}
        for row in self.rows[metric]:
            if known(row["mean"]) and not row["upper_bound"]:
                groups.setdefault(key_of(row, GROUP), []).append(row)
        pairs: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        columns = ("a", "b", "delta", "separated")
        found = self.results.pairwise(metric)
        for group, pair in zip(_keys(found, GROUP), zip(*(found[name] for name in columns), strict=True), strict=True):
            pairs.setdefault(group, []).append(pair)
        sign = 1 if self.results.higher_is_better(metric) else -1
        return {
            key_of(row, ROW): place
            for key, rows in groups.items()
            for row, place in zip(rows, places(rows, pairs.get(key, []), sign), strict=True)
        }

    def across(self, metric: str) -> "Iterator[tuple[Across, list[Candidate]]]":
        """Yield what several transfers say together, with the candidates that all of them have, the best first."""
        for across in self.results.across(metric):
            rows = [
                row
                for row in self.rows[metric]
                if (row["setting"], row["budget"]) == (across.setting, across.budget) and not row["upper_bound"]
            ]
            members = _members(across, rows)
            if members:
                yield across, list(_candidates(across, members))


def key_of(values: Mapping[Any, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Return the texts of some columns."""
    return tuple(str(values[column]) if known(values[column]) else "" for column in columns)


def _keys(frame: Any, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for values in zip(*(frame[column] for column in columns), strict=True):
        yield tuple(str(value) if known(value) else "" for value in values)


def places(rows: Sequence[Values], pairs: Sequence[tuple[Any, ...]], sign: int) -> Iterator[Place]:
    """Yield for each row the ranks that it may have: behind those that are clearly better, before those clearly worse.

    What is not tied with the best has the best before it, so that ranks and ties say the same.
    """
    ahead: Counter[str] = Counter()
    behind: Counter[str] = Counter()
    best = any(row["best"] for row in rows)
    for a, b, delta, separated in pairs:
        if separated:
            better, worse = (a, b) if sign * delta > 0 else (b, a)
            ahead[worse] += 1
            behind[better] += 1
    for row in rows:
        tied = bool(row["best"] or row["tied"])
        first = 1 + max(ahead[row["label"]], 0 if tied or not best else 1)
        yield Place(first, max(first, len(rows) - behind[row["label"]]), bool(row["best"]), tied)


def _candidates(across: "Across", members: Mapping[str, Sequence[Values]]) -> Iterator[Candidate]:
    scores = {name: float(np.mean([row["mean"] for row in own])) for name, own in members.items()}
    leader = across.candidates[0]
    near = set(next((group for group in across.groups if leader in group), (leader,)))
    for rank in across.ranks.to_dict("records"):
        name = rank["candidate"]
        place = Place(rank["rank_low"], rank["rank_high"], name == leader, name in near)
        behind = scores[name] - scores[leader] if name != leader else NOTHING
        yield Candidate(name, tuple(members[name]), rank["mean_rank"], place, scores[name], behind, rank["seconds"])


def _members(across: "Across", rows: Sequence[Values]) -> dict[str, list[Values]]:
    """Return the rows of each candidate in the transfers that count; `coverage` names candidates in their order."""
    found: dict[tuple[str, ...], list[Values]] = {}
    for columns in ((*_CANDIDATE, "source"), _CANDIDATE):
        found = {}
        for row in rows:
            found.setdefault(key_of(row, columns), []).append(row)
        if len(found) == len(across.coverage):
            break
    else:
        return {}  # two candidates of one name: nobody could tell them apart
    blocks = {block.partition(" from ")[0] for block in across.blocks}
    return {
        name: [row for row in own if row["transfer"] in blocks and known(row["mean"])]
        for name, own in zip(across.coverage, found.values(), strict=True)
    }
