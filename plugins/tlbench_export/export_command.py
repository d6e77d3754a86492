"""Define the command `tlbench export`."""

from pathlib import Path

import click

from tlbench.cli import plugin_option


@click.command()
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="The folder to make; it must not be there.")  # fmt: skip
@click.option("--row", "rows", multiple=True, metavar="NAME",
              help="A strategy, backbone, budget or dataset of the row.  [default: the winner]")  # fmt: skip
@click.option("--labels", metavar="N", help="Fit on another budget: full, 20-shot.  [default: that of the row]")
@click.option("--replicate", type=click.IntRange(0), metavar="N", help="Whose labels and start.  [default: the first]")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")
@plugin_option
def export(
    results: Path,
    folder: Path,
    rows: tuple[str, ...],
    labels: str | None,
    replicate: int | None,
    device: str,
    plugins: tuple[str, ...],
) -> None:
    """Fit the winning row of some results again, and write it as a folder that predicts without tlbench.

    DIR gets the weights as safetensors, the preprocessing, the classes, a predict.py that needs torch, timm,
    safetensors and Pillow, and a README that says which score to expect.

    \b
    tlbench export tlbench-results/photos -o flowers
    tlbench export tlbench-results/photos --row linear-probe --row 5-shot --labels full -o flowers
    """
    from tlbench.cli import open_catalog, say, showing_waits
    from tlbench.data import Cache, Resources
    from tlbench.results import Results
    from tlbench.running import fit_best
    from tlbench_export.card import expectation
    from tlbench_export.exporting import export as write
    from tlbench_export.exporting import refuse_backbone, refuse_place

    refuse_place(folder)
    _, catalog = open_catalog(plugins)
    found, resources = Results(results, catalog=catalog), Resources(catalog, Cache())
    with showing_waits():
        fitted = fit_best(
            found, row=rows, labels=labels, replicate=replicate, device=device, resources=resources,
            before=lambda row, entry: refuse_backbone(row["label"], entry.backbone),
        )  # fmt: skip
        checked = write(fitted, folder)
    row = fitted.row
    click.echo(f"{row['strategy']} on {row['backbone']}, {row['transfer']}, fitted on {fitted.labels:,} labels")
    if fitted.unused:
        click.echo(f"{fitted.unused:,} more labels are there; --labels full fits on all of them")
    click.echo(expectation(fitted))
    if fitted.measured and not fitted.same_as_measured:
        say("note: this fit is not, to the last bit, the one that was measured: another machine or version made that")
    click.echo(f"predict.py gave the same bits as tlbench on {checked:,} test images, in a process of its own")
    click.echo(f"python {folder}/predict.py IMAGE...")
