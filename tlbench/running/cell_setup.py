"""Open a cell: look up once what all its tasks share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from tlbench.contract import (
    UNSUPERVISED,
    Cell,
    Metric,
    Predictions,
    Protocol,
    Record,
    Requirements,
    Strategy,
)
from tlbench.data import BackboneEntry, DatasetEntry, Division, Portion, Resources
from tlbench.errors import StoreError
from tlbench.learning import FeatureSource, Setting, Workbench, seed_everything
from tlbench.results import Store
from tlbench.seeds import derive


@dataclass(frozen=True)
class EnsembleMember:
    """Hold a member's record, and its predictions for each episode (or for the one task of a label budget)."""

    record: Record
    predictions: list[Predictions]

    @property
    def variant(self) -> str:
        """Return the strategy variant as tables call it."""
        return str(self.record.labels["strategy"])


@dataclass(frozen=True, eq=False)
class CellSetup:
    """Hold what all tasks of a cell share: strategy, backbone, splits, features, device, an ensemble's members."""

    cell: Cell
    resources: Resources
    device: torch.device
    strategy: Strategy
    backbone: BackboneEntry
    members: tuple[EnsembleMember, ...] = ()

    @cached_property
    def needs(self) -> Requirements:
        """Return what the strategy needs; of an ensemble with what its members need."""
        return self.resources.catalog.needs(self.strategy)

    @cached_property
    def metrics(self) -> list[Metric]:
        """Return the metrics that score the cell: without any label those of clusters, whose numbers mean nothing."""
        of = "clusters" if self.cell.labels["setting"] == UNSUPERVISED else "labels"
        return [metric for metric in self.resources.catalog.metric_list() if metric.of == of]

    @cached_property
    def target(self) -> DatasetEntry:
        """Return the target's dataset."""
        return self.resources.dataset(self.cell.transfer.dataset)

    @cached_property
    def division(self) -> Division:
        """Return how the target's dataset is divided in the cell's replicate."""
        return division_of(self.cell, self.resources)

    @cached_property
    def pool(self) -> Portion:
        """Return the target's training split, which labels are drawn from."""
        return self.portion("train")

    @cached_property
    def test(self) -> Portion:
        """Return the target's test split."""
        return self.portion("test")

    def portion(self, split: str) -> Portion:
        """Return a split of the target, encoded for the backbone."""
        cell = self.cell
        return self.resources.portion(cell.transfer.dataset, cell.transfer.target, split, cell.backbone, self.division)

    def source_portion(self, split: str) -> Portion:
        """Return a split of the source: of the target's own dataset as that is divided, else as it comes.

        So no group that is tested in one domain is learnt from in another.
        """
        cell, transfer = self.cell, self.cell.transfer
        assert transfer.source_dataset is not None
        assert transfer.source is not None
        division = self.division
        if transfer.source_dataset != transfer.dataset:
            division = self.resources.division(transfer.source_dataset, Protocol(), cell.seed, cell.replicate)
        return self.resources.portion(transfer.source_dataset, transfer.source, split, cell.backbone, division)

    @cached_property
    def features(self) -> FeatureSource:
        """Return the source of features that the fits of this cell share."""
        return self.new_features()

    def new_features(self) -> FeatureSource:
        """Return a source of features with an account of its own; of a random start they belong to one replicate."""
        cell, backbone = self.cell, self.backbone
        start = (cell.seed, cell.replicate) if backbone.weights_digest is None else None
        bench = Workbench(self.setting(classes=0))
        identity = (backbone.identity, start)
        return FeatureSource(self.resources.cache, self.device, identity, bench.frozen_backbone, start is None)

    def setting(self, classes: int, labels: int = 0) -> Setting:
        """Return what a fit is about, beside its data: so many classes, so many training labels of the target."""
        cell, entry = self.cell, self.backbone
        recipe = cell.recipe.for_labels(labels)
        return Setting(entry.backbone, entry.weights, classes, recipe, self.device, cell.seed, cell.replicate)

    def seed(self) -> None:
        """Seed the global generators, by nothing that depends on the strategy: what ran before is forgotten."""
        cell = self.cell
        seed_everything(derive(cell.seed, "init", backbone=self.backbone.backbone.name, replicate=cell.replicate))


def open_cell(cell: Cell, resources: Resources, device: torch.device, store: Store | None = None) -> CellSetup:
    """Look up what a cell names; raise StoreError where an ensemble's member is missing from `store`, or failed."""
    strategy, _ = resources.catalog.strategy(cell.strategy)
    members = _members(cell.members, store)
    setup = CellSetup(cell, resources, device, strategy, resources.backbone(cell.backbone), members)
    setup.seed()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return setup


def division_of(cell: Cell, resources: Resources) -> Division:
    """Return how the target's dataset is divided in a cell's replicate."""
    return resources.division(cell.transfer.dataset, cell.protocol, cell.seed, cell.replicate)


def _members(cells: Sequence[str], store: Store | None) -> tuple[EnsembleMember, ...]:
    found = []
    for cell in cells:
        if store is None or not store.has(cell):
            raise StoreError(f"the record of the member {cell} is not in the results folder: run it first.")
        record = store.read(cell)
        if not record.ok:
            variant = record.labels["strategy"]
            raise StoreError(f"its member {variant} failed in this cell ({cell}), so there is nothing to combine.")
        found.append(EnsembleMember(record, store.predictions(cell).by_episode()))
    return tuple(found)
