"""Choose which rows of a board rank: complete ones without failures that no rerun refutes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_leaderboard.claims import read_claim
from tlbench_leaderboard.joined_plan import suites_of
from tlbench_leaderboard.source import Source
from tlbench_leaderboard.status import NOT_VERIFIED, REFUTED, UNVERIFIED, VERIFIED
from tlbench_leaderboard.verified import VerifiedFile
from tlbench_leaderboard.words import numbers, told_draws

if TYPE_CHECKING:
    from tlbench import Record

GROUP_LENGTH = 4  # of the columns that name a row, the first are those of its group

Key = tuple[Any, ...]
Draws = frozenset[tuple[int, int]]  # root seeds and replicates


@dataclass(frozen=True)
class Standing:
    """Hold whether a row ranks, and what reruns said of it."""

    status: str = NOT_VERIFIED
    why_not: str = ""  # it does not rank


def status_of_cells(source: Source, verified: VerifiedFile | None) -> dict[str, str]:
    """Return what reruns said of each record that readers of results see, by its cell."""
    known = verified.status() if verified is not None else {}
    if not known:
        return {}
    claims = [read_claim(source, place) for place in source.records() if place.startswith("records/")]
    return {claim.cell: known[claim.content] for claim in claims if claim.content in known}


def standings(
    rows: Mapping[Key, "Sequence[Record]"], plan: Mapping[str, Any], status: Mapping[str, str]
) -> dict[Key, Standing]:
    """Return where each row stands; the columns that name its group come first in its key."""
    least = min((each["replicates"] for each in suites_of(dict(plan)) if _is_count(each.get("replicates"))), default=1)
    drawn = {key: frozenset(map(_draw, records)) for key, records in rows.items()}
    groups: dict[Key, list[Draws]] = {}
    for key, own in drawn.items():
        groups.setdefault(key[:GROUP_LENGTH], []).append(own)
    common = {group: _common(found, least) for group, found in groups.items()}
    found = {}
    for key, records in rows.items():
        said = _status([status.get(record.cell, NOT_VERIFIED) for record in records])
        found[key] = Standing(said, _why_not(said, records, drawn[key], common[key[:GROUP_LENGTH]]))
    return found


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _draw(record: "Record") -> tuple[int, int]:
    return int(record.labels["seed"]), int(record.labels["replicate"])


def _common(rows: Sequence[Draws], least: int) -> Draws:
    """Return the replicates that all rows of a group must have: those of most rows that are complete in themselves."""
    whole = [_filled(own, least) for own in rows]
    counts = Counter(own for own, filled in zip(rows, whole, strict=True) if own == filled) or Counter(whole)
    return max(counts, key=lambda own: (counts[own], len(own), sorted(own)))


def _filled(own: Draws, least: int) -> Draws:
    """Return replicates without gaps, of each root seed from 0 on, as many as a suite has."""
    most = {seed: max(least, 1 + max(number for other, number in own if other == seed)) for seed, _ in own}
    return frozenset((seed, number) for seed, count in most.items() for number in range(count))


def _status(found: Iterable[str]) -> str:
    """Return the status of a row: the worst of its records'."""
    order = (REFUTED, NOT_VERIFIED, UNVERIFIED, VERIFIED)
    return min(found, key=order.index)


def _why_not(status: str, records: "Sequence[Record]", own: Draws, common: Draws) -> str:
    if status == REFUTED:
        return "refuted"
    if failed := sum(not record.ok for record in records):
        return f"{failed} of {len(records)} failed"
    if own == common:
        return ""
    missing = sorted(common - own)
    if own < common and len({seed for seed, _ in common}) == 1:
        word = "replicate" if len(missing) == 1 else "replicates"
        return f"incomplete: without {word} {numbers(number for _, number in missing)}"
    return f"incomplete: replicates {told_draws(own)}, others have {told_draws(common)}"
