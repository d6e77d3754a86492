"""Define the command `tlbench new`."""

import shlex
from pathlib import Path

import click


@click.command()
@click.argument("kind")
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where the package's folder goes.  [default: here]",
)
@click.option("--author", metavar="TEXT", help="Who holds the copyright, for LICENSE and pyproject.toml.")
def new(kind: str, name: str, out: Path, author: str | None) -> None:
    """Write a whole plugin package that installs, is tested and runs as it is.

    KIND is strategy, backbone, dataset, metric or reporter; NAME is what users will type, as my-method. The package is
    called tlbench-NAME, and so is its folder.

    \b
    tlbench new strategy my-method
    tlbench new dataset leaf-scans --out plugins --author 'Ada Lovelace'
    """
    from tlbench.cli import open_catalog
    from tlbench.names import unknown
    from tlbench_scaffold.naming import KINDS, named
    from tlbench_scaffold.package import write_package

    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    _, catalog = open_catalog()
    names = named(kind, name, catalog)
    folder = write_package(names, out, author)
    place = shlex.quote(str(folder))
    local = place if place.startswith(("/", "'", "~")) else f"./{place}"
    click.echo(f"Wrote {names.distribution}: a {kind} that works as it is. Install it, test it, run it:")
    click.echo(f"  pip install -e {local}")
    click.echo(f"  pytest {place}")
    click.echo(f"  tlbench check {names.name}")
    click.echo(f"  {names.run_command}")
    click.echo(str(folder))
