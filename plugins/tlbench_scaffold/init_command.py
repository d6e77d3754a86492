"""Define the command `tlbench init`."""

from pathlib import Path
from typing import Any

import click

_GOALS = ("few-labels", "adapt", "few-shot")


@click.command()
@click.argument("data", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("suite.toml"),
    show_default=True,
    metavar="FILE",
    help="The suite to write.",
)
@click.option("-b", "--backbone", "backbones", multiple=True, metavar="NAME", help="As 'resnet18@FILE'. Repeatable.")
@click.option("-s", "--strategy", "strategies", multiple=True, metavar="NAME", help="As 'finetune(lr=1e-3)'.")
@click.option("--budget", "budgets", multiple=True, metavar="N", help="As 5-shot, 10% or full. Repeatable.")
@click.option(
    "--replicates", type=click.IntRange(1), default=6, show_default=True, metavar="N", help="Repetitions of each cell."
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="SHARE",
    help="Share of each label budget kept to select on.  [default: none]",
)
@click.option("--goal", type=click.Choice(_GOALS), help="What to find out.  [default: what fits the data]")
@click.option("--source", metavar="DOMAIN|SPEC", help="Where labels are plenty, for --goal adapt.")
@click.option(
    "--splits",
    metavar="RULE",
    help="given, 5-fold, or a file of `tlbench data split`.  [default: given, or folds where copies would be parted]",
)
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take the defaults, and say which.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(data: str | None, **options: Any) -> None:
    """Look at your data and write a commented suite for it.

    DATA is a folder, zip, tar, npz, csv or parquet file, or a dataset as `tlbench list datasets` names them.

    \b
    tlbench init photos
    tlbench init photos -b resnet18@weights.safetensors --budget 5-shot --out flowers.toml
    """
    from tlbench_scaffold.initialise import initialise

    initialise(data, options)
