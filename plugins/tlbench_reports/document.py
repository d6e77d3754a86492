"""The report as a list of headings, paragraphs, bullets and tables, which each text format writes its own way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports import gaps
from tlbench_reports.rows import GROUP, Group, Row, groups, summary_rows
from tlbench_reports.words import notes, number, plain

if TYPE_CHECKING:
    from tlbench import Results


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of prose."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table whose first column is text and whose others are numbers; a row of one cell is a sub-heading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Bullets | Table


def document(results: "Results") -> list[Block]:
    """Return the report on these results, without anything that changes from run to run."""
    blocks: list[Block] = [Heading(f"tlbench: {plain(results.suite)}", 1)]
    blocks += _bullets("In words", results.headlines())
    blocks += _bullets("Beware", [*results.warnings, *results.findings])
    for metric in results.primaries:
        blocks.append(Heading(f"Scores: {plain(metric)}"))
        if metric == results.metric:
            blocks.append(Paragraph(gaps.tally(results)))
        for group in groups(summary_rows(results, metric)):
            blocks.append(_clusters(results, metric, group) if results.is_of_clusters(metric) else _table(group))
            if group.remarks:
                blocks.append(Bullets(tuple(group.remarks)))
    blocks += _bullets("Failed cells", [str(gap) for gap in gaps.failed(results)])
    blocks += _bullets("Skipped cells", [str(gap) for gap in gaps.skipped(results)])
    blocks += _bullets("How to read this", notes(results))
    return blocks


def _bullets(heading: str, sentences: "list[str] | tuple[str, ...]") -> list[Block]:
    items = tuple(plain(sentence) for sentence in sentences)
    return [Heading(heading), Bullets(items)] if items else []


def _table(group: Group) -> Table:
    columns = ("strategy", "mean", "n", "95% replicates", f"95% {group.sampling}", f"95% {group.comparison}")
    return Table(
        group.title,
        columns,
        _rows(group, lambda row: (row.name, row.mean, str(row.n), row.replicates, row.sampled, row.difference)),
    )


def _clusters(results: "Results", metric: str, group: Group) -> Table:
    """Return a table whose columns are headed by their metrics: no cluster score stands under another name."""
    others = [name for name in results.metrics if results.is_of_clusters(name) and name != metric]

    def which(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (row["strategy"], *(row[column] for column in GROUP))

    means = {name: {which(row): row["mean"] for row in summary_rows(results, name)} for name in others}

    def cells(row: Row) -> tuple[str, ...]:
        scores = (number(means[name][which(row.values)]) for name in others)
        return (row.name, row.mean, str(row.n), row.replicates, *scores)

    columns = ("strategy", plain(metric), "n", "95% replicates", *map(plain, others))
    return Table(group.title, columns, _rows(group, cells))


def _rows(group: Group, cells: Callable[[Row], tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = []
    for family, members in group.families.items():
        rows += [(family,)] if family else []
        rows += map(cells, members)
    return tuple(rows)
