"""Choose the records of each row that are rerun, and tell what that costs and finds."""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, comb
from typing import TYPE_CHECKING

from tlbench import ParameterError, near_miss, plural
from tlbench_leaderboard.claims import Claim, Claims
from tlbench_leaderboard.direction import FEWEST, direction

if TYPE_CHECKING:
    from tlbench_leaderboard.verifying import Verified

LEAST, MOST = 1.0, 6 * 3600.0  # seconds that a rerun is counted with, whatever its record says


@dataclass(frozen=True)
class Sample:
    """Hold the records to rerun, and of each row how many it has and how many of them are rerun."""

    chosen: tuple[Claim, ...]
    rows: Mapping[str, tuple[int, int]]

    @property
    def seconds(self) -> float:
        """Return how long the reruns take by the costs that the records state."""
        return sum(min(max(claim.seconds, LEAST), MOST) for claim in self.chosen)

    def chance(self, share: float) -> float:
        """Return the chance that a row is found of which a share of the records, or one at least, was changed.

        It is that of the row for which it is smallest.
        """
        return min(found(have, rerun, max(1, int(share * have))) for have, rerun in self.rows.values())


def found(have: int, rerun: int, changed: int) -> float:
    """Return the chance that a sample without replacement holds one of the changed records.

    >>> found(5, 1, 5), found(5, 1, 1), round(found(6, 2, 3), 2)
    (1.0, 0.2, 0.8)
    """
    return 1 - comb(have - changed, rerun) / comb(have, rerun)


def sample(
    claims: Claims, number: int, per_row: int | None = None, tries: Mapping[str, int] | None = None, *, whole: bool
) -> Sample:
    """Choose records of each row, by default one and as many as a test for a lean needs; failures are like others.

    The draw of a row depends on what the whole submission claims, on the board's number and on the row. A row that was
    handed in before with other content is looked at more closely: one record more for each time.
    """
    chosen: list[Claim] = []
    rows: dict[str, tuple[int, int]] = {}
    alone = sum(not records[0].members for records in claims.rows.values())  # an ensemble repeats what its members say
    least = per_row or ceil(FEWEST / max(alone, 1))
    for key, records in claims.rows.items():
        wanted = len(records) if whole else min(len(records), least + (tries or {}).get(key, 0))
        drawn = random.Random(_seed(claims, number, key)).sample(sorted(records, key=lambda claim: claim.place), wanted)
        chosen += sorted(drawn, key=lambda claim: claim.place)
        rows[key] = (len(records), wanted)
    return Sample(tuple(chosen), rows)


def _seed(claims: Claims, number: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{claims.digest} {number} {purpose}".encode()).digest()


def further(claims: Claims, number: int, chosen: Sample, found: "Sequence[Verified]") -> Iterator[Claim]:
    """Yield records beyond the sample, one after the other, while all scores that differ are better than their rerun.

    They are of the rows that differ, of the one least rerun first, in an order that the board's number draws.
    """
    there = {claim.place for claim in chosen.chosen}
    left = {key: [claim for claim in records if claim.place not in there] for key, records in claims.rows.items()}
    draw = random.Random(_seed(claims, number, "further"))
    while direction([each.difference for each in found if each.verdict.confirms]).is_open:
        rerun = Counter(each.claim.key for each in found)
        rows = {each.claim.key for each in found if each.difference and left[each.claim.key]}
        if not rows:
            return
        own = left[min(rows, key=lambda key: (rerun[key], key))]
        yield own.pop(draw.randrange(len(own)))


def named(claims: Claims, cells: Sequence[str]) -> Sample:
    """Choose the records of some cells; raise ParameterError where one has none."""
    by_cell: dict[str, list[Claim]] = {}
    for claim in claims.claims:
        by_cell.setdefault(claim.cell, []).append(claim)
    for cell in cells:
        if cell not in by_cell:
            hint = near_miss(cell, by_cell)
            raise ParameterError(f"{claims.source.name} has no record of the cell {cell!r}.{hint}")
    chosen = tuple(claim for cell in dict.fromkeys(cells) for claim in by_cell[cell])
    keys = [claim.key for claim in chosen]
    return Sample(chosen, {key: (len(claims.rows[key]), keys.count(key)) for key in dict.fromkeys(keys)})


def told(chosen: Sample, claims: Claims, in_words: str) -> Iterator[str]:
    """Yield what the reruns cost, in words, and what they find."""
    some = f"{plural(len(chosen.chosen), 'record')} of {len(claims.claims):,}, from {plural(len(chosen.rows), 'row')}"
    yield f"{some}, will be rerun: about {in_words} by the costs that the records state, preparing data not counted"
    whole, half, one = (f"{100 * chosen.chance(share):.3g} %" for share in (1.0, 0.5, 0.0))
    yield (
        f"a changed row is found with a chance of at least {whole} where all of its records were changed, {half} where "
        f"half were, {one} where one was"
    )
