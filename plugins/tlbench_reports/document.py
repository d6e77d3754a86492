"""The report as a list of headings, paragraphs, bullets and tables, which each text format writes its own way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlbench_reports import gaps
from tlbench_reports.rows import Group, groups, summary_rows
from tlbench_reports.words import NOTES, plain

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
    """A table whose first column is text and whose others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Bullets | Table


def document(results: "Results") -> list[Block]:
    """Return the report on these results, without anything that changes from run to run."""
    blocks: list[Block] = [Heading(f"tlbench: {plain(results.suite)}", 1)]
    blocks += _bullets("In words", results.headlines())
    blocks += _bullets("Beware", [*results.warnings, *results.findings])
    blocks.append(Heading(f"Scores: {plain(results.metric)}"))
    blocks.append(Paragraph(gaps.tally(results)))
    for group in groups(summary_rows(results)):
        blocks.append(_table(group))
        blocks.append(Bullets(tuple(group.remarks)))
    blocks += _bullets("Failed cells", [str(gap) for gap in gaps.failed(results)])
    blocks += _bullets("Skipped cells", [str(gap) for gap in gaps.skipped(results)])
    blocks += _bullets("How to read this", NOTES)
    return blocks


def _bullets(heading: str, sentences: "list[str] | tuple[str, ...]") -> list[Block]:
    items = tuple(plain(sentence) for sentence in sentences)
    return [Heading(heading), Bullets(items)] if items else []


def _table(group: Group) -> Table:
    columns = ("strategy", "mean", "n", "95% replicates", "95% test items", f"95% {group.comparison}")
    rows = tuple((row.name, row.mean, str(row.n), row.replicates, row.items, row.difference) for row in group.rows)
    return Table(group.title, columns, rows)
