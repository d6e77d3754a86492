"""Estimate what a plan will cost: from stored records where there are any, otherwise from one timed training step."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from tlbench.contract import Cell, Family, Strategy, TuningBudget
from tlbench.data import Resources, class_counts
from tlbench.learning import synchronise
from tlbench.results import Store
from tlbench.running.forecast import Job

_BACKWARD = 3  # what a training step costs in forward passes
EPISODE_SECONDS = 0.01  # to draw an episode and to fit a head on features that are known


@dataclass(frozen=True)
class Estimate:
    """Hold the seconds of work in all cells together, and how many of them were judged by stored records."""

    seconds: float
    from_records: int
    cells: int


def estimate(cells: Sequence[Cell], resources: Resources, store: Store | None, device: torch.device) -> Estimate:
    """Judge the cost of cells.

    A cell like one stored before (same variant, backbone, transfer and budget) costs what that did. Another costs
    its training steps (the `steps` or `episodes` of its strategy, else the recipe's, lengthened by its `longer`) times
    one measured step of its backbone, for each stream of data and each trial of a tuning. Strategies on frozen features
    cost next to nothing.
    """
    known = _known_seconds(store)
    step_seconds: dict[str, float] = {}
    total, from_records = 0.0, 0
    for cell in cells:
        key = _key(dict(cell.labels))
        if key in known:
            total += known[key]
            from_records += 1
            continue
        steps = training_steps(cell, resources)
        if steps and cell.backbone not in step_seconds:
            step_seconds[cell.backbone] = _time_one_step(cell, resources, device)
        tasks = cell.protocol.episodes if cell.budget.is_episodic else 0
        tuning = cell.tuning or TuningBudget(trials=1)
        total += steps * step_seconds.get(cell.backbone, 0.0) + tasks * EPISODE_SECONDS * tuning.trials + tuning.seconds
    return Estimate(total, from_records, len(cells))


def training_steps(cell: Cell, resources: Resources) -> int:
    """Return how many batches of the recipe's size a cell trains on, in all its episodes and trials together."""
    strategy = resources.catalog.strategy(cell.strategy)[0]
    steps = _steps(cell, strategy, resources)
    tasks = cell.protocol.episodes if cell.budget.is_episodic else 0
    trainings = 1 if strategy.prepares else max(1, tasks)  # what was prepared serves all episodes
    return trainings * steps * (cell.tuning.trials if cell.tuning else 1)


def jobs_of(cells: Sequence[Cell], resources: Resources, example_seconds: Mapping[str, float]) -> list[Job]:
    """Describe cells for a forecast, by the seconds that each backbone took for one example."""
    return [_job(cell, resources, example_seconds.get(cell.backbone, 1.0)) for cell in cells]


def _job(cell: Cell, resources: Resources, seconds: float) -> Job:
    labels, steps = cell.labels, training_steps(cell, resources)
    kind = (str(labels["strategy"]), str(labels["backbone"]), str(labels["transfer"]), str(cell.budget))
    shares = not steps and not cell.members and resources.backbone(cell.backbone).weights_digest is not None
    division = resources.division(cell.transfer.dataset, cell.protocol, cell.seed, cell.replicate) if shares else None
    splits = ("train", "test") if division else ()
    examples = sum(len(division.labels(cell.transfer.target, split)) for split in splits if division)
    return Job(cell.id, kind, steps * cell.recipe.batch_size * _BACKWARD * seconds, examples * seconds)


def _steps(cell: Cell, strategy: Strategy, resources: Resources) -> int:
    """Return how many batches of the recipe's size a cell trains on, all streams together."""
    on_features = strategy.family in (Family.EXTRACT, Family.UNSUPERVISED) or bool(strategy.members)
    if on_features or (strategy.family is Family.FEWSHOT and not strategy.prepares):
        return 0
    steps = getattr(strategy, "steps", None) or getattr(strategy, "episodes", None)
    if not steps:
        recipe = cell.recipe if cell.recipe.steps else cell.recipe.for_labels(_labels(cell, resources))
        steps = recipe.lengthened(getattr(strategy, "longer", 1.0))
    needs = strategy.needs()
    streams = 1 if needs.min_labels_per_class else needs.source_labels + needs.unlabelled_target
    return int(steps) * streams


def _labels(cell: Cell, resources: Resources) -> int:
    """Return how many labels of the target a cell trains on; those that the protocol keeps for validation count too."""
    target = cell.transfer
    division = resources.division(target.dataset, cell.protocol, cell.seed, cell.replicate)
    classes = len(resources.dataset(target.dataset).dataset.classes)
    return cell.budget.labels(class_counts(division.labels(target.target, "train"), classes))


def _key(labels: dict[str, object]) -> tuple[object, ...]:
    kept = tuple(labels.get(name) for name in ("strategy", "backbone", "transfer", "source", "budget", "selection"))
    return (*kept, labels.get("tuned", ""))


def _known_seconds(store: Store | None) -> dict[tuple[object, ...], float]:
    known: dict[tuple[object, ...], float] = {}
    for record in store.records() if store else ():
        if record.ok:
            fitting = record.costs.get("tuning_seconds") or record.costs["fit_seconds"] or 0.0
            seconds = fitting + (record.costs["predict_seconds"] or 0.0)
            known[_key(record.labels)] = seconds * (record.ledger.get("episodes") or 1)
    return known


def _time_one_step(cell: Cell, resources: Resources, device: torch.device) -> float:
    """Return the seconds of one forward and backward pass over a batch of real examples."""
    entry = resources.backbone(cell.backbone)
    raw = resources.dataset(cell.transfer.dataset).dataset.load(cell.transfer.target, "train").inputs
    batch = entry.backbone.encode([raw[0]] * min(cell.recipe.batch_size, 8)).to(device)
    network = entry.backbone.build(entry.weights).to(device)
    network(batch).sum().backward()  # the first step pays for compilation and allocation
    synchronise(device)
    start = time.perf_counter()
    network(batch).sum().backward()
    synchronise(device)
    return (time.perf_counter() - start) * cell.recipe.batch_size / len(batch)
