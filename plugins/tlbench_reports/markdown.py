"""The summary as Markdown, as GitHub and its like show it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.document import Block, Bullets, Heading, Paragraph, Table, document

if TYPE_CHECKING:
    from tlbench import Results

_SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$@])")


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.md."""
    text = "\n\n".join(_block(block) for block in document(results))
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
        case Table(title, columns, rows):
            rule = "|".join([":---", *["---:"] * (len(columns) - 1)])
            body = [_line(row) if len(row) > 1 else _family(row[0], len(columns)) for row in rows]
            return "\n".join([f"**{escape(title)}**", "", _line(columns), f"|{rule}|", *body])


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(escape, cells)) + " |"


def _family(name: str, columns: int) -> str:
    return f"| *{escape(name)}* |" + " |" * (columns - 1)
