"""Draw a cell's tasks and their held-out test examples. A strategy gets the first and never the second's labels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import (
    ORACLE,
    Budget,
    BudgetKind,
    Column,
    Dataset,
    FurtherLabels,
    Labelled,
    Source,
    Task,
    looks_closer,
)
from tlbench.data import Portion, carve_validation, episode_rows, labelled_positions
from tlbench.learning import Evidence, FeatureSource, sample_positions
from tlbench.running.cell_setup import CellSetup
from tlbench.seeds import derive

HELD_OUT = 0.2  # share of the source's labels that rules which look at the source keep from every training


@dataclass(eq=False)
class KnownInputs:
    """Take input tensors for tasks, and remember where the features of each are found."""

    features: FeatureSource
    found: list[tuple[Tensor, Callable[[], Tensor]]] = field(default_factory=list)

    def take(self, split: Portion, rows: np.ndarray) -> Tensor:
        """Return the inputs of some rows of a split as a tensor of its own, and remember where they come from."""
        inputs = split.take(rows)
        self.found.append((inputs, lambda: self.features.rows(split, rows)))
        return inputs

    def labelled(self, split: Portion, rows: np.ndarray) -> Labelled:
        """Return some rows of a split with their labels."""
        return Labelled(self.take(split, rows), torch.from_numpy(split.labels[rows]))


@dataclass(frozen=True, eq=False)
class DrawnTask:
    """Hold a task with what it is tested on."""

    task: Task
    queries: Tensor  # the test inputs, encoded
    labels: np.ndarray  # the test labels, int64 (N,)
    known: KnownInputs
    query_features: Callable[[], Tensor]
    episode: int = 0  # its number; 0 for the one task of a label budget
    evidence: Evidence | None = None  # what a selection rule judges by, where that is more than the task
    looked_at: Labelled | None = None  # test examples for the looks that a record keeps; no strategy meets them
    looked_at_features: Callable[[], Tensor] | None = None


def draw_tasks(setup: CellSetup) -> Iterator[DrawnTask]:
    """Yield a cell's task, or the task of each of its episodes, by seeds that no strategy changes."""
    shared = KnownInputs(setup.features)
    unlabelled = source = None
    if setup.needs.unlabelled_target:
        unlabelled = shared.take(setup.pool, np.arange(len(setup.pool.labels)))
    if setup.needs.source_labels:
        source = draw_source(setup, shared)
    drawer = _Drawer(setup, shared, unlabelled, source)
    if not setup.cell.budget.is_episodic:
        yield drawer.whole()
        return
    for index in range(setup.cell.protocol.episodes):
        yield drawer.episode(index)


@dataclass(frozen=True, eq=False)
class _Drawer:
    """Draws tasks that share the source and the unlabelled inputs."""

    setup: CellSetup
    shared: KnownInputs
    unlabelled: Tensor | None
    source: Source | None

    def whole(self) -> DrawnTask:
        """Return the task of a label budget, tested on the whole test split."""
        setup, known = self.setup, self._known()
        train_rows, val_split, val_rows = _target_rows(setup)
        train = known.labelled(setup.pool, train_rows)
        val = known.labelled(val_split, val_rows) if len(val_rows) else None
        queries = setup.test.inputs
        if setup.needs.transductive:
            queries = known.take(setup.test, np.arange(len(setup.test.labels)))
        task = self._task(Task(tuple(setup.target.dataset.classes), train, val), queries, train_rows)
        drawn = DrawnTask(task, queries, setup.test.labels, known, lambda: setup.features.rows(setup.test))
        return self._looked_at(drawn) if looks_closer(setup.cell.selection) else drawn

    def episode(self, index: int) -> DrawnTask:
        """Return the task of one episode, tested on its queries."""
        setup, known = self.setup, self._known()
        cell, dataset, rules = setup.cell, setup.target, setup.cell.protocol
        target = cell.transfer.target
        seed = derive(
            cell.seed, "episode", dataset=dataset.fingerprint, target=target, index=index, replicate=cell.replicate
        )
        drawn = episode_rows(setup.pool.labels, setup.test.labels, cell.budget, rules.queries, rules.unbalanced, seed)
        position = np.full(len(dataset.dataset.classes), -1)
        position[drawn.ways] = np.arange(len(drawn.ways))
        train_rows, val_rows = drawn.support, drawn.support[:0]
        if rules.validation:
            train_rows, val_rows = carve_validation(drawn.support, setup.pool.labels, rules.validation)

        def part(rows: np.ndarray) -> Labelled:
            return Labelled(known.take(setup.pool, rows), torch.from_numpy(position[setup.pool.labels[rows]]))

        queries = known.take(setup.test, drawn.queries)
        names = tuple(dataset.dataset.classes[way] for way in drawn.ways)
        val = part(val_rows) if len(val_rows) else None
        task = self._task(Task(names, part(train_rows), val), queries, train_rows)
        labels = position[setup.test.labels[drawn.queries]]
        return DrawnTask(task, queries, labels, known, lambda: setup.features.rows(setup.test, drawn.queries), index)

    def _known(self) -> KnownInputs:
        return KnownInputs(self.shared.features, list(self.shared.found))

    def _task(self, labelled: Task, queries: Tensor, rows: np.ndarray) -> Task:
        """Return a task of labels alone with what else the strategy needs; `rows` are those of its training labels."""
        needs, source = self.setup.needs, self.source
        return replace(
            labelled,
            unlabelled=self.unlabelled,
            source=source.train if source else None,
            source_classes=source.classes if source else None,
            queries=queries if needs.transductive else None,
            further=self._further(rows) if needs.further_labels else None,
        )

    def _further(self, rows: np.ndarray) -> tuple[FurtherLabels, ...]:
        setup = self.setup
        columns = _further_columns(setup.target.dataset, setup.cell.transfer.target, setup.pool)
        return tuple(
            FurtherLabels(name, column.classes, torch.from_numpy(np.asarray(column.labels)[rows]))
            for name, column in columns.items()
        )

    def _looked_at(self, drawn: DrawnTask) -> DrawnTask:
        """Return a task with what its selection rule judges by, drawn alike for every rule."""
        setup, known = self.setup, drawn.known
        rows = self._sample("test", len(setup.test.labels))
        test = Labelled(setup.test.take(rows), torch.from_numpy(setup.test.labels[rows]))
        source = held_out = None
        if setup.needs.source_labels:
            split = setup.source_portion("train")
            own, _ = _source_labels(setup, split)
            train, val = source_rows(setup, own)
            source = known.take(split, train[self._sample("source", len(train))])
            val = val[self._sample("held out", len(val))]
            held_out = Labelled(known.take(split, val), torch.from_numpy(own[val]))
        target = known.take(setup.pool, self._sample("target", len(setup.pool.labels)))
        evidence = Evidence(target, source, held_out, test if setup.cell.selection == ORACLE else None)
        features = setup.features
        return replace(
            drawn, evidence=evidence, looked_at=test, looked_at_features=lambda: features.rows(setup.test, rows)
        )

    def _sample(self, of: str, count: int) -> np.ndarray:
        cell = self.setup.cell
        dims = {"dataset": self.setup.target.fingerprint, "target": cell.transfer.target}
        return sample_positions(count, derive(cell.seed, "evidence", of=of, replicate=cell.replicate, **dims))


def _target_rows(setup: CellSetup) -> tuple[np.ndarray, Portion, np.ndarray]:
    """Return training rows of the pool, and validation rows of the pool or of the data's own val split."""
    cell, pool, entry = setup.cell, setup.pool, setup.target
    target, share, classes = cell.transfer.target, cell.protocol.validation, len(entry.dataset.classes)
    budget = Budget(BudgetKind.FULL) if setup.needs.upper_bound else cell.budget
    seed = derive(cell.seed, "labels", dataset=entry.fingerprint, target=target, replicate=cell.replicate)
    drawn = labelled_positions(pool.labels, classes, budget, seed)
    if share == 0 or len(drawn) == 0:
        return np.sort(drawn), pool, np.empty(0, dtype=np.int64)
    if "val" not in setup.division.splits(target):
        train, val = carve_validation(drawn, pool.labels, share)
        return np.sort(train), pool, np.sort(val)
    own = setup.portion("val")
    if budget.kind is BudgetKind.FULL:
        return np.sort(drawn), own, np.arange(len(own.labels))
    train, val = carve_validation(drawn, pool.labels, share)
    wanted = Budget(BudgetKind.COUNT, min(len(val), len(own.labels)))
    return np.sort(train), own, np.sort(labelled_positions(own.labels, classes, wanted, seed))


def draw_source(setup: CellSetup, known: KnownInputs) -> Source:
    """Return the labelled examples of the source; with the target's classes, in the target's order of them.

    All of them, unless the cell's selection rule holds some out.
    """
    if not setup.cell.transfer.has_source:
        raise ValueError("this transfer has no source; the plan should have skipped it")
    split = setup.source_portion("train")
    labels, classes = _source_labels(setup, split)
    rows, _ = source_rows(setup, labels)
    return Source(Labelled(known.take(split, rows), torch.from_numpy(labels[rows])), classes)


def source_rows(setup: CellSetup, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which source examples train, and which are held out: none, or a fifth of each class by a seed.

    They are held out under every rule that looks further than the task, so that all of them choose from one and
    the same training.
    """
    cell, transfer = setup.cell, setup.cell.transfer
    everything = np.arange(len(labels))
    if not looks_closer(cell.selection):
        return everything, everything[:0]
    assert transfer.source_dataset is not None
    assert transfer.source is not None
    fingerprint = setup.resources.dataset(transfer.source_dataset).fingerprint
    seed = derive(cell.seed, "held out", dataset=fingerprint, domain=transfer.source, replicate=cell.replicate)
    drawn = np.random.default_rng(seed).permutation(everything)
    train, held_out = carve_validation(drawn, labels, HELD_OUT)
    return np.sort(train), np.sort(held_out)


def draw_further_test(setup: CellSetup) -> tuple[Tensor, dict[str, Column]]:
    """Return the target's test inputs, and its further label columns by name."""
    columns = _further_columns(setup.target.dataset, setup.cell.transfer.target, setup.test)
    return setup.test.inputs, columns


def draw_source_test(setup: CellSetup) -> Labelled:
    """Return the source's test split: inputs, and labels as numpy int64 in the order that `draw_source` gives."""
    split = setup.source_portion("test")
    return Labelled(split.inputs, _source_labels(setup, split)[0])


def _further_columns(dataset: Dataset, domain: str, portion: Portion) -> dict[str, Column]:
    """Return the further label columns of a portion by name, labels as int64 (N,)."""
    first = dataset.columns(domain, portion.parts[0][0].name)

    def labels(name: str) -> np.ndarray:
        return portion.per_row(lambda split: np.asarray(dataset.columns(domain, split)[name].labels, dtype=np.int64))

    return {name: Column(column.classes, labels(name)) for name, column in first.items()}


def _source_labels(setup: CellSetup, split: Portion) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a source split's labels with the classes that they are positions in."""
    transfer, resources = setup.cell.transfer, setup.resources
    assert transfer.source_dataset is not None
    source = tuple(resources.dataset(transfer.source_dataset).dataset.classes)
    target = tuple(resources.dataset(transfer.dataset).dataset.classes)
    if set(source) != set(target):
        return split.labels, source
    return np.array([target.index(name) for name in source])[split.labels], target
