"""Estimate what a plan will cost: from stored records where there are any, otherwise from one timed training step.

What cells share, reading images and extracting features once, is counted apart.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from tlbench.contract import Budget, BudgetKind, Cell, Family, Strategy, TuningBudget, digest
from tlbench.data import Resources, class_counts
from tlbench.learning import feature_key, seconds_noted, synchronise
from tlbench.results import Store
from tlbench.running.cell_setup import division_of
from tlbench.running.forecast import Job

_BACKWARD = 3  # what a training step costs in forward passes
EPISODE_SECONDS = 0.01  # to draw an episode and to fit a head on features that are known
HEAD_SECONDS = 0.3  # to fit a head on known features and to record it, whatever the backbone
_TIMED = 8  # images that are encoded and run through a network to judge all


@dataclass(frozen=True)
class Estimate:
    """Hold the seconds of work in all cells together, and how many of them were judged by stored records."""

    seconds: float
    from_records: int
    cells: int
    once: float = 0.0  # seconds of reading images and extracting features, which cells share
    by_strategy: Mapping[str, float] = field(default_factory=dict)  # seconds of the cells of each variant

    def on(self, workers: int) -> float:
        """Return the seconds that pass with so many workers: they share cells, and all wait for what is done once."""
        return self.once + self.seconds / workers


def estimate(cells: Sequence[Cell], resources: Resources, store: Store | None, device: torch.device) -> Estimate:
    """Judge the cost of cells.

    A cell like one stored before (same variant, backbone, transfer and budget) costs what that did. Another costs
    its training steps (the `steps` or `episodes` of its strategy, else the recipe's, lengthened by its `longer`) times
    one measured step of its backbone, for each stream of data and each trial of a tuning. Strategies on frozen features
    cost a constant, and what the cache lacks of these features comes once; records of them hold a share of that.
    """
    known = _known_seconds(store)
    step_seconds: dict[str, float] = {}
    spent: dict[str, float] = {}
    from_records = 0
    for cell in cells:
        variant = str(cell.labels["strategy"])
        key = _key(dict(cell.labels))
        if key in known:
            on_features = _on_features(resources.catalog.strategy(cell.strategy)[0])
            own = max(0.0, known[key] - (_extraction(cell, resources, device) if on_features else 0.0))
            spent[variant] = spent.get(variant, 0.0) + own
            from_records += 1
            continue
        steps = training_steps(cell, resources)
        if steps and cell.backbone not in step_seconds:
            step_seconds[cell.backbone] = _time_one_step(cell, resources, device)
        tasks = cell.protocol.episodes if cell.budget.is_episodic else 0
        tuning = cell.tuning or TuningBudget(trials=1)
        heads = tasks * EPISODE_SECONDS if steps or tasks else HEAD_SECONDS
        own = steps * step_seconds.get(cell.backbone, 0.0) + heads * tuning.trials + tuning.seconds
        spent[variant] = spent.get(variant, 0.0) + own
    once = sum(_once(cells, resources, device))
    return Estimate(sum(spent.values()), from_records, len(cells), once, spent)


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


def _once(cells: Sequence[Cell], resources: Resources, device: torch.device) -> Iterator[float]:
    """Yield the seconds that each split will take to be encoded, and its features to be extracted, where not cached."""
    timed: dict[str, tuple[float, float]] = {}
    seen = set()
    for cell in cells:
        on_features = _on_features(resources.catalog.strategy(cell.strategy)[0])
        for part in ("train", "test"):
            for split in _splits(cell, part, resources, device):
                wanted = [("encoded", split.key, 0)] + ([("features", split.features, 1)] if on_features else [])
                for kind, key, step in wanted:
                    named = (kind, digest(key))
                    if named not in seen and not resources.cache.has(kind, key):
                        if cell.backbone not in timed:
                            timed[cell.backbone] = _time_one_image(cell, resources, device)
                        yield timed[cell.backbone][step] * split.examples
                    seen.add(named)


class _Split(NamedTuple):
    """Name one of a dataset's own splits in the cache."""

    key: tuple[str, ...]  # of its encoded inputs
    features: tuple[Any, ...]  # of their features
    examples: int


def _splits(cell: Cell, part: str, resources: Resources, device: torch.device) -> Iterator[_Split]:
    """Yield the data's own splits that the training or the test split of a cell's target is made of."""
    entry, target = resources.backbone(cell.backbone), cell.transfer.target
    start = (cell.seed, cell.replicate) if entry.weights_digest is None else None
    dataset = resources.dataset(cell.transfer.dataset)
    for own, _ in division_of(cell, resources).parts(target, part):
        key = (dataset.fingerprint, target, own, entry.backbone.encoding)
        yield _Split(key, feature_key(key, (entry.identity, start), device), len(dataset.labels(target, own)))


def _extraction(cell: Cell, resources: Resources, device: torch.device) -> float:
    """Return the share of the extraction of features that a record of this cell holds, as far as the cache knows."""
    shares = {"train": _labels(cell, resources), "test": None}
    found = 0.0
    for part, labels in shares.items():
        for split in _splits(cell, part, resources, device):
            if resources.cache.has("extraction", split.features, ".safetensors"):
                whole = seconds_noted(split.features, resources.cache)
                found += whole if labels is None else whole * min(1.0, labels / split.examples)
    return found


def _on_features(strategy: Strategy) -> bool:
    """Tell whether a strategy trains no network: it learns on frozen features, or combines predictions."""
    if strategy.family in (Family.EXTRACT, Family.UNSUPERVISED) or strategy.members:
        return True
    return strategy.family is Family.FEWSHOT and not strategy.prepares


def _steps(cell: Cell, strategy: Strategy, resources: Resources) -> int:
    """Return how many batches of the recipe's size a cell trains on, all streams together."""
    if _on_features(strategy) or getattr(strategy, "steps", None) == 0:
        return 0
    steps = getattr(strategy, "steps", None) or getattr(strategy, "episodes", None)
    if not steps:
        recipe = cell.recipe if cell.recipe.steps else cell.recipe.for_labels(_labels(cell, resources))
        steps = recipe.lengthened(getattr(strategy, "longer", 1.0))
    needs = strategy.needs()
    of_labels = needs.min_labels_per_class or needs.upper_bound
    streams = 1 if of_labels else needs.source_labels + needs.unlabelled_target
    return int(steps) * streams


def _labels(cell: Cell, resources: Resources) -> int:
    """Return how many labels of the target a cell trains on; those that the protocol keeps for validation count too."""
    target = cell.transfer
    division = resources.division(target.dataset, cell.protocol, cell.seed, cell.replicate)
    classes = len(resources.dataset(target.dataset).dataset.classes)
    has_all = resources.catalog.strategy(cell.strategy)[0].needs().upper_bound  # whatever the budget
    budget = Budget(BudgetKind.FULL) if has_all else cell.budget
    return budget.labels(class_counts(division.labels(target.target, "train"), classes))


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


@torch.no_grad()
def _time_one_image(cell: Cell, resources: Resources, device: torch.device) -> tuple[float, float]:
    """Return the seconds to encode one image, decoding included, and to extract its features."""
    entry = resources.backbone(cell.backbone)
    raw = resources.dataset(cell.transfer.dataset).dataset.load(cell.transfer.target, "train").inputs
    rows = range(min(_TIMED, len(raw)))
    entry.backbone.encode([raw[0]])  # the first pays for imports
    start = time.perf_counter()
    batch = torch.cat([entry.backbone.encode([raw[row]]) for row in rows]).to(device)
    encoding = time.perf_counter() - start
    network = entry.backbone.build(entry.weights).eval().to(device).to(memory_format=torch.channels_last)
    network(batch)
    synchronise(device)
    start = time.perf_counter()
    network(batch)
    synchronise(device)
    return encoding / len(batch), (time.perf_counter() - start) / len(batch)
