"""Write the summary as plain text that fits a terminal of 80 columns, and reads the same in a file or a pipe."""

from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from tlbench_reports.atomic import write_text
from tlbench_reports.document import BEST, Answer, Block, Bullets, Heading, Legend, Paragraph, Table, document

if TYPE_CHECKING:
    from tlbench import Results

WIDTH = 80
MOST = 60  # tables: a terminal is no place for thousands
_SENTENCES = 12
_GAP = "  "


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.txt: the tables, and the answer last, above what a terminal says next."""
    blocks = _bounded(document(results))
    blocks.sort(key=lambda block: isinstance(block, Answer))
    lines = [line.rstrip() for block in blocks for line in _lines(block)]
    return [write_text(folder / "tables" / "summary.txt", "\n".join(lines).strip("\n") + "\n")]


def _bounded(blocks: list[Block]) -> list[Block]:
    """Leave out tables, and what is said of them, beyond as many as somebody would read on a terminal."""
    places = [i for i, block in enumerate(blocks) if isinstance(block, Table)]
    if len(places) <= MOST:
        return blocks
    after = next((i for i in range(places[MOST], len(blocks)) if isinstance(blocks[i], Heading)), len(blocks))
    left_out = sum(place >= places[MOST] for place in places if place < after)
    note = Paragraph(f"{left_out} more tables are in tables/summary.md, and all rows in tables/summary.csv.")
    return [*blocks[: places[MOST]], note, *blocks[after:]]


def _lines(block: Block) -> list[str]:
    match block:
        case Heading(text, level):
            title = wrap(text, WIDTH)
            return [*title, ("=" if level == 1 else "-") * max(map(cell_len, title)), ""]
        case Paragraph(text):
            return [*wrap(text, WIDTH), ""]
        case Bullets(items):
            return [line for item in items for line in _bullet(item)] + [""]
        case Answer(sentences):
            if not sentences:
                return []
            more = len(sentences) - _SENTENCES
            told = [f"({more} more in tables/summary.md)"] if more > 1 else []
            shown = sentences[:_SENTENCES] if told else sentences
            return [*_lines(Heading("In words")), *_lines(Bullets((*shown, *told)))]
        case Legend():
            return [*wrap("*: the best of a table. =: tied with it; not clearly below it.",
                          WIDTH), ""]  # fmt: skip
        case Table():
            return _table(block)


def _bullet(sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False)


def _table(table: Table) -> list[str]:
    table = _marked(table)
    above, heads = zip(*map(_head, table.columns), strict=True)
    whole = [row for row in table.rows if len(row) > 1]
    widths = [max(map(cell_len, column)) for column in zip(above, heads, *whole, strict=True)]
    room = WIDTH - sum(widths[1:]) - len(_GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, cell_len(heads[0])))
    header = [*(_line(above, widths) if any(above) else []), *_line(heads, widths)]
    rows = [line for row in table.rows for line in _row(row, widths)]
    return [*wrap(table.title, WIDTH), "", *header, "-" * cell_len(header[-1]), *rows, ""]


def _marked(table: Table) -> Table:
    """Write marks behind the scores, and blanks behind the others, so that digits stand below digits."""
    if not table.marks:
        return table
    signs = {place: "*" if mark == BEST else "=" for place, mark in table.marks.items()}
    rows = [
        (row[0], row[1] + signs.get(place, " "), *row[2:]) if len(row) > 1 else row
        for place, row in enumerate(table.rows)
    ]
    return replace(table, rows=tuple(rows), columns=(table.columns[0], f"{table.columns[1]} ", *table.columns[2:]))


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
