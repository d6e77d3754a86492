"""Write the report as plain text: as wide as the terminal, at most 100 columns, and the same in a pipe at 80."""

import io
import sys

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from tlbench_data.document import NOTHING, Block, Commands, Facts, Level, Paragraph, Remark, Report, Table

_WIDEST = 100
_BAR = 16  # columns of the longest bar; half of it where the terminal is narrow
_NARROW = 70
_STYLES: dict[Level, str] = {"error": "bold red", "warning": "yellow", "note": ""}
_WORDS: dict[Level, str] = {"error": "ERROR", "warning": "warning", "note": "note"}


def printed(report: Report) -> str:
    """Return the report for stdout as it is now: its width, its colours, its characters."""
    width = min(Console().width, _WIDEST)
    console = Console(
        file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False,
        force_terminal=sys.stdout.isatty() or None,
    )  # fmt: skip
    console.print(Text(report.title, style="bold"), Text(report.tally), sep="\n")
    console.print(Text("\nWhat to look at first", style="bold"))
    for remark in report.remarks:
        console.print(_remark(remark))
    if not report.remarks:
        console.print(Text("  Nothing unusual was found."))
    for section in report.sections:
        console.print(Text(f"\n{section.title}", style="bold"))
        for position, block in enumerate(section.blocks):
            if position and Table in (type(block), type(section.blocks[position - 1])):
                console.print()
            for part in _parts(block, width):
                console.print(part, soft_wrap=isinstance(block, Commands))
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return _encodable("\n".join(lines) + "\n\n")


def _encodable(text: str) -> str:
    """Return the text without what stdout has no character for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("█", "#").replace(NOTHING, "-").encode(encoding, errors="replace").decode(encoding)
    return text


def _remark(remark: Remark) -> RenderableType:
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=9)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {_WORDS[remark.level]}", style=_STYLES[remark.level]), Text(remark.text))
    return grid


def _parts(block: Block, width: int) -> list[RenderableType]:
    match block:
        case Facts(pairs):
            grid = RichTable.grid(padding=(0, 2, 0, 0))
            grid.add_column(overflow="fold", max_width=19)
            grid.add_column(overflow="fold")
            for key, value in pairs:
                grid.add_row(Text(f"  {key}"), Text(value))
            return [grid]
        case Paragraph(text):
            return [Padding(Text(text), (0, 0, 0, 2))]
        case Commands(lines):
            return [Text(f"  {line}") for line in lines]
        case Table():
            return [Text(f"  {block.title}"), Padding(_table(block, width), (0, 0, 0, 2))]


def _table(block: Table, width: int) -> RichTable:
    table = RichTable(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    for position, head in enumerate(block.heads):
        # Words stand on the left; the last column of a table with words at both ends names examples.
        is_text = position < block.texts or head == "which"
        table.add_column(Text(head), justify="left" if is_text else "right", overflow="fold", no_wrap=not is_text)
    longest = _BAR if width >= _NARROW else _BAR // 2
    if block.shares:
        table.add_column("", no_wrap=True)
    rows = block.few if block.few is not None else block.rows
    shares = block.few_shares if block.few is not None else block.shares
    levels = block.levels if block.few is None and block.levels else (None,) * len(rows)
    for position, row in enumerate(rows):
        bar = [Text("█" * round(shares[position] * longest))] if block.shares else []
        level = levels[position]
        table.add_row(*map(Text, row), *bar, style=_STYLES[level] if level else "")
    return table
