"""The command `tlbench report`: writes the reports of a results folder anew."""

from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--format", "formats", multiple=True, metavar="NAME", help="One format; all without it. Repeatable.")
@click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")
def report(results: Path, formats: tuple[str, ...], plugins: tuple[str, ...]) -> None:
    """Write the reports of a results folder, running nothing.

    \b
    tlbench report tlbench-results/quick --format markdown
    """
    from tlbench import Results
    from tlbench.catalog import Catalog
    from tlbench.host import Host
    from tlbench.reporting import write_reports

    write_reports(Results(results), Catalog(Host(plugins)), formats)
