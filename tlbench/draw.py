"""Draws a cell's tasks and their held-out test examples. A strategy gets the first and never the second's labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.budget import Budget, BudgetKind
from tlbench.cache import Cache
from tlbench.cell import Cell, Protocol, digest
from tlbench.dataset import Column, Dataset
from tlbench.determinism import Stopwatch
from tlbench.division import Division
from tlbench.features import EncodedSplit, Portion, extract_split, extraction_seconds
from tlbench.resources import Resources
from tlbench.sampling import carve_validation, episode_rows, labelled_positions
from tlbench.seeds import derive
from tlbench.split_rule import GIVEN
from tlbench.strategy import Strategy
from tlbench.task import FurtherLabels, Labelled, Source, Task

KnownFeatures = tuple[Tensor, Callable[[], Tensor]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A task with what it is tested on."""

    task: Task
    queries: Tensor  # the test inputs, encoded
    labels: np.ndarray  # the test labels, int64 (N,)
    known_features: list[KnownFeatures]  # which tensors' features the cache holds, or will
    query_features: Callable[[], Tensor]


@dataclass(eq=False)
class FeatureSource:
    """Finds features of encoded splits under one frozen backbone, and keeps account of what they cost.

    Costs must not depend on what the cache happened to hold: the seconds spent here are told apart from the
    seconds owed, the share of the extraction that falls to the rows that were asked for.
    """

    cache: Cache
    device: torch.device
    identity: Any  # of the backbone, with the replicate where its start is random
    network: Callable[[], nn.Module]
    seconds_here: float = 0.0
    seconds_owed: float = 0.0

    def rows(self, portion: Portion, rows: np.ndarray | None = None) -> Tensor:
        """Return features, float32 (N, feature_dim), of some rows or all rows of a portion."""
        return portion.gather(rows, self._of_split)

    def _of_split(self, split: EncodedSplit, rows: np.ndarray | None) -> Tensor:
        with Stopwatch(self.device) as watch:
            features = extract_split(split, self.network, self.identity, self.device, self.cache)
            found = torch.from_numpy(np.array(features if rows is None else features[rows]))
        self.seconds_here += watch.seconds
        whole = extraction_seconds(split, self.identity, self.device, self.cache)
        self.seconds_owed += whole * len(found) / len(split.labels)
        return found

    def settle(self) -> float:
        """Return what to add to a measured time, owed minus spent, and begin anew."""
        difference = self.seconds_owed - self.seconds_here
        self.seconds_here = self.seconds_owed = 0.0
        return difference


def draw(cell: Cell, strategy: Strategy, resources: Resources, features: FeatureSource) -> Iterator[Drawn]:
    """Yield a cell's task, or the task of each of its episodes, by seeds that no strategy changes."""
    table = _Table(cell, strategy, resources, features)
    if not cell.budget.is_episodic:
        yield table.whole()
        return
    for index in range(cell.protocol.episodes):
        yield table.episode(index)


class _Table:
    """What all tasks of a cell share: the splits, the source and the unlabelled inputs."""

    def __init__(self, cell: Cell, strategy: Strategy, resources: Resources, features: FeatureSource) -> None:
        self.cell, self.resources, self.features = cell, resources, features
        self.needs = resources.catalog.needs(strategy)
        self.entry = resources.dataset(cell.transfer.dataset)
        self.division = division_of(cell, resources)
        self.pool = self._portion("train")
        self.test = self._portion("test")
        self.known: list[KnownFeatures] = []
        self.unlabelled: Tensor | None = None
        if self.needs.unlabelled_target:
            self.unlabelled = self._inputs(self.pool, np.arange(len(self.pool.labels)), self.known)
        self.source = draw_source(cell, resources, self.known, features) if self.needs.source_labels else None

    def _portion(self, split: str) -> Portion:
        cell = self.cell
        return self.resources.portion(cell.transfer.dataset, cell.transfer.target, split, cell.backbone, self.division)

    def whole(self) -> Drawn:
        """Return the task of a label budget, tested on the whole test split."""
        known = list(self.known)
        train_rows, val_split, val_rows = self._target_rows()
        train = Labelled(self._inputs(self.pool, train_rows, known), torch.from_numpy(self.pool.labels[train_rows]))
        val = None
        if len(val_rows):
            val = Labelled(self._inputs(val_split, val_rows, known), torch.from_numpy(val_split.labels[val_rows]))
        queries = self.test.inputs
        if self.needs.transductive:
            queries = self._inputs(self.test, np.arange(len(self.test.labels)), known)
        task = self._task(tuple(self.entry.dataset.classes), train, val, queries, train_rows)
        return Drawn(task, queries, self.test.labels, known, lambda: self.features.rows(self.test))

    def episode(self, index: int) -> Drawn:
        """Return the task of one episode, tested on its queries."""
        cell, known = self.cell, list(self.known)
        rules, target = cell.protocol, cell.transfer.target
        seed = derive(
            cell.seed, "episode", dataset=self.entry.fingerprint, target=target, index=index, replicate=cell.replicate
        )
        drawn = episode_rows(self.pool.labels, self.test.labels, cell.budget, rules.queries, rules.unbalanced, seed)
        position = np.full(len(self.entry.dataset.classes), -1)
        position[drawn.ways] = np.arange(len(drawn.ways))
        train_rows, val_rows = drawn.support, drawn.support[:0]
        if rules.validation:
            train_rows, val_rows = carve_validation(drawn.support, self.pool.labels, rules.validation)

        def part(rows: np.ndarray) -> Labelled:
            return Labelled(self._inputs(self.pool, rows, known), torch.from_numpy(position[self.pool.labels[rows]]))

        queries = self._inputs(self.test, drawn.queries, known)
        names = tuple(self.entry.dataset.classes[way] for way in drawn.ways)
        val = part(val_rows) if len(val_rows) else None
        task = self._task(names, part(train_rows), val, queries, train_rows)
        labels = position[self.test.labels[drawn.queries]]
        return Drawn(task, queries, labels, known, lambda: self.features.rows(self.test, drawn.queries))

    def _inputs(self, split: Portion, rows: np.ndarray, known: list[KnownFeatures]) -> Tensor:
        """Return the inputs of some rows, and remember where their features are found."""
        inputs = split.take(rows)
        known.append((inputs, lambda: self.features.rows(split, rows)))
        return inputs

    def _task(
        self, classes: tuple[str, ...], train: Labelled, val: Labelled | None, queries: Tensor, rows: np.ndarray
    ) -> Task:
        return Task(
            classes=classes,
            train=train,
            val=val,
            unlabelled=self.unlabelled,
            source=self.source.train if self.source else None,
            source_classes=self.source.classes if self.source else None,
            queries=queries if self.needs.transductive else None,
            further=self._further(rows) if self.needs.further_labels else None,
        )

    def _further(self, rows: np.ndarray) -> tuple[FurtherLabels, ...]:
        columns = further_columns(self.entry.dataset, self.cell.transfer.target, self.pool)
        return tuple(
            FurtherLabels(name, column.classes, torch.from_numpy(np.asarray(column.labels)[rows]))
            for name, column in columns.items()
        )

    def _target_rows(self) -> tuple[np.ndarray, Portion, np.ndarray]:
        """Return training rows of the pool, and validation rows of the pool or of the data's own val split."""
        cell, pool, entry = self.cell, self.pool, self.entry
        target, share, classes = cell.transfer.target, cell.protocol.validation, len(self.entry.dataset.classes)
        budget = Budget(BudgetKind.FULL) if self.needs.upper_bound else cell.budget
        seed = derive(cell.seed, "labels", dataset=entry.fingerprint, target=target, replicate=cell.replicate)
        drawn = labelled_positions(pool.labels, classes, budget, seed)
        if share == 0 or len(drawn) == 0:
            return np.sort(drawn), pool, np.empty(0, dtype=np.int64)
        if "val" not in self.division.splits(target):
            train, val = carve_validation(drawn, pool.labels, share)
            return np.sort(train), pool, np.sort(val)
        own = self._portion("val")
        if budget.kind is BudgetKind.FULL:
            return np.sort(drawn), own, np.arange(len(own.labels))
        train, val = carve_validation(drawn, pool.labels, share)
        wanted = Budget(BudgetKind.COUNT, min(len(val), len(own.labels)))
        return np.sort(train), own, np.sort(labelled_positions(own.labels, classes, wanted, seed))


def ledger(cell: Cell, strategy: Strategy, resources: Resources, drawn: Drawn, digests: list[str]) -> dict[str, Any]:
    """Return what data the strategy was given; of episodes, for each. `digests` name their labelled examples."""
    task, needs = drawn.task, resources.catalog.needs(strategy)
    return {
        "train_labels": len(task.train),
        "val_labels": 0 if task.val is None else len(task.val),
        "unlabelled_target": 0 if task.unlabelled is None else len(task.unlabelled),
        "source_labels": 0 if task.source is None else len(task.source),
        "further_labels": sum(len(each.labels) for each in task.further or ()),
        "test_items": len(drawn.labels),
        "episodes": len(digests) if cell.budget.is_episodic else None,
        "transductive": needs.transductive,
        "upper_bound": needs.upper_bound,
        "pretrained_on": resources.backbone(cell.backbone).backbone.pretrained_on or "nothing",
        "splits": _splits(cell, resources),
        "labelled_examples": digests[0] if len(digests) == 1 else digest(digests)[:16],
    }


def _splits(cell: Cell, resources: Resources) -> str:
    """Say how the target's data are divided: `given`, or what the split table's digest begins with, and the fold."""
    division = division_of(cell, resources)
    if division.table is None:
        return GIVEN
    fold = f"fold {division.fold + 1} of {division.table.folds}, " if division.table.folds else ""
    return f"{fold}table {division.table.digest[:12]}"


def draw_source(cell: Cell, resources: Resources, known: list[KnownFeatures], features: FeatureSource) -> Source:
    """Return all labelled examples of the source; with the target's classes, in the target's order of them."""
    transfer = cell.transfer
    if transfer.source_dataset is None or transfer.source is None:
        raise ValueError("this transfer has no source; the plan should have skipped it")
    split = _source_portion(cell, resources, "train")
    labels, classes = _source_labels(cell, resources, split)
    inputs = split.take(np.arange(len(labels)))
    known.append((inputs, lambda: features.rows(split)))
    return Source(Labelled(inputs, torch.from_numpy(labels)), classes)


def draw_further_test(cell: Cell, resources: Resources) -> tuple[Tensor, dict[str, Column]]:
    """Return the target's test inputs, and its further label columns by name."""
    target = cell.transfer.target
    portion = resources.portion(cell.transfer.dataset, target, "test", cell.backbone, division_of(cell, resources))
    return portion.inputs, further_columns(resources.dataset(cell.transfer.dataset).dataset, target, portion)


def further_columns(dataset: Dataset, domain: str, portion: Portion) -> dict[str, Column]:
    """Return the further label columns of a portion by name, labels as int64 (N,)."""
    first = dataset.columns(domain, portion.parts[0][0].name)

    def labels(name: str) -> np.ndarray:
        return portion.per_row(lambda split: np.asarray(dataset.columns(domain, split)[name].labels, dtype=np.int64))

    return {name: Column(column.classes, labels(name)) for name, column in first.items()}


def draw_source_test(cell: Cell, resources: Resources) -> Labelled:
    """Return the source's test split: inputs, and labels as numpy int64 in the order that `draw_source` gives."""
    split = _source_portion(cell, resources, "test")
    return Labelled(split.inputs, _source_labels(cell, resources, split)[0])


def division_of(cell: Cell, resources: Resources) -> Division:
    """Return how the target's dataset is divided in a cell's replicate."""
    return resources.division(cell.transfer.dataset, cell.protocol, cell.seed, cell.replicate)


def _source_portion(cell: Cell, resources: Resources, split: str) -> Portion:
    """Return a split of the source: of the target's own dataset as that is divided, else as it comes.

    So no group that is tested in one domain is learnt from in another.
    """
    transfer = cell.transfer
    assert transfer.source_dataset is not None
    assert transfer.source is not None
    if transfer.source_dataset == transfer.dataset:
        division = division_of(cell, resources)
    else:
        division = resources.division(transfer.source_dataset, Protocol(), cell.seed, cell.replicate)
    return resources.portion(transfer.source_dataset, transfer.source, split, cell.backbone, division)


def _source_labels(cell: Cell, resources: Resources, split: Portion) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a source split's labels with the classes that they are positions in."""
    assert cell.transfer.source_dataset is not None
    source = tuple(resources.dataset(cell.transfer.source_dataset).dataset.classes)
    target = tuple(resources.dataset(cell.transfer.dataset).dataset.classes)
    if set(source) != set(target):
        return split.labels, source
    return np.array([target.index(name) for name in source])[split.labels], target
