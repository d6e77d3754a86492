"""A plan is data: all cells with every name resolved, all skips with their reasons. Nothing has run yet."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tlbench.budget import Budget
from tlbench.cell import Cell, Transfer
from tlbench.errors import DataError, PlanError
from tlbench.names import plural
from tlbench.parameters import non_default
from tlbench.resources import BackboneEntry, Resources
from tlbench.stats import smallest_p
from tlbench.strategy import Strategy
from tlbench.suitability import missing_members, silent_member, too_large, too_many_ways, unsuitable
from tlbench.suite import Block, Suite
from tlbench.transfers import TransferReader


@dataclass(frozen=True)
class Skip:
    """Cells that are not run, with the sentence that says why."""

    strategy: str
    backbone: str
    dataset: str
    source: str
    target: str
    transfer: str
    budget: str
    reason: str
    cells: int


@dataclass(frozen=True)
class Plan:
    """What will be run and what will not."""

    suite: Suite
    cells: tuple[Cell, ...]
    skips: tuple[Skip, ...]
    findings: tuple[str, ...]  # what is unusual in the data
    warnings: tuple[str, ...]  # what the grid cannot show

    def summary(self) -> dict[str, object]:
        """Return the plan as JSON, for the results folder; the cells are there as records."""
        return {
            "suite": asdict(self.suite),
            "cells": [cell.id for cell in self.cells],
            "skips": [asdict(skip) for skip in self.skips],
            "findings": list(self.findings),
            "warnings": list(self.warnings),
        }


def make_plan(suite: Suite, resources: Resources) -> Plan:
    """Resolve every name of a suite and cross them; raise a TlbenchError for anything a user can mend."""
    planner = _Planner(suite, resources)
    for block in suite.blocks:
        planner.cross(block)
    planner.add_ensembles()
    if not planner.cells:
        reasons = list(dict.fromkeys(skip.reason for skip in planner.skips.values()))
        reasons = reasons or ["No block has two different domains to transfer between."]
        more = f" ({len(reasons) - 1} more reasons: see `tlbench plan`)" if len(reasons) > 1 else ""
        raise PlanError(f"nothing can run: all combinations of suite {suite.name!r} are skipped. {reasons[0]}{more}")
    findings = [
        f"{spec_label}: {finding}" for spec_label, found in planner.reader.findings.items() for finding in found
    ]
    return Plan(
        suite,
        tuple(planner.cells.values()),
        tuple(planner.skips.values()),
        tuple(findings),
        tuple(_warnings(suite)),
    )


def _warnings(suite: Suite) -> Iterator[str]:
    smallest = smallest_p(suite.replicates)
    if smallest > 0.05:
        yield (
            f"with {plural(suite.replicates, 'replicate')} no exact paired test (sign-flip, Wilcoxon) can reach "
            f"p < 0.05 on one dataset: the smallest possible p is {smallest:.2g}. Read the intervals, or use "
            f"--replicates 6 or more."
        )


class _Planner:
    """Crosses blocks; equal cells of several blocks count once."""

    def __init__(self, suite: Suite, resources: Resources) -> None:
        self.suite = suite
        self.resources = resources
        self.cells: dict[str, Cell] = {}
        self.places: dict[tuple[object, ...], str] = {}  # where a variant's cells are, for ensembles
        self.skips: dict[tuple[str, ...], Skip] = {}
        self.reader = TransferReader(resources)
        self.ensembles: list[tuple[Strategy, str, BackboneEntry, Transfer, Budget]] = []

    def cross(self, block: Block) -> None:
        strategies = [self.resources.catalog.strategy(text)[0] for text in block.strategies]
        backbones = [(text, self.resources.backbone(text)) for text in block.backbones]
        transfers = [transfer for text in block.datasets for transfer in self.reader.read(text)]
        budgets = sorted({Budget.parse(text) for text in block.budgets}, key=Budget.order)
        for _, entry in backbones:
            _ = entry.identity  # weights that cannot be read are known before anything runs
        for transfer in transfers:
            for budget in budgets:
                self._refuse_too_large(transfer, budget)
                for text, backbone in backbones:
                    for strategy in strategies:
                        self._add(strategy, text, backbone, transfer, budget)

    def _refuse_too_large(self, transfer: Transfer, budget: Budget) -> None:
        if self.suite.too_large_budgets_skip:
            return
        reason = self._too_large(transfer, budget)
        if reason:
            raise DataError(reason)

    def _too_large(self, transfer: Transfer, budget: Budget) -> str | None:
        entry = self.resources.dataset(transfer.dataset)
        where = f"the training split of {entry.dataset.label}"
        if len(entry.dataset.domains) > 1:
            where += f" ({transfer.target})"
        counts, test = (entry.counts(transfer.target, split) for split in ("train", "test"))
        return too_large(budget, counts, entry.dataset.classes, where) or too_many_ways(
            budget, counts, test, self.suite.protocol, f"{entry.dataset.label} ({transfer.target})"
        )

    def _add(
        self, strategy: Strategy, backbone_text: str, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> None:
        if transfer.has_source and not self.resources.catalog.needs(strategy).source_labels:
            transfer = Transfer(transfer.dataset, transfer.target)  # the source is none of its business
        reason = self._too_large(transfer, budget) or self._unsuitable(strategy, backbone, transfer, budget)
        if reason:
            self._skip(strategy, backbone, transfer, budget, reason)
        elif strategy.members:
            self.ensembles.append((strategy, backbone_text, backbone, transfer, budget))
        else:
            for replicate in range(self.suite.replicates):
                self._add_cell(strategy, backbone_text, backbone, transfer, budget, replicate)

    def add_ensembles(self) -> None:
        """Add the cells that combine others, once those are all known; an ensemble may be a member too."""
        waiting, before = self.ensembles, None
        while len(waiting) != before:
            before = len(waiting)
            waiting = [item for item in waiting if not self._add_ensemble(*item)]
        for strategy, text, backbone, transfer, budget in waiting:
            _, missing = self._members(strategy, text, transfer, budget)
            self._skip(strategy, backbone, transfer, budget, missing_members(strategy, missing))

    def _add_ensemble(
        self, strategy: Strategy, backbone_text: str, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> bool:
        """Add an ensemble's cells where all members have theirs; return whether they have."""
        found, missing = self._members(strategy, backbone_text, transfer, budget)
        for replicate, members in enumerate([] if missing else found):
            self._add_cell(strategy, backbone_text, backbone, transfer, budget, replicate, members)
        return not missing

    def _members(
        self, strategy: Strategy, backbone_text: str, transfer: Transfer, budget: Budget
    ) -> tuple[list[tuple[str, ...]], list[str]]:
        """Return the ids of an ensemble's members by replicate, and the variants that are not in the plan."""
        variants = [self.resources.catalog.strategy(text)[0].variant for text in strategy.members]
        alone = Transfer(transfer.dataset, transfer.target)
        found = [
            [
                self.places.get((variant, replicate, backbone_text, transfer, budget))
                or self.places.get((variant, replicate, backbone_text, alone, budget))
                for variant in variants
            ]
            for replicate in range(self.suite.replicates)
        ]
        missing = [variant for variant, cell in zip(variants, found[0], strict=True) if cell is None]
        return [tuple(cell for cell in cells if cell) for cells in found], missing

    def _skip(
        self, strategy: Strategy, backbone: BackboneEntry, transfer: Transfer, budget: Budget, reason: str
    ) -> None:
        labels = self._labels(strategy, backbone, transfer, budget)
        columns = ("strategy", "backbone", "dataset", "source", "target", "transfer", "budget")
        shown = {key: str(labels[key]) for key in columns}
        self.skips.setdefault(tuple(shown.values()), Skip(**shown, reason=reason, cells=self.suite.replicates))

    def _add_cell(
        self,
        strategy: Strategy,
        backbone_text: str,
        backbone: BackboneEntry,
        transfer: Transfer,
        budget: Budget,
        replicate: int,
        members: tuple[str, ...] = (),
    ) -> None:
        labels = self._labels(strategy, backbone, transfer, budget)
        identity = self._identity(strategy, backbone, transfer, budget, replicate)
        cell = Cell(
            strategy=strategy.variant,
            backbone=backbone_text,
            transfer=transfer,
            budget=budget,
            replicate=replicate,
            seed=self.suite.seed,
            protocol=self.suite.protocol,
            recipe=self.suite.recipe,
            labels={**labels, "replicate": replicate, "seed": self.suite.seed},
            identity={**identity, "members": list(members)} if members else identity,
            members=members,
        )
        self.cells.setdefault(cell.id, cell)
        self.places.setdefault((strategy.variant, replicate, backbone_text, transfer, budget), cell.id)

    def _unsuitable(
        self, strategy: Strategy, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> str | None:
        target = self.resources.dataset(transfer.dataset)
        source = self.resources.dataset(transfer.source_dataset).dataset if transfer.source_dataset else None
        if source is not None and source.modality != target.dataset.modality:
            return f"the source {source.label} is {source.modality}, the target {target.dataset.modality}."
        needs = self.resources.catalog.needs(strategy)
        if needs.validation:
            for text in strategy.members:
                member = self.resources.catalog.strategy(text)[0]
                learnt = member.needs().validation and member.members
                if learnt or self.resources.catalog.needs(member).transductive:
                    return silent_member(strategy, member)
        return unsuitable(
            strategy,
            needs,
            backbone.backbone,
            target.dataset,
            None if source is None else tuple(source.classes),
            target.counts(transfer.target),
            budget,
            self.suite.protocol,
        )

    def _labels(
        self, strategy: Strategy, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> dict[str, object]:
        needs = self.resources.catalog.needs(strategy)
        dataset = self.resources.dataset(transfer.dataset).dataset
        target = dataset.label if len(dataset.domains) == 1 else f"{dataset.label}/{transfer.target}"
        source = ""
        if transfer.source_dataset is not None:
            other = self.resources.dataset(transfer.source_dataset).dataset
            same = transfer.source_dataset == transfer.dataset
            alone = len(other.domains) == 1
            source = str(transfer.source) if same else other.label + ("" if alone else f"/{transfer.source}")
        return {
            "strategy": strategy.variant,
            "family": str(strategy.family),
            "setting": needs.setting(budget),
            "upper_bound": needs.upper_bound,
            "baseline": type(strategy).baseline,
            "backbone": backbone.backbone.label,
            "dataset": dataset.label,
            "source": source,
            "target": transfer.target,
            "transfer": target,
            "budget": str(budget),
        }

    def _identity(
        self, strategy: Strategy, backbone: BackboneEntry, transfer: Transfer, budget: Budget, replicate: int
    ) -> dict[str, object]:
        source = None
        if transfer.source_dataset is not None:
            source = {**self.resources.dataset(transfer.source_dataset).identity, "domain": transfer.source}
        return {
            "strategy": {
                "name": strategy.name,
                "version": type(strategy).version,
                "parameters": {key: _plain(value) for key, value in non_default(strategy).items()},
            },
            "backbone": backbone.identity,
            "dataset": self.resources.dataset(transfer.dataset).identity,
            "target": transfer.target,
            "source": source,
            "budget": str(budget),
            "protocol": self.suite.protocol.identity(budget),
            "recipe": asdict(self.suite.recipe),
            "replicate": replicate,
            "seed": self.suite.seed,
        }


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float, str, type(None), list, tuple)) else str(value)
