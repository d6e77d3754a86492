"""A plan is data: all cells with every name resolved, all skips with their reasons. Nothing has run yet."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tlbench.budget import Budget
from tlbench.cell import Cell, Transfer
from tlbench.dataset import Dataset
from tlbench.errors import DataError, ParameterError, PlanError
from tlbench.names import near_miss, plural
from tlbench.parameters import non_default
from tlbench.resources import BackboneEntry, Resources
from tlbench.stats import smallest_p
from tlbench.strategy import Family, Strategy
from tlbench.suitability import too_large, unsuitable
from tlbench.suite import Block, Suite


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
    if not planner.cells:
        reasons = list(dict.fromkeys(skip.reason for skip in planner.skips.values()))
        reasons = reasons or ["No block has two different domains to transfer between."]
        more = f" ({len(reasons) - 1} more reasons: see `tlbench plan`)" if len(reasons) > 1 else ""
        raise PlanError(f"nothing can run: all combinations of suite {suite.name!r} are skipped. {reasons[0]}{more}")
    findings = [f"{spec_label}: {finding}" for spec_label, found in planner.findings.items() for finding in found]
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
        self.skips: dict[tuple[str, ...], Skip] = {}
        self.findings: dict[str, tuple[str, ...]] = {}

    def cross(self, block: Block) -> None:
        strategies = [self.resources.catalog.strategy(text)[0] for text in block.strategies]
        backbones = [(text, self.resources.backbone(text)) for text in block.backbones]
        transfers = [transfer for text in block.datasets for transfer in self.transfers(text)]
        budgets = sorted({Budget.parse(text) for text in block.budgets}, key=Budget.order)
        for _, entry in backbones:
            _ = entry.identity  # weights that cannot be read are known before anything runs
        for transfer in transfers:
            for budget in budgets:
                self._refuse_too_large(transfer, budget)
                for text, backbone in backbones:
                    for strategy in strategies:
                        self._add(strategy, text, backbone, transfer, budget)

    def transfers(self, text: str) -> list[Transfer]:
        """Expand `DATASET` or `DATASET[SOURCE->TARGET]` into transfers."""
        spec, bracket = _split_bracket(text)
        dataset = self.resources.dataset(spec).dataset
        self._look_at(spec)
        if bracket is None:
            targets = [(None, target) for target in dataset.domains]
            pairs = [(source, target) for target in dataset.domains for source in dataset.domains if source != target]
            return [Transfer(spec, target, spec if source else None, source) for source, target in pairs or targets]
        source_text, target_text = bracket
        targets_named = [_domain(dataset, target_text)] if target_text else list(dataset.domains)
        if not source_text:
            return [Transfer(spec, target) for target in targets_named]
        if source_text in dataset.domains:
            return [Transfer(spec, target, spec, source_text) for target in targets_named if target != source_text]
        source_spec, source_domain = self._source(source_text, dataset, spec)
        return [Transfer(spec, target, source_spec, source_domain) for target in targets_named]

    def _source(self, text: str, target_dataset: Dataset, target_spec: str) -> tuple[str, str]:
        """Read `DATASET` or `DATASET#DOMAIN` as the source side."""
        spec, _, domain = text.partition("#")
        known = [*target_dataset.domains, *self.resources.catalog.datasets]
        if ":" not in spec and "(" not in spec and spec not in known:
            raise ParameterError(
                f"{text!r} is neither a domain of {target_spec} ({', '.join(target_dataset.domains)}) nor a dataset."
                f"{near_miss(text, known)}"
            )
        source = self.resources.dataset(spec).dataset
        self._look_at(spec)
        if domain:
            return spec, _domain(source, domain)
        if len(source.domains) > 1:
            raise ParameterError(
                f"source {spec!r} has several domains: write {spec}#DOMAIN, {', '.join(source.domains)}."
            )
        return spec, source.domains[0]

    def _look_at(self, spec: str) -> None:
        """Check a dataset as a whole, once."""
        entry = self.resources.dataset(spec)
        if entry.dataset.label in self.findings:
            return
        classes = tuple(entry.dataset.classes)
        if len(classes) < 2 or len(set(classes)) != len(classes):
            raise DataError(f"{entry.dataset.label} needs two or more distinct classes, it has {list(classes)[:3]}.")
        for domain in entry.dataset.domains:
            for split in ("train", "test"):
                entry.labels(domain, split)
        _ = entry.fingerprint
        self.findings[entry.dataset.label] = tuple(entry.dataset.findings())

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
        return too_large(budget, entry.counts(transfer.target), entry.dataset.classes, where)

    def _add(
        self, strategy: Strategy, backbone_text: str, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> None:
        if not strategy.needs().source_labels and transfer.has_source:
            transfer = Transfer(transfer.dataset, transfer.target)  # the source is none of its business
        labels = self._labels(strategy, backbone, transfer, budget)
        reason = self._too_large(transfer, budget) or self._unsuitable(strategy, backbone, transfer, budget)
        if reason:
            shown = {
                key: str(labels[key])
                for key in ("strategy", "backbone", "dataset", "source", "target", "transfer", "budget")
            }
            skip = Skip(**shown, reason=reason, cells=self.suite.replicates)
            self.skips.setdefault(tuple(shown.values()), skip)
            return
        for replicate in range(self.suite.replicates):
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
                identity=self._identity(strategy, backbone, transfer, budget, replicate),
            )
            self.cells.setdefault(cell.id, cell)

    def _unsuitable(
        self, strategy: Strategy, backbone: BackboneEntry, transfer: Transfer, budget: Budget
    ) -> str | None:
        target = self.resources.dataset(transfer.dataset)
        source = self.resources.dataset(transfer.source_dataset).dataset if transfer.source_dataset else None
        if source is not None and source.modality != target.dataset.modality:
            return f"the source {source.label} is {source.modality}, the target {target.dataset.modality}."
        return unsuitable(
            strategy,
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
            "setting": _setting(strategy),
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
            "protocol": asdict(self.suite.protocol),
            "recipe": asdict(self.suite.recipe),
            "replicate": replicate,
            "seed": self.suite.seed,
        }


def _plain(value: object) -> object:
    return value if isinstance(value, (bool, int, float, str, type(None), list, tuple)) else str(value)


def _setting(strategy: Strategy) -> str:
    if strategy.family is Family.UNSUPERVISED:
        return "unsupervised"
    return "transductive" if strategy.needs().transductive else "inductive"


def _split_bracket(text: str) -> tuple[str, tuple[str, str] | None]:
    """Take `DATASET[SOURCE->TARGET]` apart."""
    text = text.strip()
    if not text.endswith("]") or "[" not in text:
        return text, None
    spec, _, inside = text[:-1].partition("[")
    source, arrow, target = inside.partition("->")
    if not arrow:
        raise ParameterError(f"{text!r}: write DATASET[SOURCE->TARGET]; either side may be empty.")
    return spec.strip(), (source.strip(), target.strip())


def _domain(dataset: Dataset, name: str) -> str:
    if name not in dataset.domains:
        domains: Sequence[str] = dataset.domains
        raise ParameterError(
            f"{dataset.label} has no domain {name!r}.{near_miss(name, domains)} It has: {', '.join(domains)}."
        )
    return name
