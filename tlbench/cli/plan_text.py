"""Say what a plan holds, and how long a run takes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.names import plural, shown

if TYPE_CHECKING:
    from tlbench.cli.options import Chosen
    from tlbench.contract import Plan
    from tlbench.results import Store

LONG = 180  # seconds of a run from which on it is said beforehand how long it takes


def long_run(chosen: "Chosen", store: "Store") -> str:
    """Say how long a run will take where that is minutes, and which strategies make it so long; nothing else."""
    from tlbench.learning import resolve_device
    from tlbench.running import estimate, seconds_in_words

    stored = store.cells()
    waiting = [cell for cell in chosen.plan.cells if cell.id not in stored]
    if not waiting:  # to judge any, all records are read
        return ""
    judged = estimate(waiting, chosen.resources, store, resolve_device(chosen.where.device))
    jobs = chosen.where.jobs
    if judged.on(jobs) < LONG:
        return ""
    slow = [name for name, seconds in judged.by_strategy.items() if seconds > judged.seconds / 10]
    rest = (judged.seconds - sum(judged.by_strategy[name] for name in slow)) / jobs + judged.once
    said = f"note: this takes about {seconds_in_words(judged.on(jobs))} on {plural(jobs, 'worker')}"
    if slow and len(slow) < len(judged.by_strategy):
        said += f"; all but {' and '.join(map(shown, slow))} take {seconds_in_words(rest)}: -s chooses"
    return f"{said}. What is done is kept when you stop it."


def once_in_words(seconds: float) -> str:
    """Say how much of a run is done once for all cells; nothing where that is hardly anything."""
    from tlbench.running import seconds_in_words

    return f", {seconds_in_words(seconds)} of it to read images and extract features, once" if seconds >= 1 else ""


def print_plan(plan: "Plan", cells: bool, stored: int, folder: Path) -> None:
    """Print what a plan holds: cells counted, or each of them, skips with reasons, findings and warnings."""
    from tlbench.results import distinct_labels

    click.echo(f"Suite {plan.suite.name}: {plural(len(plan.cells), 'cell')}, {stored} of them stored in {folder}.")
    counts: dict[tuple[str, str, str], int] = {}
    names = distinct_labels((cell.identity, cell.labels) for cell in plan.cells)
    for cell, labels in zip(plan.cells, names, strict=True):
        from_source = f" from {labels['source']}" if labels["source"] else ""
        key = (f"{labels['transfer']}{from_source}", str(labels["backbone"]), str(labels["strategy"]))
        counts[key] = counts.get(key, 0) + 1
        if cells:
            click.echo(f"  {cell.id}  {' | '.join(key)} | {cell.budget} | replicate {cell.replicate}")
    if not cells:
        for key, count in counts.items():
            click.echo(f"  {' | '.join(key)}: {count}")
    if plan.skips:
        click.echo(f"Skipped: {plural(sum(skip.cells for skip in plan.skips), 'cell')}.")
    for skip in plan.skips:
        chosen = [f"selection {skip.selection}"] if skip.selection else []
        chosen += [f"tuned by {skip.tuned}"] if skip.tuned else []
        where = (skip.transfer, skip.backbone, skip.strategy, skip.budget, *chosen)
        click.echo(f"  {' | '.join(where)}: {skip.reason}")
    for line in (*plan.findings, *plan.warnings):
        click.echo(f"Note: {line}")
