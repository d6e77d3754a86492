"""Draws a cell's task and its held-out test split. A strategy gets the first and never the second."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.budget import Budget, BudgetKind
from tlbench.cache import Cache
from tlbench.cell import Cell
from tlbench.determinism import Stopwatch
from tlbench.features import EncodedSplit, extract_split, extraction_seconds
from tlbench.resources import Resources, examples_digest
from tlbench.sampling import carve_validation, labelled_positions
from tlbench.seeds import derive
from tlbench.strategy import Strategy
from tlbench.task import Labelled, Source, Task

KnownFeatures = tuple[Tensor, Callable[[], Tensor]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Everything one cell needs of its data."""

    task: Task
    test: EncodedSplit
    known_features: list[KnownFeatures]  # which tensors' features the cache holds, or will
    test_features: Callable[[], Tensor]
    ledger: dict[str, Any]


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

    def rows(self, split: EncodedSplit, rows: np.ndarray | None = None) -> Tensor:
        """Return features, float32 (N, feature_dim), of some rows or all rows of a split."""
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


def draw(cell: Cell, strategy: Strategy, resources: Resources, features: FeatureSource) -> Drawn:
    """Draw labelled, validation and unlabelled examples for a cell, by seeds that no strategy changes."""
    needs, transfer = strategy.needs(), cell.transfer
    entry = resources.dataset(transfer.dataset)
    pool = resources.encoded(transfer.dataset, transfer.target, "train", cell.backbone)
    test = resources.encoded(transfer.dataset, transfer.target, "test", cell.backbone)
    known: list[KnownFeatures] = []

    def labelled(split: EncodedSplit, rows: np.ndarray) -> Labelled:
        inputs = split.take(rows)
        known.append((inputs, lambda: features.rows(split, rows)))
        return Labelled(inputs, torch.from_numpy(split.labels[rows]))

    train_rows, val_split, val_rows = _target_rows(cell, resources, pool)
    train = labelled(pool, train_rows)
    val = labelled(val_split, val_rows) if len(val_rows) else None
    everything = np.arange(len(pool.labels))
    unlabelled = labelled(pool, everything).inputs if needs.unlabelled_target else None
    source = draw_source(cell, resources, known, features) if needs.source_labels else None
    task = Task(
        classes=tuple(entry.dataset.classes),
        train=train,
        val=val,
        unlabelled=unlabelled,
        source=source.train if source else None,
        source_classes=source.classes if source else None,
    )
    ledger = {
        "train_labels": len(train),
        "val_labels": 0 if val is None else len(val),
        "unlabelled_target": 0 if unlabelled is None else len(unlabelled),
        "source_labels": 0 if source is None else len(source.train),
        "test_items": len(test.labels),
        "transductive": needs.transductive,
        "selection": cell.protocol.selection if val is not None else "last",
        "pretrained_on": resources.backbone(cell.backbone).backbone.pretrained_on or "nothing",
        "labelled_examples": examples_digest(train.inputs, train.labels),
    }
    return Drawn(task, test, known, lambda: features.rows(test), ledger)


def _target_rows(cell: Cell, resources: Resources, pool: EncodedSplit) -> tuple[np.ndarray, EncodedSplit, np.ndarray]:
    """Return training rows of the pool, and validation rows of the pool or of the data's own val split."""
    entry, target, share = resources.dataset(cell.transfer.dataset), cell.transfer.target, cell.protocol.validation
    seed = derive(cell.seed, "labels", dataset=entry.fingerprint, target=target, replicate=cell.replicate)
    drawn = labelled_positions(pool.labels, len(entry.dataset.classes), cell.budget, seed)
    if share == 0 or len(drawn) == 0:
        return np.sort(drawn), pool, np.empty(0, dtype=np.int64)
    if "val" not in entry.dataset.splits(target):
        train, val = carve_validation(drawn, pool.labels, share)
        return np.sort(train), pool, np.sort(val)
    own = resources.encoded(cell.transfer.dataset, target, "val", cell.backbone)
    if cell.budget.kind is BudgetKind.FULL:
        return np.sort(drawn), own, np.arange(len(own.labels))
    train, val = carve_validation(drawn, pool.labels, share)
    wanted = Budget(BudgetKind.COUNT, min(len(val), len(own.labels)))
    return np.sort(train), own, np.sort(labelled_positions(own.labels, len(entry.dataset.classes), wanted, seed))


def draw_source(cell: Cell, resources: Resources, known: list[KnownFeatures], features: FeatureSource) -> Source:
    """Return all labelled examples of the source; with the target's classes, in the target's order of them."""
    transfer = cell.transfer
    if transfer.source_dataset is None or transfer.source is None:
        raise ValueError("this transfer has no source; the plan should have skipped it")
    split = resources.encoded(transfer.source_dataset, transfer.source, "train", cell.backbone)
    source_classes = tuple(resources.dataset(transfer.source_dataset).dataset.classes)
    target_classes = tuple(resources.dataset(transfer.dataset).dataset.classes)
    labels = split.labels
    if set(source_classes) == set(target_classes):
        labels = np.array([target_classes.index(name) for name in source_classes])[labels]
        source_classes = target_classes
    inputs = split.take(np.arange(len(labels)))
    known.append((inputs, lambda: features.rows(split)))
    return Source(Labelled(inputs, torch.from_numpy(labels)), source_classes)
