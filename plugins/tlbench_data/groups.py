"""Report groups that must not be parted, and further labels of the same examples."""

from collections import Counter, defaultdict

import numpy as np

from tlbench import plural, shown, some
from tlbench_data.document import Block, Facts, Level, Remark, Section, Table
from tlbench_data.survey import Survey

_ROWS_OF_TEXT = 12
_ROWS_OF_PAGE = 500


def groups_section(survey: Survey) -> Section | None:
    """Return the section, or None for data without groups."""
    splits: dict[str, set[tuple[str, str]]] = defaultdict(set)
    sizes: Counter[str] = Counter()
    for row in survey.rows:
        if row.group is not None:
            splits[row.group].add((row.domain, row.split))
            sizes[row.group] += 1
    if not sizes:
        return None
    parted = [group for group, places in splits.items() if len({split for _, split in places}) > 1]
    largest, most = sizes.most_common()[0]
    facts = [
        ("groups", f"{len(sizes):,}"),
        ("their sizes", f"{min(sizes.values()):,} to {most:,} examples (most: {shown(largest)})"),
        ("in several splits", f"{len(parted):,}" + (f": {some(sorted(parted), 5)}" if parted else "")),
    ]
    remarks = []
    if parted:
        remarks.append(
            Remark(
                "error",
                f"{plural(len(parted), 'group stands', 'groups stand')} in several splits: {some(sorted(parted))}. "
                f"Scores would be too good. Split again so that each group stays whole.",
            )
        )
    return Section("Groups", (Facts(tuple(facts)),), tuple(remarks))


def columns_section(survey: Survey) -> Section | None:
    """Return the section on further label columns, or None where there are none."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for (_, split), columns in survey.columns.items():
        for name, column in columns.items():
            labels = np.asarray(column.labels)
            of_split = counts.setdefault(name, {}).setdefault(split, Counter())
            for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
                of_split[str(column.classes[label]) if 0 <= label < len(column.classes) else "(none)"] += int(count)
    if not counts:
        return None
    blocks: list[Block] = []
    for name, by_split in counts.items():
        totals = sum(by_split.values(), Counter[str]())
        order = [label for label, _ in totals.most_common()]
        rows = tuple(
            (shown(label), *(f"{by_split[split][label]:,}" for split in by_split)) for label in order[:_ROWS_OF_PAGE]
        )
        most = max(totals.values())
        shares = tuple(totals[label] / most for label in order[:_ROWS_OF_PAGE])
        few = None
        if len(rows) > _ROWS_OF_TEXT:
            few = (*rows[:_ROWS_OF_TEXT], (f"... {len(order) - _ROWS_OF_TEXT:,} more ...", *("" for _ in by_split)))
        levels: tuple[Level | None, ...] = tuple("warning" if row[0] == "(none)" else None for row in rows)
        blocks.append(
            Table(
                f"{shown(name)} ({plural(len(order), 'class', 'classes')})", ("label", *by_split), rows,
                shares=shares, levels=levels, few=few, few_shares=(*shares[:_ROWS_OF_TEXT], 0.0),
            )
        )  # fmt: skip
    return Section("Further labels", tuple(blocks))
