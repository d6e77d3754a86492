"""Rerun sampled records in a store and a cache of their own, and compare them with what was submitted."""

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench import ParameterError, Record, near_miss
from tlbench.data import Cache, Resources
from tlbench.errors import StoreError
from tlbench.host import Catalog
from tlbench.results import Store
from tlbench_leaderboard.comparing import Verdict, compare
from tlbench_leaderboard.content import parse_object, read_plan, read_predictions
from tlbench_leaderboard.fault import row_of
from tlbench_leaderboard.rebuild import CannotRebuildError, Rebuilder
from tlbench_leaderboard.schema import faults_of_form
from tlbench_leaderboard.source import Source


@dataclass(frozen=True)
class Verified:
    """Hold a record and what its rerun says."""

    place: str
    cell: str
    row: str
    verdict: Verdict


def choose(source: Source, sample: int, seed: int, cells: Sequence[str]) -> list[str]:
    """Return the paths of the records to rerun: those of the cells named, or a sample of all that have scores."""
    places = source.records()
    if cells:
        by_cell: dict[str, list[str]] = {}
        for place in places:
            by_cell.setdefault(place.rpartition("/")[2].removesuffix(".json"), []).append(place)
        for cell in cells:
            if cell not in by_cell:
                hint = near_miss(cell, by_cell)
                raise ParameterError(f"{source.name} has no record of the cell {cell!r}.{hint}")
        return [place for cell in cells for place in by_cell[cell]]
    draw = random.Random(seed)
    draw.shuffle(places)
    found: list[str] = []
    for place in places:
        if len(found) == sample:
            break
        try:
            scored = parse_object(source.read(place), place).get("failure") is None
        except StoreError:
            scored = True  # to be named
        if scored:
            found.append(place)
    if not found:
        raise StoreError(f"{source.name} holds no record with scores.")
    return found


def specs_elsewhere(source: Source, given: Sequence[str]) -> dict[str, str]:
    """Read `SPEC=SPEC`, where specs may hold `=` themselves; raise ParameterError where no record has the first."""
    known: dict[str, None] = {}
    for place in source.records():
        command = parse_object(source.read(place), place).get("provenance", {}).get("command", {})
        known |= dict.fromkeys(str(command[key]) for key in ("dataset", "backbone") if key in command)
    found = {}
    for text in given:
        splits = [(text[:at], text[at + 1 :]) for at, sign in enumerate(text) if sign == "="]
        fitting = [(old, new) for old, new in splits if old in known and new]
        if not fitting:
            old = text.partition("=")[0]
            hint = near_miss(old, known, 0.4)
            raise ParameterError(f"{text!r}: write SPEC=SPEC, the first as the records have it.{hint}")
        found |= dict(fitting[-1:])
    return found


def verify(
    source: Source,
    places: Sequence[str],
    catalog: Catalog,
    elsewhere: Mapping[str, str],
    device: str | None,
    *,
    trust_cache: bool = False,
) -> Iterator[Verified]:
    """Rerun records and yield what comes of each. Nothing is written but to a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="tlbench-verify-") as folder:
        cache = Cache() if trust_cache else Cache(Path(folder) / "cache")
        resources = Resources(catalog, cache)
        rebuilder = Rebuilder(read_plan(source), resources, elsewhere)
        for number, place in enumerate(places):
            store = Store(Path(folder) / f"store-{number}", create=True)
            yield _verify_one(source, place, rebuilder, store, device)


def _verify_one(source: Source, place: str, rebuilder: Rebuilder, store: Store, device: str | None) -> Verified:
    from tlbench.learning import configure, resolve_device
    from tlbench.running import run_cell

    cell = place.rpartition("/")[2].removesuffix(".json")
    try:
        data = parse_object(source.read(place), place)
        fault = next(faults_of_form(data), None)
        if fault:
            return Verified(place, cell, row_of(data.get("labels")), Verdict("different", f"it is no record: {fault}"))
        record = Record.from_json(data)
        beside = place.removesuffix("json") + "safetensors"
        stored = read_predictions(source.read(beside), beside) if beside in source.sizes else None
    except StoreError as error:
        return Verified(place, cell, "", Verdict("different", str(error)))
    row = row_of(record.labels)
    try:
        planned = rebuilder.cell(record)
        for member in planned.members:
            _bring(source, place, member, store)
    except CannotRebuildError as error:
        return Verified(place, cell, row, Verdict("not-run", f"it cannot be rerun here: {error}"))
    except StoreError as error:
        return Verified(place, cell, row, Verdict("not-run", f"a member of it is missing: {error}"))
    threads = record.environment.get("threads", "1")
    configure(int(threads) if threads.isdigit() and 0 < int(threads) <= 256 else 1)
    chosen = resolve_device(device or ("cpu" if record.environment.get("device") == "cpu" else "auto"))
    outcome = run_cell(planned, rebuilder.resources, chosen, store)
    verdict = compare(record, stored, outcome.record, outcome.predictions)
    if str(record.labels.get("tuned", "")).endswith(("second", "seconds")) and not verdict.confirms:
        verdict = Verdict(
            "not-run", f"it was tuned for a time, in which another run tries other numbers: {verdict.text}"
        )
    return Verified(place, cell, row, verdict)


def _bring(source: Source, place: str, member: str, store: Store) -> None:
    """Put a member's record, as it was submitted, where the ensemble looks for it."""
    own = f"{place.rpartition('/')[0]}/{member}.json"
    found = own if own in source.sizes else f"records/{member}.json"
    for each in (found.removesuffix("json") + "safetensors", found):
        (store.records_folder / each.rpartition("/")[2]).write_bytes(source.read(each))
