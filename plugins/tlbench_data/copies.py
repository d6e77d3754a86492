"""Report examples that occur more than once, within a split, across splits and domains, and with several labels."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tlbench import plural, shown
from tlbench_data.document import Level, Paragraph, Remark, Section, Table
from tlbench_data.survey import Row, Survey

_NAMED = 3


def copies_section(survey: Survey) -> Section:
    """Return the section."""
    sets = copied(survey)
    told = "Examples count as copies when their files have the same bytes or their pixels are the same."
    if survey.sampled:
        told += " Pixels were compared in the sample only."
    if not sets:
        return Section("Copies", (Paragraph(f"No example occurs twice. {told}"),))
    rows, levels, remarks = [], [], []
    for what, of, level, found in _kinds(survey, sets):
        if found:
            named = _equations(survey, found)
            count = sum(len(group.rows) for group in found)
            rows.append((f"{what}s, of {of}", f"{count:,}", named))
            levels.append(level if level != "note" else None)
            counted = plural(count, f"{what} is an equal copy", f"{what}s are equal copies")
            remarks.append(Remark(level, f"{counted} of {of}: {named}."))
    table = Table(
        "Equal copies", ("of which, and where", f"{_noun(survey)}s", "which"), tuple(rows), levels=tuple(levels)
    )
    return Section("Copies", (table, Paragraph(told)), tuple(remarks))


def _noun(survey: Survey) -> str:
    return "image" if any(look.is_image for _, look in survey.looks) else "example"


def copied(survey: Survey) -> list[list[Row]]:
    """Return sets of equal examples, each of two or more, in the order of the data."""
    by_content: dict[str, list[Row]] = defaultdict(list)
    of_digest: dict[str, str] = {}
    for row in survey.rows:
        content = (row.look.content if row.look else "") or row.digest
        # Equal files decode to equal pixels; files that differ may too.
        key = of_digest.setdefault(row.digest, content) if row.digest else content
        if key:
            by_content[key].append(row)
    return [group for group in by_content.values() if len(group) > 1]


@dataclass(frozen=True)
class Equal:
    """Hold rows that are counted, and the one that each of them is equal to."""

    rows: list[Row]
    first: Row
    other: Row


Kind = tuple[str, str, Level, list[Equal]]  # what they are, copies of what, how bad that is, and which


def across(sets: Sequence[list[Row]], one: str, others: Sequence[str]) -> list[Equal]:
    """Return the rows of a split that stand in others of their domain too, each by itself."""
    found = []
    for group in sets:
        for row in group:
            other = next((each for each in group if each.split in others and each.domain == row.domain), None)
            if row.split == one and other is not None:
                found.append(Equal([row], row, other))
    return found


def _kinds(survey: Survey, sets: Sequence[list[Row]]) -> list[Kind]:
    def differing(of: Callable[[Row], object]) -> list[Equal]:
        return [Equal(group, group[0], _other(group)) for group in sets if len({of(row) for row in group}) > 1]

    def repeated() -> list[Equal]:
        groups = [group for group in map(_repeated, sets) if len(group) > 1]
        return [Equal(group[1:], group[0], group[1]) for group in groups]

    noun = _noun(survey)
    return [
        (f"test {noun}", f"training {noun}s", "error", across(sets, "test", ["train"])),
        (f"test {noun}", f"validation {noun}s", "error", across(sets, "test", ["val"])),
        (f"validation {noun}", f"training {noun}s", "warning", across(sets, "val", ["train"])),
        (noun, f"{noun}s of another label", "error", differing(lambda row: row.label)),
        (noun, f"{noun}s of another domain", "warning", differing(lambda row: row.domain)),
        (noun, f"earlier {noun}s of their split", "note", repeated()),
    ]


def _repeated(group: list[Row]) -> list[Row]:
    """Return the rows that share domain, split and label with another of the set."""
    places = [(row.domain, row.split, row.label) for row in group]
    return [row for row, place in zip(group, places, strict=True) if places.count(place) > 1]


def _equations(survey: Survey, found: Sequence[Equal]) -> str:
    labels_differ = any(each.first.label != each.other.label for each in found)

    def named(row: Row) -> str:
        facts = [survey.where(row), *([survey.classes[row.label]] if labels_differ else [])]
        told = ", ".join(shown(fact) for fact in facts if fact not in row.source)  # paths often say as much
        return shown(row.source) + (f" ({told})" if told else "")

    equations = [f"{named(each.first)} = {named(each.other)}" for each in found[:_NAMED]]
    return "; ".join(equations) + (f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else "")


def _other(group: list[Row]) -> Row:
    """Return the member that differs most from the first: in split, then in label, then in domain."""
    first = group[0]
    return max(
        group[1:],
        key=lambda row: (row.split != first.split, row.label != first.label, row.domain != first.domain),
    )
