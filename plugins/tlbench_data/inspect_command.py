"""Define the command `tlbench data inspect`."""

from pathlib import Path

import click

from tlbench.cli import plugin_option


@click.command()
@click.argument("spec")
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where page, contact sheet and list of examples go.  [default: tlbench-inspect/NAME]")  # fmt: skip
@plugin_option
@click.option("--budget", "budgets", multiple=True, metavar="N", help="A label budget to judge besides the usual ones.")
@click.option("--sample", type=click.IntRange(1), metavar="N",
              help="Look at N examples only, evenly spread; all without it.")  # fmt: skip
@click.option("--no-page", is_flag=True, help="Print the text and write no file.")
def inspect(
    spec: str, out: Path | None, plugins: tuple[str, ...], budgets: tuple[str, ...], sample: int | None, no_page: bool
) -> None:
    """Show what a dataset holds: classes, sizes, copies and near-duplicates, odd and damaged files, what budgets take.

    SPEC is a dataset as `tlbench run -d` takes it. Every example is read once.

    \b
    tlbench data inspect folder:photos
    tlbench data inspect 'folder:photos?domains' --budget 50 --out photos-inspected
    """
    from tlbench import Budget, ParameterError, plural
    from tlbench.cli import open_catalog, say, showing_waits
    from tlbench.data import Cache, Resources
    from tlbench_data.opening import Opener, require_dataset_spec
    from tlbench_data.output import default_folder, require_writable, write_all
    from tlbench_data.report import make_report
    from tlbench_data.survey import survey
    from tlbench_data.text import printed

    if no_page and out is not None:
        raise ParameterError("--no-page writes no file, and --out names where files go. Leave one of them away.")
    wanted = [Budget.parse(text) for text in budgets]
    _, catalog = open_catalog(plugins)
    require_dataset_spec(spec, catalog)
    opener = Opener(spec, Resources(catalog, Cache()))
    folder = None if no_page else out or default_folder(opener.dataset)
    if folder is not None:
        require_writable(folder, opener.dataset)
    with showing_waits():
        found = survey(opener, sample)
        report = make_report(found, wanted, plugins)
    if found.sampled:
        say(f"note: --sample: {plural(found.looked_at, 'example')} of {len(found.rows):,} were looked at.")
    click.echo(printed(report), nl=False)
    if folder is not None:
        click.echo(str(write_all(report, found, folder)))
