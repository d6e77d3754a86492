"""Check records against each other: gaps, copies, a cell twice, and one record that says otherwise than the rest."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tlbench import plural
from tlbench_leaderboard.entry import Facts
from tlbench_leaderboard.fault import Fault
from tlbench_leaderboard.words import numbers, told_draws

SHOWN = 3  # examples that a sentence names
MOST_REPLICATES = 100_000  # that are counted through


def missing_cells(source: str, plan: Mapping[str, Any], facts: list[Facts], broken: set[str]) -> Iterator[Fault]:
    """Yield what the plan names and the records lack; `broken` are cells whose files were named already."""
    if not plan:
        yield _whole(source, "there is no plan.json, so that nobody can tell whether cells are missing")
        return
    cells = plan.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, str) for cell in cells):
        yield _whole(source, "its plan.json names no cells")
        return
    there = {fact.cell for fact in facts} | broken
    missing = [cell for cell in dict.fromkeys(cells) if cell not in there]
    if missing:
        yield _whole(
            source, f"{plural(len(missing), 'cell')} of the {len(cells):,} planned have no record: {_some(missing)}"
        )
    beside = [fact for fact in facts if fact.cell not in set(cells)]
    if beside:
        named = _some([fact.cell for fact in beside])
        stand = f"{plural(len(beside), 'record')} of a cell that the plan does not name: {named}"
        yield _whole(source, stand, is_note=True)


def incomplete_rows(plan: Mapping[str, Any], facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield rows that lack replicates, wherever the plan leaves them out too: bad ones may have been dropped.

    Of each root seed a row has the replicates from 0 on, as many as its suite.
    """
    suite = plan.get("suite")
    stated = suite.get("replicates") if isinstance(suite, Mapping) else None
    wanted = stated if isinstance(stated, int) else 0
    cells = plan.get("cells")
    planned = set(cells) if isinstance(cells, list) else set()
    rows: dict[tuple[str, int], list[Facts]] = defaultdict(list)
    for fact in facts:
        rows[fact.row_key, fact.replicate[0]].append(fact)
    for found in rows.values():
        there = {fact.replicate[1] for fact in found}
        most = max(there) + 1
        if any(fact.cell in planned for fact in found):
            most = max(most, wanted)
        if missing := sorted({*range(min(most, MOST_REPLICATES))} - there):
            told = f"it has {plural(len(there), 'replicate')}, and its suite has {wanted or most}"
            yield _of_row(found, f"{told}: {numbers(missing)} {'is' if len(missing) == 1 else 'are'} missing")


def unequal_rows(facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield rows that have other replicates than most rows that they are compared with."""
    groups: dict[tuple[str, ...], dict[str, list[Facts]]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        groups[fact.competes][fact.row_key].append(fact)
    for rows in groups.values():
        drawn = {key: frozenset(fact.replicate for fact in found) for key, found in rows.items()}
        common, many = Counter(drawn.values()).most_common(1)[0]
        for key, found in rows.items():
            if drawn[key] != common:
                told = f"its replicates are {told_draws(drawn[key])}, and those of {plural(many, 'other row')}"
                yield _of_row(found, f"{told} of its group are {told_draws(common)}: they cannot be compared")


def rows_with_failures(facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield a note on each row that has failures."""
    rows: dict[tuple[str, str], list[Facts]] = defaultdict(list)
    for fact in facts:
        rows[fact.source, fact.row_key].append(fact)
    for found in rows.values():
        if failed := sum(not fact.ok for fact in found):
            text = f"{failed} of its {plural(len(found), 'record')} failed: a row with failures does not rank"
            yield _of_row(found, text, is_note=True)


def _of_row(found: list[Facts], text: str, is_note: bool = False) -> Fault:
    first = found[0]
    return Fault(first.source, "", first.cell, first.row.rpartition(", replicate")[0], "completeness", text, is_note)


def _whole(source: str, text: str, is_note: bool = False) -> Fault:
    return Fault(source, "", "", "", "completeness", text, is_note)


def _some(cells: list[str]) -> str:
    more = f" and {len(cells) - SHOWN} more" if len(cells) > SHOWN else ""
    return ", ".join(cells[:SHOWN]) + more


def cells_twice(facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield cells that stand twice: as a fault within one submission or as the same bytes, else as a note."""
    found: dict[str, list[Facts]] = defaultdict(list)
    for fact in facts:
        found[fact.cell].append(fact)
    for same in found.values():
        for position, fact in enumerate(same[1:], start=1):
            other = next((each for each in same[:position] if each.content == fact.content), same[0])
            where = f"{other.source}/{other.place}"
            if other.content == fact.content:
                text = f"this cell stands twice: it is byte for byte the record {where}"
                yield _of(fact, "twice", text)
            elif _folder(fact) == _folder(other):
                yield _of(fact, "twice", f"this cell stands twice: {where} is of the same cell")
            else:
                yield _of(fact, "twice", f"a second submission of the cell of {where}: {_spread(fact, other)}", True)


def _folder(fact: Facts) -> tuple[str, str]:
    return fact.source, fact.place.rpartition("/")[0]


def _spread(fact: Facts, other: Facts) -> str:
    if fact.bits and fact.bits == other.bits:
        return "the same bits"
    if fact.score is None or other.score is None:
        return "one of them has no score"
    return f"other bits, scores {abs(fact.score - other.score):.4f} apart"


def copies(facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield records that are others under another name: no two runs take the same time to the last digit."""
    seen: dict[tuple[Any, ...], Facts] = {}
    for fact in facts:
        if not fact.bits or not fact.took[0]:
            continue
        key = (fact.bits, *fact.took)
        other = seen.setdefault(key, fact)
        if other.cell != fact.cell:
            of = f"{other.source}/{other.place} ({other.row})"
            text = f"it is a copy of {of}: the same logits, and the same seconds to the last digit"
            yield _of(fact, "twice", text)


def odd_ones(facts: Iterable[Facts]) -> Iterator[Fault]:
    """Yield records that say otherwise than the others of what all of them must say alike."""
    said: dict[tuple[str, str], dict[str, list[Facts]]] = defaultdict(lambda: defaultdict(list))
    for fact in facts:
        for what, (key, value) in fact.same.items():
            said[what, key][value].append(fact)
    for (what, _), values in said.items():
        if len(values) < 2:
            continue
        counts = Counter({value: len(found) for value, found in values.items()})
        (common, most), (_, second) = counts.most_common(2)
        for value, found in values.items():
            if value == common and most > second:
                continue
            others = [each for other, members in values.items() if other != value for each in members]
            for fact in found:
                yield _of(
                    fact, "ledger" if "label" in what else "plausibility", _otherwise(what, value, common, most, others)
                )


def _otherwise(what: str, value: str, common: str, most: int, others: list[Facts]) -> str:
    told = "" if len(value) > 40 or what == "the labels of the test items" else f" ({value}"
    told += f", and {common} there)" if told and value != common else ")" if told else ""
    against = f"in {plural(most, 'other record')} of the same draw" if value != common else f"in {others[0].place}"
    return f"{what} are not those{told} {against}".replace(
        " are not those", " is not that" if _is_one(what) else " are not those"
    )


def _is_one(what: str) -> bool:
    return what.startswith(("the number", "the name", "what "))


def _of(fact: Facts, kind: str, text: str, is_note: bool = False) -> Fault:
    return Fault(fact.source, fact.place, fact.cell, fact.row, kind, text, is_note)
