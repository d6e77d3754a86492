"""Check submissions: each record alone, then all of them together. Nothing of a submission is run."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import digest, plural, track
from tlbench.contract import canonical
from tlbench.errors import StoreError
from tlbench_leaderboard.content import (
    Stored,
    digests_of_record,
    parse_object,
    read_object,
    read_plan,
    read_predictions,
)
from tlbench_leaderboard.entry import Entry, Facts, facts_of
from tlbench_leaderboard.fault import Fault, row_of
from tlbench_leaderboard.installed import Installed
from tlbench_leaderboard.ledger_checks import faults_of_ledger
from tlbench_leaderboard.plausibility import faults_of_costs, faults_of_names, faults_of_scores
from tlbench_leaderboard.rounds import faults_of_round
from tlbench_leaderboard.schema import faults_of_form
from tlbench_leaderboard.source import ABOUT, MARKER, Source, open_source
from tlbench_leaderboard.together import (
    cells_twice,
    copies,
    incomplete_rows,
    missing_cells,
    odd_ones,
    rows_with_failures,
    unequal_rows,
)

if TYPE_CHECKING:
    from tlbench.contract import Round


@dataclass
class Report:
    """Hold what was found in all submissions."""

    sources: list[str] = field(default_factory=list)
    records: int = 0
    found: list[Fault] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Return what is wrong."""
        return [each for each in self.found if not each.is_note]

    @property
    def notes(self) -> list[Fault]:
        """Return what is worth knowing and not wrong; what many records share is said once."""
        several: dict[tuple[str, str], list[Fault]] = {}
        for each in self.found:
            if each.is_note:
                several.setdefault((each.source, each.text), []).append(each)
        return [
            found[0] if len(found) == 1 else Fault(source, "", "", "", found[0].kind, _shared(text, found), True)
            for (source, text), found in several.items()
        ]


def _shared(text: str, found: list[Fault]) -> str:
    return f"of {plural(len(found), 'record')}: {text}"


def check(paths: Sequence[Path], installed: Installed, board: "Round | None" = None) -> Report:
    """Check submissions alone, against each other and, where given, against a board's round.

    Raises StoreError where one does not exist.
    """
    report, facts = Report(), []
    for path in paths:
        report.sources.append(str(path))
        try:
            source = open_source(path)
        except StoreError as error:
            if not path.exists():
                raise
            report.found.append(Fault(str(path), "", "", "", "pack", str(error)))
            continue
        own, found = check_source(source, installed)
        facts += own
        report.records += len(source.records())
        report.found += [*found, *faults_of_round(source, board)]
    gaps = {(each.source, each.row) for each in report.found if each.kind == "completeness"}
    unequal = [each for each in unequal_rows(facts) if (each.source, each.row) not in gaps]
    report.found += [*unequal, *rows_with_failures(facts), *cells_twice(facts), *copies(facts), *odd_ones(facts)]
    return report


def check_source(source: Source, installed: Installed) -> tuple[list[Facts], list[Fault]]:
    """Check one submission's records, each alone; return what is left to compare and what was found."""
    found = [Fault(source.name, "", "", "", "pack", sentence) for sentence in source.strange]
    facts: list[Facts] = []
    broken: set[str] = set()
    places = source.records()
    for place in track(places, f"records of {source.name} checked", len(places)):
        own, faults = _check_record(source, place, installed)
        found += faults
        if own is None:
            broken.add(place.rpartition("/")[2].removesuffix(".json"))
        else:
            facts.append(own)
    found += _orphans(source)
    found += _check_whole(source, facts, broken)
    if not places:
        found.append(Fault(source.name, "", "", "", "completeness", "it holds no records"))
    return facts, found


def _check_whole(source: Source, facts: list[Facts], broken: set[str]) -> Iterator[Fault]:
    for place in (MARKER, ABOUT):
        if place in source.sizes:
            try:
                data = read_object(source, place)
            except StoreError as error:
                yield Fault(source.name, place, "", "", "schema", str(error))
                continue
            if place == ABOUT and data.get("digest") != digest_of(source):
                yield Fault(source.name, place, "", "", "hashes", "the files are not those that were packed")
    try:
        plan = read_plan(source)
    except StoreError as error:
        yield Fault(source.name, "plan.json", "", "", "schema", str(error))
        return
    yield from missing_cells(source.name, plan, facts, broken)
    yield from incomplete_rows(plan, facts)


def digest_of(source: Source, instead: Mapping[str, bytes] | None = None) -> str:
    """Return the digest of all files of a submission but the one that states it; `instead` are changed ones."""
    changed = instead or {}
    files = {}
    for place in sorted(source.sizes):
        if place != ABOUT:
            try:
                content = changed[place] if place in changed else source.read(place)
            except StoreError:
                content = b""
            files[place] = hashlib.sha256(content).hexdigest()
    return digest(files)


def _orphans(source: Source) -> Iterator[Fault]:
    for place in source.sizes:
        if place.endswith(".safetensors") and place.removesuffix("safetensors") + "json" not in source.sizes:
            yield Fault(source.name, place, "", "", "completeness", "predictions without a record", True)


def _check_record(source: Source, place: str, installed: Installed) -> tuple[Facts | None, list[Fault]]:
    """Check a record alone; what cannot be read, or has a wrong form, is not looked at further."""
    try:
        content = source.read(place)
        data = parse_object(content, place.rpartition("/")[2])
    except StoreError as error:
        return None, [Fault(source.name, place, "", "", "schema", str(error))]
    cell = data["cell"] if isinstance(data.get("cell"), str) else ""
    row = row_of(data.get("labels"))
    found: list[Fault] = []

    def add(kind: str, text: str, is_note: bool = False) -> None:
        found.append(Fault(source.name, place, cell[:40], row, kind, text, is_note))

    try:
        for text in faults_of_form(data):
            add("schema", text)
        canonical(data)
    except RecursionError:
        add("schema", "it is nested too deeply")
    if found:
        return None, found
    stored = _predictions(source, place, data, add)
    entry = Entry(source.name, place, data, stored)
    _check_hashes(entry, add)
    for text in (*faults_of_costs(data), *faults_of_names(data)):
        add("plausibility", text)
    for text, is_note in faults_of_scores(entry, installed):
        add("plausibility", text, is_note)
    if entry.ok:
        for text, is_note in faults_of_ledger(entry, installed):
            add("ledger", text, is_note)
    return facts_of(entry, row, hashlib.sha256(content).hexdigest()), found


def _predictions(source: Source, place: str, data: dict[str, Any], add: Callable[..., None]) -> Stored | None:
    beside = place.removesuffix("json") + "safetensors"
    if beside not in source.sizes:
        if data.get("failure") is None:
            add("completeness", "its predictions are missing: there is no .safetensors file beside it")
        return None
    if data.get("failure") is not None:
        return None
    try:
        return read_predictions(source.read(beside), beside.rpartition("/")[2])
    except StoreError as error:
        add("schema", str(error))
        return None


def _check_hashes(entry: Entry, add: Callable[..., None]) -> None:
    data = entry.data
    expected = digest(data["identity"])[:20]
    if data["cell"] != expected:
        add("hashes", f"its cell is not the digest of its identity, which is {expected}")
    if entry.stem != data["cell"]:
        add("twice", f"its file is not named by its cell, which is {data['cell']}")
    digests = data.get("digests") or {}
    if not digests:
        add("hashes", "it states no digests: it was written before there were any", True)
        return
    if digests.get("record") not in digests_of_record(data):
        add("hashes", "its content is not what its digest was taken of: it was changed after it was written")
    if entry.stored is not None and digests.get("predictions") != entry.stored.sha256:
        add("hashes", "its predictions are not those that its digest was taken of")
