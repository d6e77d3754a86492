"""Write the summary as Markdown, as GitHub and its like show it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.document import BEST, Answer, Block, Bullets, Heading, Legend, Paragraph, Table, document

if TYPE_CHECKING:
    from tlbench import Results

LEGEND = "Bold: the best of a table. =: tied with it; not clearly below it."
_SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$@])")


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.md."""
    text = "\n\n".join(filter(None, map(_block, document(results))))
    return [write_text(folder / "tables" / "summary.md", text + "\n")]


def escape(text: str) -> str:
    """Return a text that Markdown shows as it stands, HTML tags and table bars included."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Paragraph(text):
            return escape(text)
        case Bullets(items):
            return "\n".join(f"- {escape(item)}" for item in items)
        case Answer(sentences):
            return "\n\n".join(map(_block, (Heading("In words"), Bullets(sentences)))) if sentences else ""
        case Legend():
            return LEGEND
        case Table():
            return "\n".join([f"**{escape(block.title)}**", "", *table_lines(block)])


def table_lines(table: Table) -> list[str]:
    """Return the lines of a table, without its title."""
    columns = table.columns
    rule = "|".join([":---", *["---:"] * (len(columns) - 1)])
    body = [
        _line(row, table.mark(place)) if len(row) > 1 else _family(row[0], len(columns))
        for place, row in enumerate(table.rows)
    ]
    return [_line(columns), f"|{rule}|", *body]


def _line(cells: tuple[str, ...], mark: str = "") -> str:
    shown = list(map(escape, cells))
    if mark:
        shown[1] = f"**{shown[1]}**" if mark == BEST else f"{shown[1]} ="
    return "| " + " | ".join(shown) + " |"


def _family(name: str, columns: int) -> str:
    return f"| *{escape(name)}* |" + " |" * (columns - 1)
