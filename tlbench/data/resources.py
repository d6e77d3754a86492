"""Load once per process what cells share: datasets with fingerprints, backbones with digests, encoded splits."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import Backbone, Dataset, Protocol, SplitRule, digest
from tlbench.data.cache import Cache
from tlbench.data.encoding import EncodedSplit, Portion, encode_split
from tlbench.data.split_file import SplitTable
from tlbench.data.splits import Division, divide, table_for
from tlbench.data.weights import read_weights
from tlbench.errors import DataError, WeightsError
from tlbench.host import Catalog, Origin

SPLITS_IN_MEMORY = 8  # encoded splits that a process keeps open


@dataclass(frozen=True, eq=False)
class DatasetEntry:
    """Hold a dataset with where it comes from."""

    dataset: Dataset
    origin: Origin
    _labels: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Return the digest of its content."""
        return self.dataset.fingerprint()

    def labels(self, domain: str, split: str) -> np.ndarray:
        """Return the labels of a split, int64 (N,); raise DataError where they do not fit the classes."""
        if (domain, split) not in self._labels:
            self._labels[domain, split] = self._checked_labels(domain, split)
        return self._labels[domain, split]

    def _checked_labels(self, domain: str, split: str) -> np.ndarray:
        labels = np.asarray(self.dataset.load(domain, split).labels)
        where = f"{self.dataset.label}, domain {domain!r}, split {split!r}"
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(f"{where}: labels must be integers of shape (N,), got {labels.dtype} {labels.shape}.")
        if len(labels) == 0:
            raise DataError(f"{where} is empty.")
        if labels.min() < 0 or labels.max() >= len(self.dataset.classes):
            raise DataError(
                f"{where}: labels run from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.dataset.classes)} classes (0 to {len(self.dataset.classes) - 1})."
            )
        return labels.astype(np.int64)

    @property
    def identity(self) -> dict[str, Any]:
        """Return what stands for this dataset in a cell's identity."""
        return {**self.dataset.identity, "fingerprint": self.fingerprint}


@dataclass(frozen=True, eq=False)
class BackboneEntry:
    """Hold a backbone with where it comes from and its weights."""

    backbone: Backbone
    origin: Origin

    @cached_property
    def weights_digest(self) -> str | None:
        """Return the SHA-256 of the weights' file; None for a random start."""
        path = self.backbone.weights
        return None if path is None else _file_digest(Path(path))

    @cached_property
    def weights(self) -> Mapping[str, Tensor] | None:
        """Return the tensors of the weights' file; None for a random start."""
        path = self.backbone.weights
        return None if path is None else read_weights(Path(path))

    @property
    def identity(self) -> dict[str, Any]:
        """Return what stands for this backbone in a cell's identity."""
        backbone = self.backbone
        return {
            "spec": backbone.spec,
            "version": backbone.version,
            "encoding": backbone.encoding,
            "weights": self.weights_digest,
        }


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}: {error.strerror}.") from None


class Resources:
    """Look things up in the catalog once, and keep the last encoded splits open."""

    def __init__(self, catalog: Catalog, cache: Cache) -> None:
        self.catalog = catalog
        self.cache = cache
        self._datasets: dict[str, DatasetEntry] = {}
        self._backbones: dict[str, BackboneEntry] = {}
        self._splits: OrderedDict[tuple[str, ...], EncodedSplit] = OrderedDict()
        self._tables: dict[tuple[str, str, int, int], SplitTable] = {}
        self._divisions: dict[tuple[str, str, int, int], Division] = {}

    def dataset(self, spec: str) -> DatasetEntry:
        """Return the dataset that a spec spells, fetched where it has to be."""
        if spec not in self._datasets:
            dataset, origin = self.catalog.dataset(spec)
            if type(dataset).prepare is not Dataset.prepare:
                folder = self.cache.folder_for("datasets", dict(dataset.identity))
                object.__setattr__(dataset, "folder", folder)
                dataset.prepare(folder)
            self._datasets[spec] = DatasetEntry(dataset, origin)
        return self._datasets[spec]

    def backbone(self, spec: str) -> BackboneEntry:
        """Return the backbone that a spec spells."""
        if spec not in self._backbones:
            self._backbones[spec] = BackboneEntry(*self.catalog.backbone(spec))
        return self._backbones[spec]

    def encoded(self, dataset: str, domain: str, split: str, backbone: str) -> EncodedSplit:
        """Return a split encoded for a backbone."""
        key = (dataset, domain, split, backbone)
        if key not in self._splits:
            entry = self.dataset(dataset)
            self._splits[key] = encode_split(
                entry.dataset, entry.fingerprint, domain, split, self.backbone(backbone).backbone, self.cache
            )
            while len(self._splits) > SPLITS_IN_MEMORY:
                self._splits.popitem(last=False)
        self._splits.move_to_end(key)
        return self._splits[key]

    def division(self, spec: str, protocol: Protocol, seed: int, replicate: int) -> Division:
        """Return how a dataset is divided in a replicate; raise DataError or PlanError where the rule does not fit."""
        rule = SplitRule.parse(protocol.splits)
        key = (spec, protocol.splits, seed, 0 if rule.is_given else replicate)
        if key not in self._divisions:
            entry = self.dataset(spec)

            def table(repetition: int) -> SplitTable:
                drawn = (spec, protocol.splits, seed, repetition)
                if drawn not in self._tables:
                    self._tables[drawn] = table_for(rule, entry.dataset, entry.fingerprint, seed, repetition)
                return self._tables[drawn]

            self._divisions[key] = divide(rule, entry.dataset, entry.labels, table, replicate)
        return self._divisions[key]

    def portion(self, dataset: str, domain: str, split: str, backbone: str, division: Division) -> Portion:
        """Return a split of a division, encoded for a backbone: what is encoded are the dataset's own splits."""
        parts = tuple(
            (self.encoded(dataset, domain, own, backbone), rows) for own, rows in division.parts(domain, split)
        )
        return Portion(parts, division.labels(domain, split))


def examples_digest(inputs: Tensor, labels: Tensor) -> str:
    """Name a set of labelled examples: equal sets in equal order give equal names."""
    return digest(
        [
            hashlib.sha256(inputs.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest() if len(inputs) else "",
            labels.tolist(),
        ]
    )[:16]


def labels_digest(labels: np.ndarray) -> str:
    """Name the labels of test items, (N,): equal labels in equal order give equal names."""
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<i8").tobytes()).hexdigest()[:16]
