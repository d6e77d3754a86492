"""Report examples that occur more than once, within a split, across splits and domains, and with several labels."""

from collections import defaultdict
from collections.abc import Callable, Sequence

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
    for what, level, found in _kinds(survey, sets):
        if found:
            named = _equations(survey, found)
            examples = sum(len(group) for group in found)
            rows.append((what, f"{len(found):,}", f"{examples:,}", named))
            levels.append(level if level != "note" else None)
            remarks.append(Remark(level, f"{plural(len(found), 'example is', 'examples are')} {what}: {named}."))
    table = Table("Sets of equal examples", ("what", "sets", "examples", "which"), tuple(rows), levels=tuple(levels))
    return Section("Copies", (table, Paragraph(told)), tuple(remarks))


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


Kind = tuple[str, Level, list[list[Row]]]  # what they are, how bad that is, and which


def _kinds(survey: Survey, sets: Sequence[list[Row]]) -> list[Kind]:
    def across(one: str, other: str) -> list[list[Row]]:
        return [_ordered(group, one) for group in sets if {one, other} <= {row.split for row in group}]

    def differing(of: Callable[[Row], object]) -> list[list[Row]]:
        return [group for group in sets if len({of(row) for row in group}) > 1]

    return [
        ("in test and in training", "error", across("test", "train")),
        ("in test and in validation", "error", across("test", "val")),
        ("in validation and in training", "warning", across("val", "train")),
        ("under several labels", "error", differing(lambda row: row.label)),
        ("in several domains", "warning", differing(lambda row: row.domain)),
        ("repeated in one split", "note", [group for group in map(_repeated, sets) if len(group) > 1]),
    ]


def _ordered(group: list[Row], first: str) -> list[Row]:
    return sorted(group, key=lambda row: row.split != first)


def _repeated(group: list[Row]) -> list[Row]:
    """Return the rows that share domain, split and label with another of the set."""
    places = [(row.domain, row.split, row.label) for row in group]
    return [row for row, place in zip(group, places, strict=True) if places.count(place) > 1]


def _equations(survey: Survey, found: Sequence[list[Row]]) -> str:
    labels_differ = any(len({row.label for row in group}) > 1 for group in found)

    def named(row: Row) -> str:
        facts = [survey.where(row), *([survey.classes[row.label]] if labels_differ else [])]
        told = ", ".join(shown(fact) for fact in facts if fact not in row.source)  # paths often say as much
        return shown(row.source) + (f" ({told})" if told else "")

    equations = [" = ".join([named(group[0]), named(_other(group))]) for group in found[:_NAMED]]
    return "; ".join(equations) + (f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else "")


def _other(group: list[Row]) -> Row:
    """Return the member that differs most from the first: in split, then in label, then in domain."""
    first = group[0]
    return max(
        group[1:],
        key=lambda row: (row.split != first.split, row.label != first.label, row.domain != first.domain),
    )
