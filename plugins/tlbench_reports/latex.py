r"""Write the summary as LaTeX: a file to \input, whose tables need the package booktabs."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.document import BEST, Answer, Block, Bullets, Heading, Legend, Paragraph, Table, document

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
_LEGEND = r"  \par\smallskip Bold: best. $^{=}$: tied with the best; not clearly below it."
_PREAMBLE = r"% Needs \usepackage{booktabs}, \usepackage{textcomp} and \usepackage[T1]{fontenc}."


def write(results: "Results", folder: Path) -> list[Path]:
    """Write tables/summary.tex."""
    text = "\n\n".join([_PREAMBLE, *filter(None, map(_block, document(results)))])
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
        case Answer(sentences):
            return "\n\n".join(map(_block, (Heading("In words"), Bullets(sentences)))) if sentences else ""
        case Legend():
            return ""  # each table has its own: a table is what people take
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
        *(
            _line(row, table.mark(place)) if len(row) > 1 else _family(row[0], len(table.columns))
            for place, row in enumerate(table.rows)
        ),
        r"    \bottomrule",
        r"  \end{tabular}",
        *([_LEGEND] if table.marks else []),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _line(cells: tuple[str, ...], mark: str = "") -> str:
    shown = list(map(escape, cells))
    if mark:
        shown[1] = rf"\textbf{{{shown[1]}}}" if mark == BEST else rf"{shown[1]}\rlap{{$^{{=}}$}}"
    return "    " + " & ".join(shown) + r" \\"


def _family(name: str, columns: int) -> str:
    return rf"    \addlinespace \multicolumn{{{columns}}}{{l}}{{\emph{{{escape(name)}}}}} \\"
