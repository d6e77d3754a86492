"""Define the command `tlbench report`: write the reports of a results folder anew, or check those that are there."""

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tlbench import Reporter, Results


@click.command()
@click.argument("results", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RESULTS...")
@click.option("--format", "formats", multiple=True, metavar="NAME", help="One format; all without it. Repeatable.")
@click.option("--baseline", metavar="NAME", help="Compare all with this strategy.  [default: their family's own]")
@click.option("--metric", metavar="NAME", help="What all goes by.  [default: the suite's own, or accuracy]")
@click.option("--document", "documents", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Write the block between <!-- NAME:begin --> and <!-- NAME:end --> of a Markdown file.")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; say which files are not as the records make them.")
@click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")
def report(
    results: tuple[Path, ...],
    formats: tuple[str, ...],
    baseline: str | None,
    metric: str | None,
    documents: tuple[Path, ...],
    check: bool,
    plugins: tuple[str, ...],
) -> None:
    """Write the reports of results folders, running nothing.

    With --check nothing is written: reports, and blocks of documents, are made anew and compared with those that
    stand there. A line names each file that differs and where, and the exit code is 1.

    \b
    tlbench report tlbench-results/quick --format text
    tlbench report results/quick --document README.md --check
    """
    from tlbench import MANY_RECORDS, Results
    from tlbench.cli import columns, say
    from tlbench.host import Catalog, Host
    from tlbench.names import unknown
    from tlbench.results import write_reports
    from tlbench.running import hearing

    catalog = Catalog(Host(plugins))
    for name in formats:
        if name not in catalog.reporters:
            raise unknown("report format", name, catalog.reporters)
    opened = [Results(folder, baseline=baseline, metric=metric, catalog=catalog) for folder in results]
    if sum(len(one.records) for one in opened) >= MANY_RECORDS:
        gc.freeze()  # what was read stays to the end, and looking through it for garbage takes seconds
    blocks = _blocks(opened, documents)
    if check:
        chosen = [reporter for reporter in catalog.reporter_list() if not formats or reporter.name in formats]
        sys.exit(_checked(opened, chosen, blocks, not formats))
    with hearing() as heard:
        for one in opened:
            for document in blocks[one]:
                from tlbench_reports.report_command.block import write_block

                write_block(one, document)
            write_reports(one, catalog, formats, width=0 if formats else columns())
    for text, count in heard.items():
        say(f"note: {count} x {text}")  # a line, not a paragraph with a line of some library's code


def _blocks(opened: "list[Results]", documents: tuple[Path, ...]) -> "dict[Results, list[Path]]":
    """Return which documents have a block for which results; raise TlbenchError where none has."""
    from tlbench_reports.report_command.block import folder_name, markers, taken_apart

    found: dict[Results, list[Path]] = {}
    for one in opened:
        begin, _ = markers(folder_name(one))
        found[one] = [document for document in documents if not document.is_file() or begin in _text(document)]
        for document in found[one] or documents[:1]:
            taken_apart(one, document)  # says what is missing
    return found


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8", errors="replace")


def _checked(
    opened: "list[Results]", reporters: "list[Reporter]", blocks: "dict[Results, list[Path]]", strays: bool
) -> int:
    """Say what differs, or that nothing does; return the exit code."""
    from tlbench import plural
    from tlbench_reports.report_command.checking import Check

    check = Check()
    for one in opened:
        check.reports(one, reporters, strays)
        for document in blocks[one]:
            check.document(one, document)
    for sentence in [*check.differences, *check.notes]:
        click.echo(sentence)
    if check.differences:
        return 1
    shown = [str(document) for own in blocks.values() for document in own]
    also = f" and the blocks of {', '.join(dict.fromkeys(shown))}" if shown else ""
    folders = ", ".join(str(one.folder) for one in opened)
    click.echo(f"{plural(check.files, 'file')} of {folders}{also}: as the records make them.")
    return 0
