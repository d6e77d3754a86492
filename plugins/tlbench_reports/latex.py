r"""The summary as LaTeX: a file to \input, whose tables need the package booktabs."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.document import Block, Bullets, Heading, Paragraph, Table, document

if TYPE_CHECKING:
    from tlbench import Results

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "\N{EN DASH}": "--",
    "\N{MINUS SIGN}": "$-$",
    "→": r"$\rightarrow$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "±": r"$\pm$",
    "…": r"\dots{}",
}
_ANY = re.compile("|".join(map(re.escape, _SPECIAL)))
_HEADING = {1: "section", 2: "subsection"}
_PREAMBLE = r"% Needs \usepackage{booktabs}, \usepackage{textcomp} and \usepackage[T1]{fontenc}."


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.tex."""
    text = "\n\n".join([_PREAMBLE, *(_block(block) for block in document(results))])
    return [write_text(folder / "tables" / "summary.tex", text + "\n")]


def escape(text: str) -> str:
    """Return a text that LaTeX prints as it stands."""
    return _ANY.sub(lambda match: _SPECIAL[match.group()], text)


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return rf"\{_HEADING[level]}*{{{escape(text)}}}"
        case Paragraph(text):
            return escape(text)
        case Bullets(items):
            entries = [rf"  \item {{}}{escape(item)}" for item in items]  # without {} a leading [ would be an option
            return "\n".join([r"\begin{itemize}", *entries, r"\end{itemize}"])
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    lines = [
        r"\begin{table}[htbp]",
        r"  \centering\footnotesize",
        rf"  \caption{{{escape(table.title)}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"    \toprule",
        _line(table.columns),
        r"    \midrule",
        *(_line(row) if len(row) > 1 else _family(row[0], len(table.columns)) for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _line(cells: tuple[str, ...]) -> str:
    return "    " + " & ".join(map(escape, cells)) + r" \\"


def _family(name: str, columns: int) -> str:
    return rf"    \addlinespace \multicolumn{{{columns}}}{{l}}{{\emph{{{escape(name)}}}}} \\"
