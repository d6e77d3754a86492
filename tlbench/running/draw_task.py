"""Draws a cell's tasks and their held-out test examples. A strategy gets the first and never the second's labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import (
    ORACLE,
    Budget,
    BudgetKind,
    Cell,
    Column,
    Dataset,
    FurtherLabels,
    Labelled,
    Protocol,
    Source,
    Strategy,
    Task,
    looks_closer,
)
from tlbench.data import Division, Portion, Resources, carve_validation, episode_rows, labelled_positions
from tlbench.learning import Evidence, FeatureSource, sample_positions
from tlbench.seeds import derive

HELD_OUT = 0.2  # share of the source's labels that rules which look at the source keep from every training

KnownFeatures = tuple[Tensor, Callable[[], Tensor]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A task with what it is tested on."""

    task: Task
    queries: Tensor  # the test inputs, encoded
    labels: np.ndarray  # the test labels, int64 (N,)
    known_features: list[KnownFeatures]  # which tensors' features the cache holds, or will
    query_features: Callable[[], Tensor]
    evidence: Evidence | None = None  # what a selection rule judges by, where that is more than the task
    looked_at: Labelled | None = None  # test examples for the looks that a record keeps; no strategy meets them
    looked_at_features: Callable[[], Tensor] | None = None


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
        drawn = Drawn(task, queries, self.test.labels, known, lambda: self.features.rows(self.test))
        return self._looked_at(drawn) if looks_closer(self.cell.selection) else drawn

    def _looked_at(self, drawn: Drawn) -> Drawn:
        """Return a task with what its selection rule judges by, drawn alike for every rule."""
        known = drawn.known_features
        rows = self._sample("test", len(self.test.labels))
        test = Labelled(self.test.take(rows), torch.from_numpy(self.test.labels[rows]))
        source = held_out = None
        if self.needs.source_labels:
            split = _source_portion(self.cell, self.resources, "train")
            own, _ = _source_labels(self.cell, self.resources, split)
            train, val = source_rows(self.cell, self.resources, own)
            source = self._inputs(split, train[self._sample("source", len(train))], known)
            val = val[self._sample("held out", len(val))]
            held_out = Labelled(self._inputs(split, val, known), torch.from_numpy(own[val]))
        target = self._inputs(self.pool, self._sample("target", len(self.pool.labels)), known)
        evidence = Evidence(target, source, held_out, test if self.cell.selection == ORACLE else None)
        return replace(
            drawn, evidence=evidence, looked_at=test, looked_at_features=lambda: self.features.rows(self.test, rows)
        )

    def _sample(self, of: str, count: int) -> np.ndarray:
        cell = self.cell
        dims = {"dataset": self.entry.fingerprint, "target": cell.transfer.target}
        return sample_positions(count, derive(cell.seed, "evidence", of=of, replicate=cell.replicate, **dims))

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


def draw_source(cell: Cell, resources: Resources, known: list[KnownFeatures], features: FeatureSource) -> Source:
    """Return the labelled examples of the source; with the target's classes, in the target's order of them.

    All of them, unless the cell's selection rule holds some out.
    """
    transfer = cell.transfer
    if transfer.source_dataset is None or transfer.source is None:
        raise ValueError("this transfer has no source; the plan should have skipped it")
    split = _source_portion(cell, resources, "train")
    labels, classes = _source_labels(cell, resources, split)
    rows, _ = source_rows(cell, resources, labels)
    inputs = split.take(rows)
    known.append((inputs, lambda: features.rows(split, None if len(rows) == len(labels) else rows)))
    return Source(Labelled(inputs, torch.from_numpy(labels[rows])), classes)


def source_rows(cell: Cell, resources: Resources, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which source examples train, and which are held out: none, or a fifth of each class by a seed.

    They are held out under every rule that looks further than the task, so that all of them choose from one and
    the same training.
    """
    everything = np.arange(len(labels))
    if not looks_closer(cell.selection):
        return everything, everything[:0]
    assert cell.transfer.source_dataset is not None
    assert cell.transfer.source is not None
    fingerprint = resources.dataset(cell.transfer.source_dataset).fingerprint
    seed = derive(cell.seed, "held out", dataset=fingerprint, domain=cell.transfer.source, replicate=cell.replicate)
    drawn = np.random.default_rng(seed).permutation(everything)
    train, held_out = carve_validation(drawn, labels, HELD_OUT)
    return np.sort(train), np.sort(held_out)


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
