"""Has reporters write their files, shows the texts among them, and ends with the page's path."""

from collections.abc import Callable, Sequence

import click

from tlbench.host import Catalog
from tlbench.names import unknown
from tlbench.results import Results


def write_reports(
    results: Results, catalog: Catalog, formats: Sequence[str] = (), say: Callable[[str], None] = click.echo
) -> None:
    """Write all formats, or those named, into the results folder; say the texts, and the page's path last."""
    for name in formats:
        if name not in catalog.reporters:
            raise unknown("report format", name, catalog.reporters)
    chosen = [reporter for reporter in catalog.reporter_list() if not formats or reporter.name in formats]
    paths = [path for reporter in chosen for path in reporter.write(results, results.folder)]
    for path in paths:
        if path.suffix == ".txt":
            say(path.read_text(encoding="utf-8"))
    pages = [path for path in paths if path.suffix == ".html"]
    for path in (pages or paths)[-1:]:
        say(str(path))
