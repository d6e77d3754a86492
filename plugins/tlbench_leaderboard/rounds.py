"""Hold submissions against the round of a board: its seed, what was committed, and what is missing of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import TlbenchError, plural
from tlbench.contract import (
    Opening,
    RandomStart,
    Round,
    kept,
    names_of,
    parse_kept,
    read_kept,
    row_digest,
    source_difference,
)
from tlbench.errors import ParameterError, StoreError
from tlbench_leaderboard.content import parse_object
from tlbench_leaderboard.fault import Fault, row_of
from tlbench_leaderboard.schema import faults_of_form
from tlbench_leaderboard.source import ROUND, Source
from tlbench_leaderboard.status import UNVERIFIED, VERIFIED

if TYPE_CHECKING:
    from tlbench.host import Catalog
    from tlbench_leaderboard.row_status import Summed

_CODE = ("module", "source_sha256", "package_sha256")  # what names the code in a record, and in a commitment


def read_round(path: Path) -> Round:
    """Return a board's round; raise ParameterError where it is none, or not drawn yet."""
    held = read_kept(Round, path).alone
    held.check()
    return held


def round_of(source: Source) -> Round | None:
    """Return the round that a submission says it is of, with its openings; None where it is of none."""
    return parse_kept(Round, source.read(ROUND), f"{source.name}/{ROUND}") if ROUND in source.sizes else None


def faults_of_round(source: Source, board: Round | None) -> Iterator[Fault]:
    """Yield what of a submission is not of the board's round, or of its own where no board asks."""
    try:
        own = round_of(source)
        if own is not None:
            own.check()
    except (ParameterError, StoreError) as error:
        yield _whole(source, str(error))
        return
    if own is None:
        if board is not None:
            yield _whole(
                source, f"it is of no round, and the board's is {board.name!r}: `tlbench run --round` makes one"
            )
        return
    if board is not None and own.alone != board:
        yield _whole(
            source, f"it is of the round {own.name!r} with the seed {own.seed}, and the board's is {board.name!r}"
        )
        return
    openings = [opening for opening in own.openings if own.holds(opening)]
    for opening in own.openings:
        if opening not in openings:
            yield _whole(
                source, f"the round {own.name!r} holds no commitment of {opening.name!r} that its opening fits"
            )
    if not own.openings:
        yield _whole(source, f"it is of the round {own.name!r}, and holds no opening of a commitment")
    there: dict[str, set[int]] = defaultdict(set)
    for place, data in _records(source):
        identity = data["identity"]
        there[row_digest(identity)].add(identity["replicate"])
        for text in _faults_of_record(data, own, openings):
            yield Fault(source.name, place, data["cell"], row_of(data["labels"]), "round", text)
    for opening in openings:
        yield from _missing(source, opening, there)


def _records(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records whose form is right; the others are named elsewhere."""
    for place in source.records():
        try:
            data = parse_object(source.read(place), place)
        except StoreError:
            continue
        if next(faults_of_form(data), None) is None:
            yield place, data


def _faults_of_record(data: dict[str, Any], own: Round, openings: Sequence[Opening]) -> Iterator[str]:
    identity, row = data["identity"], row_digest(data["identity"])
    if identity["seed"] != own.seed:
        yield f"its root seed is {identity['seed']}, and that of the round {own.name!r} is {own.seed}"
    committed = [opening for opening in openings if row in opening.rows]
    if not committed:
        yield f"its row was not committed for the round {own.name!r}"
        return
    differing = [next(_other_sources(data, opening), "") for opening in committed]
    if all(differing):
        yield differing[0]
    if all(identity["replicate"] >= opening.replicates for opening in committed):
        yield f"{plural(committed[0].replicates, 'replicate')} of it were committed, and this is another"


def _other_sources(data: dict[str, Any], opening: Opening) -> Iterator[str]:
    for kind, name in names_of(data["identity"]).items():
        facts = data["provenance"].get(kind)
        stated = {key: str(facts.get(key) or "") for key in _CODE} if isinstance(facts, dict) else {}
        promised = opening.sources.get(f"{kind} {name}", {})
        if words := source_difference({key: promised.get(key, "") for key in _CODE}, stated):
            yield f"{words} of the {kind} {name} is not the one that was committed"


def _missing(source: Source, opening: Opening, there: dict[str, set[int]]) -> Iterator[Fault]:
    for row, words in sorted(opening.rows.items(), key=lambda item: item[1]):
        lacking = opening.replicates - len(there[row] & set(range(opening.replicates)))
        if lacking:
            count = plural(opening.replicates, "replicate")
            text = f"{opening.name!r} committed to {count} of it, and {lacking} of them are not here"
            yield Fault(source.name, "", "", words, "round", text)


def _whole(source: Source, text: str, is_note: bool = False) -> Fault:
    return Fault(source.name, "", "", "", "round", text, is_note)


def faults_of_installed(source: Source, catalog: "Catalog") -> Iterator[Fault]:
    """Yield what is installed here and is not the code that a submission committed to."""
    from tlbench.running import code_here

    try:
        own = round_of(source)
    except (ParameterError, StoreError):
        return
    for opening in own.openings if own else ():
        for thing, facts in sorted(opening.sources.items()):
            kind, _, name = thing.partition(" ")
            if kind not in ("strategy", "backbone", "dataset"):
                continue
            module = _module_here(kind, name, catalog)
            here = code_here(module) if module else None
            if here is None:
                yield _whole(source, f"the {thing} is not installed here: its source was not compared", True)
            elif words := source_difference({key: facts.get(key, "") for key in here}, here):
                yield _whole(source, f"{words} of the {thing} that is installed here is not the one that was committed")


def _module_here(kind: str, name: str, catalog: "Catalog") -> str:
    """Return the module of what is installed under a name; empty where nothing is."""
    if kind != "backbone":
        offer = (catalog.strategies if kind == "strategy" else catalog.datasets).get(name)
        return offer.thing.__module__ if offer else ""
    try:
        backbone, _ = catalog.backbone(name)
    except (TlbenchError, ValueError, TypeError):
        return ""
    return type(backbone.backbone if isinstance(backbone, RandomStart) else backbone).__module__


def joined_round(sources: Sequence[Source]) -> Round | None:
    """Return the round of submissions with the openings of all; raise StoreError where they are not of one round."""
    try:
        rounds = [round_of(source) for source in sources]
    except ParameterError as error:
        raise StoreError(str(error)) from None
    first = rounds[0]
    for source, other in zip(sources[1:], rounds[1:], strict=True):
        if (first and first.alone) != (other and other.alone):
            raise StoreError(
                f"{sources[0].name} is of {_named(first)}, and {source.name} is of {_named(other)}: their draws are "
                f"not paired. Merge them into two folders."
            )
    if first is None:
        return None
    openings = {opening.commitment: opening for held in rounds if held for opening in held.openings}
    return replace(first, openings=tuple(openings[key] for key in sorted(openings, key=lambda each: each.name)))


def _named(held: Round | None) -> str:
    return "no round" if held is None else f"the round {held.name!r}"


def unopened(held: Round) -> list[str]:
    """Return a sentence on commitments of a round without results: they may have been left out for what they gave."""
    opened = {opening.commitment for opening in held.openings}
    names = [each.name for each in held.commitments if each not in opened]
    if not names:
        return []
    return [f"{plural(len(names), 'commitment')} of the round {held.name!r} without results: {', '.join(names)}"]


def round_bytes(held: Round) -> bytes:
    """Write a round as a results folder keeps it."""
    return kept(held)


def refuse_other_rounds(sources: Sequence[Source], board: Round) -> None:
    """Raise StoreError where a submission is not of a board's round."""
    for source in sources:
        found = [fault for fault in faults_of_round(source, board) if not fault.is_note]
        if found:
            more = f" ({len(found) - 1} more: `tlbench validate` names them)" if len(found) > 1 else ""
            raise StoreError(f"{found[0]}{more}")


def faults_to_tell(source: Source, board: Round | None, catalog: "Catalog") -> int:
    """Print what is not of a round, in records and in the code that is installed here; return how many faults it is."""
    import click

    found = [*faults_of_round(source, board), *faults_of_installed(source, catalog)]
    for fault in found:
        click.echo(f"note: {fault}" if fault.is_note else str(fault), err=fault.is_note)
    return sum(not fault.is_note for fault in found)


def doubted(summed: "Summed") -> "Summed":
    """Return what reruns said with no row verified: what was rerun is not what was committed for the round."""
    why = "it is not what was committed"
    rows = (replace(row, status=UNVERIFIED, why=why) if row.status == VERIFIED else row for row in summed.rows)
    return replace(summed, rows=tuple(rows))
