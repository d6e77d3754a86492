"""Define the command `tlbench recommend`."""

from pathlib import Path

import click

from tlbench.cli import plugin_option


@click.command()
@click.option("-d", "--dataset", required=True, metavar="NAME", help="As folder:PATH or 'digits[->handwritten]'.")
@click.option("-b", "--backbone", "backbones", multiple=True, metavar="NAME",
              help="To choose from.  [default: those of the stored results]")  # fmt: skip
@click.option("--budget", metavar="N", help="Labels that may be used: 5-shot, 10%, 200, full.  [default: 5-shot]")
@click.option("--results", multiple=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="Stored results. Repeatable.  [default: those in tlbench-results/]")  # fmt: skip
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--verbose", is_flag=True, help="Show all that was looked at, where there is no answer too.")
@plugin_option
def recommend(
    dataset: str,
    backbones: tuple[str, ...],
    budget: str | None,
    results: tuple[Path, ...],
    device: str,
    as_json: bool,
    verbose: bool,
    plugins: tuple[str, ...],
) -> None:
    """Advise on a strategy and a backbone for a dataset, from stored results on others and scores on its features.

    Names its evidence and how often its rule was right on the stored datasets, each left out in turn; says "not
    enough evidence" where that is so. Uses labels of the training split alone, and no more than the budget.

    \b
    tlbench recommend -d folder:photos
    tlbench recommend -d folder:photos --budget 1-shot --results mine --results theirs
    """
    import json

    from tlbench.cli import open_catalog, showing_waits, tell_broken
    from tlbench.data import Cache, Resources
    from tlbench.learning import configure
    from tlbench_advice.recommend import recommend as answer
    from tlbench_advice.text import printed

    host, catalog = open_catalog(plugins)
    configure(1)
    with showing_waits():
        advice = answer(
            dataset, backbones=backbones, budget=budget, results=results, resources=Resources(catalog, Cache()),
            device=device,
        )  # fmt: skip
    tell_broken(host)
    click.echo(json.dumps(advice.to_json(), indent=1, ensure_ascii=False) if as_json else printed(advice, verbose))
