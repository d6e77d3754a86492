"""The summary as plain text that fits a terminal of 80 columns, and reads the same in a file or a pipe."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tlbench_reports.atomic import write_text
from tlbench_reports.document import Block, Bullets, Heading, Paragraph, Table, document

if TYPE_CHECKING:
    from tlbench import Results

WIDTH = 80
_GAP = "  "


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.txt."""
    lines = [line.rstrip() for block in document(results) for line in _lines(block)]
    return [write_text(folder / "tables" / "summary.txt", "\n".join(lines).strip("\n") + "\n")]


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(text, level):
            title = wrap(text, WIDTH)
            return [*title, ("=" if level == 1 else "-") * max(map(cell_len, title)), ""]
        case Paragraph(text):
            return [*wrap(text, WIDTH), ""]
        case Bullets(items):
            return [line for item in items for line in _bullet(item)] + [""]
        case Table():
            return _table(block)


def _bullet(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False)


def _table(table: Table) -> list[str]:
    above, heads = zip(*map(_head, table.columns), strict=True)
    whole = [row for row in table.rows if len(row) > 1]
    widths = [max(map(cell_len, column)) for column in zip(above, heads, *whole, strict=True)]
    room = WIDTH - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, cell_len(heads[0])))
    header = [*_line(above, widths), *_line(heads, widths)]
    rows = [line for row in table.rows for line in _row(row, widths)]
    return [*wrap(table.title, WIDTH), "", *header, "-" * cell_len(header[-1]), *rows, ""]


def _head(column: str) -> tuple[str, str]:
    """Break a long heading in two: what is left of 80 columns is for the names of strategies."""
    if column.startswith("95% "):
        return "95%", column.removeprefix("95% ")
    first, hyphen, rest = column.partition("-")
    return (first + hyphen, rest) if hyphen else ("", column)


def _row(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    return _line(cells, widths) if len(cells) > 1 else wrap(f"-- {cells[0]} --", WIDTH)


def _line(cells: tuple[str, ...], widths: list[int]) -> list[str]:
    name, *numbers = cells
    # A name is never cut: one that is too long stands on a line of its own, above its numbers.
    own = wrap(name, WIDTH) if cell_len(name) > widths[0] else []
    right = [" " * (width - cell_len(cell)) + cell for cell, width in zip(numbers, widths[1:], strict=True)]
    return [*own, _GAP.join([set_cell_size("" if own else name, widths[0]), *right])]
