"""Compare several submissions of one cell, and tell how far they are apart."""

from collections.abc import Iterator
from dataclasses import dataclass

from tlbench import Record, plural
from tlbench.errors import StoreError
from tlbench_leaderboard.content import parse_object, read_predictions
from tlbench_leaderboard.contribution import contributions
from tlbench_leaderboard.fault import row_of
from tlbench_leaderboard.source import Source

SHOWN = 10  # cells that are named one by one


@dataclass(frozen=True)
class Twin:
    """Hold one of several records of a cell."""

    submitter: str
    place: str
    record: Record
    bits: str  # digest of logits and labels; empty where there are none


@dataclass(frozen=True)
class Spread:
    """Hold all submissions of one cell."""

    cell: str
    twins: tuple[Twin, ...]

    @property
    def same_bits(self) -> bool:
        """Tell whether all gave the same logits."""
        return len({twin.bits for twin in self.twins}) == 1 and bool(self.twins[0].bits)

    def of(self, metric: str) -> float | None:
        """Return the largest score less the smallest; None where fewer than two have one."""
        scores = [score for twin in self.twins if (score := twin.record.scores.get(metric)) is not None]
        return max(scores) - min(scores) if len(scores) > 1 else None

    @property
    def words(self) -> str:
        """Say how far they are apart."""
        if self.same_bits:
            return "the same bits"
        metric = next((name for twin in self.twins for name in sorted(twin.record.scores, key=_primary_first)), "")
        apart = self.of(metric)
        return "other bits" if apart is None else f"other bits, {metric} {apart:.4f} apart"


def _primary_first(name: str) -> tuple[bool, str]:
    return name not in ("accuracy", "clustering-accuracy"), name


def all_spreads(source: Source) -> list[Spread]:
    """Return the cells of a merge that were submitted more than once, by id."""
    found: dict[str, list[Twin]] = {}
    owners = contributions(source)
    several = {cell for owner in owners for cell in owner.records if sum(cell in each.records for each in owners) > 1}
    for owner in owners:
        for cell in sorted(several & owner.records.keys()):
            held = owner.records[cell]
            data = parse_object(source.read(held.place), held.place)
            try:
                record = Record.from_json(data)
            except TypeError as error:
                raise StoreError(f"{source.name}/{held.place} is not a record: {error}.") from None
            bits = read_predictions(source.read(held.predictions), held.predictions).bits if held.predictions else ""
            found.setdefault(cell, []).append(Twin(owner.name, held.place, record, bits))
    return [Spread(cell, tuple(twins)) for cell, twins in sorted(found.items())]


def spreads(source: Source) -> Iterator[str]:
    """Yield a sentence for each cell that was submitted more than once, and one for those that are too many."""
    found = all_spreads(source)
    if found:
        same = sum(each.same_bits for each in found)
        yield f"{plural(len(found), 'cell')} submitted more than once, {same} of them with the same bits"
    other = [each for each in found if not each.same_bits]
    for each in other[:SHOWN]:
        who = " and ".join(twin.submitter for twin in each.twins)
        yield f"  {each.cell} ({row_of(each.twins[0].record.labels)}) by {who}: {each.words}"
    if len(other) > SHOWN:
        yield f"  and {len(other) - SHOWN} more"
