"""Make a board of many strategies, backbones and datasets, publish it, and say how large it is and how fast it opens.

    python benchmarks/large_board.py --strategies 40 --backbones 6 --datasets 10

Scores are drawn: strategies, backbones and datasets differ as such things do, and nothing is trained. Where
playwright and a chromium are installed pages are opened too, from files, in a window of a desktop and of a phone.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from tlbench.contract import Predictions, Record, digest
from tlbench.host import Catalog, Host
from tlbench.results import Store
from tlbench_leaderboard.publishing import publish

FAMILIES = ("extract", "finetune", "few-shot", "adapt")
BUDGETS = ("1-shot", "5-shot", "20-shot")
CLASSES = 10


def make_board(
    folder: Path, strategies: int, backbones: int, datasets: int, budgets: int = 2, replicates: int = 3, items: int = 50
) -> Path:
    """Write a results folder of drawn predictions, a record for each cell of the cross-product; return it."""
    store, draw = Store(folder, create=True), np.random.default_rng(0)
    cells = []
    for dataset in range(datasets):
        labels, easy = draw.integers(CLASSES, size=items), draw.uniform(-0.5, 1.0)
        for backbone in range(backbones):
            for strategy in range(strategies):
                for place, budget in enumerate(BUDGETS[:budgets]):
                    strength = easy + 0.05 * strategy + 0.2 * backbone + 0.6 * place * (strategy % 3) / 2
                    for replicate in range(replicates):
                        logits = draw.normal(size=(items, CLASSES)).astype(np.float32)
                        logits[np.arange(items), labels] += np.float32(strength)
                        made = _record(strategy, backbone, dataset, budget, replicate, logits, labels)
                        cells.append(store.write(made, Predictions(logits, labels)).cell)
    store.write_plan({"suite": {"name": "made", "replicates": replicates}, "skips": [], "cells": cells})
    return folder


def _record(
    strategy: int, backbone: int, dataset: int, budget: str, replicate: int, logits: np.ndarray, labels: np.ndarray
) -> Record:
    names = {"strategy": f"strategy-{strategy:02}", "backbone": f"network-{backbone}", "dataset": f"dataset-{dataset}"}
    if not strategy:
        names["strategy"] = "scratch"
    identity = {
        "strategy": {"name": names["strategy"], "version": "1", "parameters": {}},
        "backbone": {"spec": names["backbone"], "version": "1", "weights": "0" * 64},
        "dataset": {"name": names["dataset"], "version": "1", "fingerprint": "0" * 64},
        "target": "all", "source": None, "budget": budget, "protocol": {"version": "1"}, "recipe": {},
        "replicate": replicate, "seed": 0,
    }  # fmt: skip
    shown = {
        **names, "family": FAMILIES[strategy % len(FAMILIES)] if strategy else "scratch",
        "setting": "inductive", "source": "", "target": "all",
        "transfer": names["dataset"], "budget": budget, "replicate": replicate, "seed": 0, "selection": "last",
        "tuned": "", "upper_bound": False, "baseline": not strategy,
    }  # fmt: skip
    ledger = {
        "train_labels": CLASSES, "val_labels": 0, "unlabelled_target": 0, "source_labels": 0,
        "test_items": len(labels), "episodes": None, "transductive": False, "upper_bound": False, "selection": "last",
        "pretrained_on": "drawn", "splits": "given", "labelled_examples": f"{dataset}{budget}{replicate}",
    }  # fmt: skip
    accuracy = float((logits.argmax(axis=1) == labels).mean())
    costs = {"fit_seconds": 0.1 + 0.01 * strategy, "prepare_seconds": 0.0, "predict_seconds": 0.1}
    return Record(digest(identity)[:20], identity, shown, {"accuracy": accuracy}, ledger, costs)


def opened(site: Path, pages: Sequence[str], widths: Sequence[int] = (1400, 390)) -> Iterator[tuple[str, int, float]]:
    """Open pages in a browser; yield each with the window's width and the seconds until it was laid out."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        for width in widths:
            for page in pages:
                tab = browser.new_page(viewport={"width": width, "height": 900})
                begun = time.perf_counter()
                tab.goto((site / page).as_uri())
                tab.evaluate("document.body.offsetHeight")
                yield page, width, time.perf_counter() - begun
                tab.close()
        browser.close()


@click.command()
@click.option("--strategies", default=40, show_default=True)
@click.option("--backbones", default=6, show_default=True)
@click.option("--datasets", default=10, show_default=True)
@click.option("--budgets", default=2, show_default=True, type=click.IntRange(1, len(BUDGETS)))
@click.option("--replicates", default=3, show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the site in this folder.")
def main(strategies: int, backbones: int, datasets: int, budgets: int, replicates: int, keep: Path | None) -> None:
    """Publish a board of drawn scores and print seconds, bytes and, with a browser, how fast pages open."""
    with TemporaryDirectory() as name:
        folder = make_board(Path(name) / "made", strategies, backbones, datasets, budgets, replicates)
        site, begun = keep or Path(name) / "site", time.perf_counter()
        told = publish([folder], site, "Drawn", 5000, Catalog(Host()))
        click.echo(f"published in {time.perf_counter() - begun:.0f} s: {told.words}")
        sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in site.rglob("*.html")}
        click.echo(f"all pages: {sum(sizes.values()) / 1e6:.1f} MB")
        kinds: dict[str, list[str]] = {}
        for page in sorted(sizes, key=lambda page: -sizes[page]):
            kinds.setdefault(page.rpartition("/")[0], []).append(page)
        for own in kinds.values():
            click.echo(f"  {own[0]}: {sizes[own[0]] / 1000:.0f} kB, the largest of {len(own)}")
        try:
            for page, width, seconds in opened(site, [own[0] for own in kinds.values()]):
                click.echo(f"  {page} at {width} px: open after {seconds:.2f} s")
        except Exception as error:  # no playwright, or no browser that starts
            click.echo(f"no browser opened them: {str(error).partition(chr(10))[0]}")


if __name__ == "__main__":
    main()
