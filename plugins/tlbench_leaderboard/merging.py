"""Join submissions into one results folder, without ever overwriting a record."""

import filecmp
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import plural
from tlbench.contract import SCHEMA
from tlbench.errors import StoreError
from tlbench_leaderboard.claims import read_claim
from tlbench_leaderboard.content import read_plan
from tlbench_leaderboard.contribution import PRIMARY, Contribution, Held, contributions, slug
from tlbench_leaderboard.joined_plan import join_plans, refuse_to_mix
from tlbench_leaderboard.packing import as_json
from tlbench_leaderboard.placing import put
from tlbench_leaderboard.rounds import joined_round, refuse_other_rounds, round_bytes, unopened
from tlbench_leaderboard.source import JOINED, MARKER, PLAN, ROUND, Source, open_source
from tlbench_leaderboard.spread import spreads
from tlbench_leaderboard.status import REFUTED, VERIFIED

if TYPE_CHECKING:
    from tlbench.contract import Round


@dataclass
class _Merge:
    """All records by cell, in the order in which they were brought."""

    owners: list[Contribution] = field(default_factory=list)
    cells: dict[str, list[tuple[int, Held]]] = field(default_factory=dict)
    again: int = 0  # records that were there, byte for byte

    def add(self, brought: Contribution) -> None:
        """Take what a submission brings that is not there byte for byte, and whose it is where nobody had said so."""
        new: dict[str, Held] = {}
        taken: dict[str, int] = {}  # of records that a folder without a name brought: their place among the twins
        for cell, held in brought.records.items():
            there = self.cells.get(cell, ())
            same = next((place for place, (_, other) in enumerate(there) if held.same_bytes(other)), None)
            if same is None:
                new[cell] = held
                continue
            self.again += 1
            if brought.is_handed_in and not self.owners[there[same][0]].is_handed_in:
                taken[cell] = same
        if not new and not taken:
            return
        owner = self._owner(brought, {**new, **{cell: brought.records[cell] for cell in taken}})
        for cell, held in new.items():
            self.owners[owner].records[cell] = held
            self.cells.setdefault(cell, []).append((owner, held))
        for cell, place in taken.items():
            before, held = self.cells[cell][place]
            self.owners[owner].records[cell] = self.owners[before].records.pop(cell)
            self.cells[cell][place] = (owner, held)

    def _owner(self, brought: Contribution, new: dict[str, Held]) -> int:
        """Return the position of the submission that new records go to: another one of this name where cells clash."""
        for position, owner in enumerate(self.owners):
            if owner.about == brought.about and new.keys().isdisjoint(owner.records):
                return position
        names = {owner.name for owner in self.owners}
        name, number = brought.name, 2
        while name in names:
            name, number = f"{brought.name} ({number})", number + 1
        self.owners.append(Contribution(name, brought.note, brought.link, brought.tlbench, brought.date))
        return len(self.owners) - 1


def merge_into(
    paths: Sequence[Path], out: Path, status: Mapping[str, str] | None = None, board: "Round | None" = None
) -> list[str]:
    """Join submissions into a folder, which is there whole or not at all; return what there is to say.

    A folder that an earlier merge wrote is joined too, so that nothing of it is lost. Raises StoreError where a
    folder has another origin, where protocols, recipes or rounds differ, or where one is not of the board's round.
    `status` says of records what reruns said, by the digest of their content.
    """
    sources = [open_source(path) for path in paths]
    known = out.exists() and any(out.iterdir()) if out.is_dir() or not out.exists() else _not_a_folder(out)
    if known:
        if not (out / JOINED).is_file():
            raise StoreError(f"{out} is there and is no merge of submissions. Give another folder with -o.")
        if not any(path.resolve() == out.resolve() for path in paths):
            sources.insert(0, open_source(out))
    _refuse_inside(paths, out)
    if board is not None:
        refuse_other_rounds(sources, board)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            made = Path(folder) / "made"
            said = join(sources, made, status)
            if known and _same_tree(made, out):
                return [*said, "nothing is new"]
            put(made, out, Path(folder) / "old")
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}.") from None
    return said


def _not_a_folder(out: Path) -> bool:
    raise StoreError(f"{out} is a file. Give a folder with -o.")


def _refuse_inside(paths: Sequence[Path], out: Path) -> None:
    for path in paths:
        if path.resolve() != out.resolve() and path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise StoreError(f"{out} lies inside {path}, which would become a part of itself. Give another with -o.")


def join(sources: Sequence[Source], out: Path, status: Mapping[str, str] | None = None) -> list[str]:
    """Write the union of submissions into a new folder; return what there is to say."""
    refuse_to_mix(sources)
    held = joined_round(sources)
    merge = _Merge()
    for source in sources:
        for brought in contributions(source):
            merge.add(brought)
    (out / PRIMARY).mkdir(parents=True)
    plan = join_plans([read_plan(source) for source in sources])
    (out / MARKER).write_bytes(as_json({"schema": SCHEMA}))
    if plan:
        (out / PLAN).write_bytes(as_json(plan))
    (out / JOINED).write_bytes(as_json({"schema": 1, "submissions": list(_write_records(merge, out, status or {}))}))
    if held:
        (out / ROUND).write_bytes(round_bytes(held))
    for source in sources:
        for place in source.sizes:
            if place.startswith("splits/") and not (out / place).exists():
                (out / "splits").mkdir(exist_ok=True)
                (out / place).write_bytes(source.read(place))
    return [*_said(merge, out), *(unopened(held) if held else ())]


def _write_records(merge: _Merge, out: Path, status: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Write all records; yield each submission with the places of its own.

    The first that has scores stands where a reader of results looks, a verified one before others and a refuted one
    after them; the others stand in the folder of their submission.
    """
    taken: set[str] = set()
    folders = [f"submissions/{slug(owner.name, taken)}" for owner in merge.owners]
    places: list[dict[str, str]] = [{} for _ in merge.owners]
    for cell, several in sorted(merge.cells.items()):
        known = status if len(several) > 1 else {}
        chosen = max(range(len(several)), key=lambda position: (*_rank(several[position][1], known), -position))
        for position, (number, held) in enumerate(several):
            folder = PRIMARY if position == chosen else f"{folders[number]}/{PRIMARY}"
            if not (out / folder).is_dir():
                (out / folder).mkdir(parents=True)
                (out / folder).with_name(MARKER).write_bytes(as_json({"schema": SCHEMA}))
            places[number][cell] = f"{folder}/{cell}.json"
            if held.predictions:
                (out / folder / f"{cell}.safetensors").write_bytes(held.source.read(held.predictions))
            (out / folder / f"{cell}.json").write_bytes(held.source.read(held.place))
    for owner, records in zip(merge.owners, places, strict=True):
        if records:
            yield {**owner.about, "records": records}


def _rank(held: Held, status: Mapping[str, str]) -> tuple[bool, bool, bool]:
    found = status.get(read_claim(held.source, held.place).content) if status else None
    return found != REFUTED, held.ok, found == VERIFIED


def _said(merge: _Merge, out: Path) -> Iterator[str]:
    records = sum(len(several) for several in merge.cells.values())
    owners = [owner for owner in merge.owners if owner.records]
    cells, several = plural(len(merge.cells), "cell"), plural(len(owners), "submission")
    yield f"{plural(records, 'record')} of {cells} from {several}: {', '.join(owner.name for owner in owners)}"
    if merge.again:
        counts = "counts" if merge.again == 1 else "count"
        yield f"{plural(merge.again, 'record')} stood in two of them byte for byte, and {counts} once"
    yield from spreads(open_source(out))


def _same_tree(one: Path, other: Path) -> bool:
    """Whether the files that a merge writes are the same in two folders."""
    mine = {path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file()}
    theirs = set(open_source(other).sizes)
    return mine == theirs and all(filecmp.cmp(one / place, other / place, shallow=False) for place in mine)
