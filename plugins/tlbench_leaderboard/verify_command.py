"""Define the command `tlbench verify`."""

import secrets
import sys
from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--sample", default=5, show_default=True, type=click.IntRange(1), metavar="N", help="Records to rerun.")
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Which records are sampled.  [default: drawn anew]")
@click.option("--cell", "cells", multiple=True, metavar="ID", help="Rerun this cell. Repeatable.")
@click.option(
    "--data",
    "elsewhere",
    multiple=True,
    metavar="SPEC=SPEC",
    help="Read a dataset, or a backbone's weights, from elsewhere: folder:a/photos=folder:photos.",
)
@click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.  [default: as each record has it]")
@click.option("--trust-cache", is_flag=True, help="Use the cache of other runs, instead of an empty one.")
@click.option("--strict", is_flag=True, help="Accept nothing but the same bits.")
@click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")
def verify(
    results: Path,
    sample: int,
    seed: int | None,
    cells: tuple[str, ...],
    elsewhere: tuple[str, ...],
    device: str | None,
    trust_cache: bool,
    strict: bool,
    plugins: tuple[str, ...],
) -> None:
    """Run a sample of records again and compare bits, naming what differs: environment, version or code.

    What is installed here is run, and nothing of the submission. The exit code is 1 where a record does not stand,
    or where none could be rerun.

    \b
    tlbench verify tlbench-results/quick --sample 5
    """  # fmt: skip
    from tlbench import plural
    from tlbench.cli import open_catalog, say
    from tlbench.learning import resolve_device
    from tlbench_leaderboard.source import open_source
    from tlbench_leaderboard.verifying import choose, specs_elsewhere
    from tlbench_leaderboard.verifying import verify as rerun

    source = open_source(results)
    drawn = secrets.randbelow(2**32) if seed is None else seed
    if device:
        resolve_device(device)
    catalog = open_catalog(plugins)[1]
    places = choose(source, sample, drawn, cells)
    if not cells:
        of = plural(len(source.records()), "record")
        say(f"note: a sample of {len(places)} from {of}; --seed {drawn} draws it again")
    counts = {"same": 0, "expected": 0, "different": 0, "impossible": 0, "unverified": 0, "not-run": 0}
    for verified in rerun(source, places, catalog, specs_elsewhere(source, elsewhere), device, trust_cache=trust_cache):
        counts[verified.verdict.kind] += 1
        click.echo(f"{verified.cell} ({verified.row}): {verified.verdict.text}.")
    words = {
        "same": "with the same bits", "expected": "with differences that may be expected",
        "different": "with differences that nothing explains", "impossible": "that cannot have come from this code",
        "unverified": "that nothing confirms and nothing refutes", "not-run": "not rerun",
    }  # fmt: skip
    told = ", ".join(f"{count} {words[kind]}" for kind, count in counts.items() if count)
    click.echo(f"{plural(len(places), 'record')}: {told}.")
    confirmed = counts["same"] + (0 if strict else counts["expected"])
    refuted = counts["different"] + counts["impossible"] + (counts["expected"] if strict else 0)
    if refuted or not confirmed:
        sys.exit(1)
