"""Write reports: call the reporters, show the texts among their files, and end with the page's path."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from tlbench import __version__
from tlbench.contract import Reporter, digest
from tlbench.errors import StoreError
from tlbench.files import write_atomically
from tlbench.host import Catalog
from tlbench.names import unknown
from tlbench.results.results import Results
from tlbench.results.side_by_side import side_by_side

REPORTS_STAMP = "reports.json"  # names what the reports in a folder were made from
MANY_RECORDS = 20_000  # records from which on reports share the work among processes, and draw fewer charts


def write_reports(
    results: Results,
    catalog: Catalog,
    formats: Sequence[str] = (),
    *,
    anew: bool = True,
    say: Callable[[str], None] = click.echo,
) -> None:
    """Write all formats, or those named, into the results folder; say the texts, and the page's path last.

    With `anew` false reports that were made from these very records by this very version are left as they are.
    """
    for name in formats:
        if name not in catalog.reporters:
            raise unknown("report format", name, catalog.reporters)
    chosen = [reporter for reporter in catalog.reporter_list() if not formats or reporter.name in formats]
    made_from = _made_from(results, [reporter.name for reporter in chosen])
    paths = None if anew else _still_good(results.folder, made_from)
    if paths is None:
        try:
            paths = _written(results, chosen)
        except OSError as error:
            raise StoreError(f"cannot write reports to {results.folder}: {error.strerror or error}.") from None
        names = [path.relative_to(results.folder).as_posix() for path in paths]
        stamp = json.dumps({"made_from": made_from, "files": names}, indent=1) + "\n"
        write_atomically(results.folder / REPORTS_STAMP, stamp.encode())
    for path in paths:
        if path.suffix == ".txt":
            say(path.read_text(encoding="utf-8"))
    pages = [path for path in paths if path.suffix == ".html"]
    for path in (pages or paths)[-1:]:
        say(str(path))


def _written(results: Results, reporters: Sequence[Reporter]) -> list[Path]:
    """Have the reporters write; of very many records side by side, from what all of them need and is made once."""
    is_large = len(results.records) >= MANY_RECORDS
    for metric in results.primaries if is_large else ():
        results.across(metric)
    files = side_by_side(
        lambda part: [list(reporter.write(results, results.folder)) for reporter in part],
        reporters,
        least=1 if is_large else len(reporters),
    )
    return [path for own in files for path in own]


def _made_from(results: Results, formats: Sequence[str]) -> str:
    """Name everything that reports depend on: version, formats, baseline, plan, and each record's size and time."""
    folder = results.folder
    with os.scandir(results.store.records_folder) as entries:
        stats = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
    facts = sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    plan = [file.read_text(encoding="utf-8") for file in folder.glob("plan.json")]
    return digest([__version__, list(formats), results.baseline, facts, plan])


def _still_good(folder: Path, made_from: str) -> list[Path] | None:
    """Return the files that were made from the same, where all are still there."""
    try:
        stamp = json.loads((folder / REPORTS_STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    paths = [folder / name for name in stamp.get("files", ())]
    good = stamp.get("made_from") == made_from and paths and all(path.is_file() for path in paths)
    return paths if good else None
