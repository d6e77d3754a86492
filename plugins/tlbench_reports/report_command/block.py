"""Keep the block of a document, such as a README, that shows the results of a folder as these are."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.charts import charts
from tlbench_reports.document import score_tables
from tlbench_reports.markdown import LEGEND, escape, table_lines
from tlbench_reports.words import plain

if TYPE_CHECKING:
    from tlbench import Results
    from tlbench_reports.document import Table

_TABLES = 3  # label budgets
_MARKER = re.compile(r"<!-- ([^\s:]+):begin -->")


def markers(name: str) -> tuple[str, str]:
    """Return what stands before and after the block of a results folder of this name."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def folder_name(results: "Results") -> str:
    """Return the name of a results folder, however it was spelled."""
    return results.folder.resolve().name


def write_block(results: "Results", document: Path) -> None:
    """Write the block of these results into a document; raise TlbenchError where it has no place for it."""
    before, _, after = taken_apart(results, document)
    write_text(document, before + block(results, document) + after)


def taken_apart(results: "Results", document: Path) -> tuple[str, str, str]:
    """Return the text of a document before, in and after the block of these results."""
    from tlbench import TlbenchError, near_miss

    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TlbenchError(f"cannot read {document}: {error}.") from None
    name = folder_name(results)
    begin, end = markers(name)
    head, found, rest = text.partition(begin)
    inside, closed, tail = rest.partition(end)
    if not found or not closed:
        missing = end if found else begin
        others = _MARKER.findall(text)
        raise TlbenchError(
            f"{document} has no line {missing}.{near_miss(name, others)} Write {begin} and {end} where the tables of "
            f"{results.folder} belong."
        )
    return head + begin + "\n", inside.removeprefix("\n"), end + tail


def block(results: "Results", document: Path) -> str:
    """Return the block: how the results are made, tables of the first label budgets, and the first chart."""
    place = Path(os.path.relpath(results.folder.resolve(), document.resolve().parent)).as_posix()
    tables, of = _tables(results)
    some = f"{len(tables)} of {of} label budgets" if of > len(tables) else f"{of} label budget{'s' if of > 1 else ''}"
    lines = [
        f"The reference run{_command(results, place)}, with its records and tables, is in [{place}]({place}).",
        f"From its [summary]({place}/tables/summary.md), {some}; intervals are at 95 %, differences are paired by",
        "replicate.",
        *([LEGEND] if any(table.marks for table in tables) else []),
        "",
    ]
    for table in tables:
        lines += [f"**{escape(table.title)}**", "", *table_lines(table), ""]
    picture = next((chart for kind in ("labels-", "scores-") for chart in charts(results)
                    if chart.name.startswith(kind)), None)  # fmt: skip
    if picture is not None:
        what = "a panel for each family" if picture.name.startswith("labels-") else "a line for each strategy"
        said = f"{escape(picture.title)}, {what}, with 95 % intervals"
        lines += [f"![{said}]({place}/charts/{picture.name}.png)"]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tables(results: "Results") -> "tuple[list[Table], int]":
    """Return the tables of the first label budgets of the first place, and of how many."""
    found = score_tables(results, results.metric)
    first, _ = found[0]
    own = [
        table
        for group, table in found
        if all(group.rows[0].values[key] == first.rows[0].values[key] for key in ("transfer", "backbone", "setting"))
    ]
    return own[:_TABLES], len(own)


def _command(results: "Results", place: str) -> str:
    from tlbench.running import DEFAULT_SUITE
    from tlbench_reports.facts import is_custom

    if is_custom(results):
        return ""
    suite = "" if results.suite == DEFAULT_SUITE else f" --suite {plain(results.suite)}"
    suite += f" --metric {plain(results.chosen)}" if results.chosen else ""
    return f", `tlbench run{suite} --out {place.removeprefix('../').removeprefix('../')}`"
