"""Define the command `tlbench data split`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli import plugin_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlbench import Dataset
    from tlbench.data import SplitTable


@click.command()
@click.argument("spec")
@click.option("--folds", type=click.IntRange(2), metavar="K", help="Divide into K folds of a cross-validation.")
@click.option("--test", type=click.FloatRange(0, 0.5, min_open=True), metavar="SHARE",
              help="Divide once, with about this share for the test split.")  # fmt: skip
@click.option("--val", type=click.FloatRange(0, 0.5, min_open=True), metavar="SHARE",
              help="With --test: about this share for a validation split.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of the drawing.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="The file to write.  [default: splits-DIGEST.csv]")  # fmt: skip
@plugin_option
def split(
    spec: str,
    folds: int | None,
    test: float | None,
    val: float | None,
    seed: int,
    out: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Divide a dataset by the content of its examples, and write down which went where.

    With neither --folds nor --test the splits that the dataset has are written down. Classes keep their shares;
    copies of an example, and what belongs to one group (a patient, say), stay together. The file names examples by
    their content, so that `tlbench run --splits FILE` gives the same splits to whoever has the same images.

    \b
    tlbench data split folder:photos --folds 5
    tlbench data split folder:photos --test 0.2 --out splits.csv
    """
    from tlbench import ParameterError
    from tlbench.cli import open_catalog, showing_waits
    from tlbench.data import Cache, Resources, draw_folds, draw_split, own_splits
    from tlbench_data.opening import require_dataset_spec

    if folds and test:
        raise ParameterError("--folds divides into folds and --test divides once. Leave one of them away.")
    if val and not test:
        raise ParameterError("--val goes with --test.")
    _, catalog = open_catalog(plugins)
    require_dataset_spec(spec, catalog)
    dataset = Resources(catalog, Cache()).dataset(spec).dataset
    with showing_waits():
        if folds:
            table = draw_folds(dataset, folds, seed)
        elif test:
            table = draw_split(dataset, test, val or 0.0, seed)
        else:
            table = own_splits(dataset)
    path = _written(table, out or Path(f"splits-{table.digest[:12]}.csv"))
    for line in _counts(table, dataset):
        click.echo(line)
    click.echo(str(path))


def _counts(table: "SplitTable", dataset: "Dataset") -> "Iterator[str]":
    """Yield how many examples of each part and domain there are, and what stays together."""
    from tlbench import plural

    for domain in dataset.domains:
        sizes: dict[str, int] = {}
        groups: set[str] = set()
        for own in dataset.splits(domain):
            for digest in dataset.digests(domain, own):
                part = table.parts[domain, digest]
                sizes[part] = sizes.get(part, 0) + 1
            groups |= set(dataset.groups(domain, own) or ())
        where = "" if len(dataset.domains) == 1 else f" {domain}:"
        name = "fold " if table.folds else ""
        parts = ", ".join(f"{name}{part} {count:,}" for part, count in sorted(sizes.items()))
        kept = f"; {plural(len(groups), 'group')} kept whole" if groups else ""
        yield f"{dataset.label}:{where} {parts}{kept}"
    yield f"content of the table: {table.digest}"


def _written(table: "SplitTable", path: Path) -> Path:
    """Write a table unless it stands there already; raise ParameterError where another file does."""
    from tlbench import ParameterError, write_atomically

    content = table.text().encode()
    if path.is_dir() or not path.parent.is_dir():
        raise ParameterError(f"cannot write {path}: name a file in a folder that is there.")
    if path.exists():
        if path.read_bytes() == content:
            return path
        raise ParameterError(f"{path} is there already, with other content. Move it away, or name another with --out.")
    write_atomically(path, content)
    return path
