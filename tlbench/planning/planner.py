"""Make a plan of a suite: resolve every name, cross all, and skip with a reason what cannot run."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from tlbench.contract import (
    Block,
    Budget,
    Cell,
    Dataset,
    Plan,
    Skip,
    SplitRule,
    Suite,
    Transfer,
    TuningBudget,
    Unfit,
    canonical,
    check_computed,
)
from tlbench.data import Resources, class_counts
from tlbench.errors import DataError, PlanError
from tlbench.names import near_miss, plural
from tlbench.planning.cell_identity import Combination, identity_of, labels_of, subject_of, target_label
from tlbench.planning.metric_choice import metric_notes
from tlbench.planning.suitability import (
    hazard_notes,
    missing_members,
    silent_member,
    too_large,
    too_many_ways,
    unchoosable,
    unsuitable,
    untunable,
)
from tlbench.planning.transfers import TransferReader
from tlbench.results import distinct_labels, significance_warnings


def make_plan(suite: Suite, resources: Resources) -> Plan:
    """Resolve every name of a suite and cross them; raise a TlbenchError for anything a user can mend."""
    planner = _Planner(suite, resources)
    metric = resources.catalog.metric(suite.metric) if suite.metric else None
    for block in suite.blocks:
        planner.cross(block)
    planner.add_ensembles()
    if not planner.cells:
        reasons = list(dict.fromkeys(skip.reason for skip in planner.skips.values()))
        reasons = reasons or ["No block has two different domains to transfer between."]
        more = f" ({len(reasons) - 1} more reasons: see `tlbench plan`)" if len(reasons) > 1 else ""
        raise PlanError(f"nothing can run: all combinations of suite {suite.name!r} are skipped. {reasons[0]}{more}")
    _check_baseline(suite, planner.cells.values())
    undefined = metric_notes(metric, planner.cells.values(), resources) if metric else []
    return Plan(
        suite,
        tuple(planner.cells.values()),
        tuple(planner.named_skips()),
        (*planner.reader.sentences(SplitRule.parse(suite.protocol.splits).is_given), *planner.notes),
        (*_warnings(suite, planner.cells.values()), *undefined),
        tuple(planner.unfit),
    )


def _check_baseline(suite: Suite, cells: Iterable[Cell]) -> None:
    """Raise PlanError where no row is of the strategy that a suite compares rows with."""
    known = {str(cell.labels["strategy"]) for cell in cells}
    if suite.baseline and suite.baseline not in known:
        raise PlanError(
            f"no row of this run is of the baseline {suite.baseline!r}.{near_miss(suite.baseline, known)} "
            f"There are: {', '.join(sorted(known))}; add another with -s."
        )


def _warnings(suite: Suite, cells: Iterable[Cell]) -> Iterator[str]:
    folds = SplitRule.parse(suite.protocol.splits).folds
    labels = distinct_labels((cell.identity, cell.labels) for cell in cells)
    yield from significance_warnings(labels)
    if folds and suite.replicates % folds:
        yield (
            f"{plural(suite.replicates, 'replicate')} of a {folds}-fold cross-validation do not test every example "
            f"equally often. Use --replicates {folds}, or a multiple of it."
        )


class _Planner:
    """Crosses blocks; equal cells of several blocks count once."""

    def __init__(self, suite: Suite, resources: Resources) -> None:
        self.suite = suite
        self.resources = resources
        self.catalog = resources.catalog
        self.cells: dict[str, Cell] = {}
        self.places: dict[tuple[object, ...], str] = {}  # where a variant's cells are, for ensembles
        self.skips: dict[str, Skip] = {}
        self.skipped: dict[str, dict[str, Any]] = {}  # the identities of the skips, as far as labels tell them
        self.notes: dict[str, None] = {}  # on pairs of a backbone and a dataset
        self.unfit: dict[Unfit, None] = {}
        self.reader = TransferReader(resources)
        self.ensembles: list[Combination] = []
        tunings = (None, TuningBudget.parse(suite.tune)) if suite.tune else (None,)
        self.choices = list(product(suite.rules, tunings))

    def cross(self, block: Block) -> None:
        strategies = [self.catalog.strategy(text)[0] for text in block.strategies]
        backbones = [(text, self.resources.backbone(text)) for text in block.backbones]
        transfers = [transfer for text in block.datasets for transfer in self.reader.read(text)]
        budgets = sorted({Budget.parse(text) for text in block.budgets}, key=Budget.order)
        for _, entry in backbones:
            check_computed(entry.backbone)
            _ = entry.identity  # weights that cannot be read are known before anything runs
        for transfer in transfers:
            for _, entry in backbones:
                dataset = self._dataset(transfer)
                note = entry.backbone.note_on(dataset)
                if note:
                    self.unfit[Unfit(target_label(transfer, dataset), entry.backbone.label, note)] = None
                self.notes |= dict.fromkeys([*([note] if note else []), *hazard_notes(entry.backbone, dataset)])
            for budget in budgets:
                self._refuse_too_large(transfer, budget)
                for text, backbone in backbones:
                    for strategy in strategies:
                        for selection, tuning in self.choices:
                            self._add(Combination(strategy, text, backbone, transfer, budget, selection, tuning))

    def _dataset(self, transfer: Transfer) -> Dataset:
        return self.resources.dataset(transfer.dataset).dataset

    def _refuse_too_large(self, transfer: Transfer, budget: Budget) -> None:
        if self.suite.too_large_budgets_skip:
            return
        reason = self._too_large(transfer, budget)
        if reason:
            raise DataError(reason)

    def _too_large(self, transfer: Transfer, budget: Budget) -> str | None:
        dataset = self._dataset(transfer)
        where = f"the training split of {dataset.label}"
        if len(dataset.domains) > 1:
            where += f" ({transfer.target})"
        train, test = (self._counts(transfer, split) for split in ("train", "test"))
        return too_large(budget, train, dataset.classes, where) or too_many_ways(
            budget, train, test, self.suite.protocol, f"{dataset.label} ({transfer.target})"
        )

    def _counts(self, transfer: Transfer, split: str) -> tuple[int, ...]:
        """Return how many examples each class has in a split; under folds the fewest that it has in any replicate."""
        suite = self.suite
        replicates = 1 if SplitRule.parse(suite.protocol.splits).is_given else suite.replicates
        counts = [
            class_counts(
                self.resources.division(transfer.dataset, suite.protocol, suite.seed, replicate).labels(
                    transfer.target, split
                ),
                len(self._dataset(transfer).classes),
            )
            for replicate in range(replicates)
        ]
        return tuple(min(each) for each in zip(*counts, strict=True))

    def _add(self, case: Combination) -> None:
        if case.transfer.has_source and not self.catalog.needs(case.strategy).source_labels:
            # The source is none of its business.
            case = replace(case, transfer=Transfer(case.transfer.dataset, case.transfer.target))
        reason = self._too_large(case.transfer, case.budget) or self._unsuitable(case) or self._unchoosable(case)
        if reason:
            self._skip(case, reason)
        elif case.strategy.members:
            self.ensembles.append(case)
        else:
            for replicate in range(self.suite.replicates):
                self._add_cell(case, replicate)

    def add_ensembles(self) -> None:
        """Add the cells that combine others, once those are all known; an ensemble may be a member too."""
        waiting, before = self.ensembles, None
        while len(waiting) != before:
            before = len(waiting)
            waiting = [case for case in waiting if not self._add_ensemble(case)]
        for case in waiting:
            self._skip(case, missing_members(case.strategy, self._members(case)[1]))

    def _add_ensemble(self, case: Combination) -> bool:
        """Add an ensemble's cells where all members have theirs; return whether they have."""
        found, missing = self._members(case)
        for replicate, members in enumerate([] if missing else found):
            self._add_cell(case, replicate, members)
        return not missing

    def _members(self, case: Combination) -> tuple[list[tuple[str, ...]], list[str]]:
        """Return the ids of an ensemble's members by replicate, and the variants that are not in the plan."""
        variants = [self.catalog.strategy(text)[0].variant for text in case.strategy.members]
        alone = Transfer(case.transfer.dataset, case.transfer.target)
        found = [
            [
                self.places.get(case.place(variant, replicate, case.transfer))
                or self.places.get(case.place(variant, replicate, alone))
                for variant in variants
            ]
            for replicate in range(self.suite.replicates)
        ]
        missing = [variant for variant, cell in zip(variants, found[0], strict=True) if cell is None]
        return [tuple(cell for cell in cells if cell) for cells in found], missing

    def _skip(self, case: Combination, reason: str) -> None:
        labels = labels_of(case, self.resources)
        columns = ("strategy", "backbone", "dataset", "source", "target", "transfer", "budget")
        shown = {key: str(labels[key]) for key in columns}
        if case.selection != self.suite.protocol.selection:
            shown["selection"] = case.selection
        if case.tuning:
            shown["tuned"] = str(case.tuning)
        identity = subject_of(case, self.suite, self.resources)
        key = canonical([identity, shown])
        self.skipped.setdefault(key, identity)
        self.skips.setdefault(key, Skip(**shown, reason=reason, cells=self.suite.replicates))

    def named_skips(self) -> Iterator[Skip]:
        """Yield the skips under labels that tell them, and all cells, apart."""
        cells = [(cell.identity, cell.labels) for cell in self.cells.values()]
        names = distinct_labels([*cells, *((self.skipped[key], vars(skip)) for key, skip in self.skips.items())])
        for skip, labels in zip(self.skips.values(), names[len(cells) :], strict=True):
            yield replace(skip, **labels)

    def _add_cell(self, case: Combination, replicate: int, members: tuple[str, ...] = ()) -> None:
        identity = identity_of(case, self.suite, self.resources, replicate)
        cell = Cell(
            strategy=case.strategy.variant,
            backbone=case.backbone_text,
            transfer=case.transfer,
            budget=case.budget,
            replicate=replicate,
            seed=self.suite.seed,
            protocol=self.suite.protocol,
            recipe=self.suite.recipe,
            labels={**labels_of(case, self.resources), "replicate": replicate, "seed": self.suite.seed},
            identity={**identity, "members": list(members)} if members else identity,
            members=members,
            selection=case.selection,
            tuning=case.tuning,
        )
        self.cells.setdefault(cell.id, cell)
        self.places.setdefault(case.place(case.strategy.variant, replicate, case.transfer), cell.id)

    def _unsuitable(self, case: Combination) -> str | None:
        transfer, target = case.transfer, self._dataset(case.transfer)
        source = self.resources.dataset(transfer.source_dataset).dataset if transfer.source_dataset else None
        if source is not None and source.modality != target.modality:
            return f"the source {source.label} is {source.modality}, the target {target.modality}."
        needs = self.catalog.needs(case.strategy)
        if needs.validation:
            for text in case.strategy.members:
                member = self.catalog.strategy(text)[0]
                learnt = member.needs().validation and member.members
                if learnt or self.catalog.needs(member).transductive:
                    return silent_member(case.strategy, member)
        return unsuitable(
            case.strategy,
            needs,
            case.backbone.backbone,
            target,
            None if source is None else tuple(source.classes),
            self._counts(transfer, "train"),
            case.budget,
            self.suite.protocol,
        )

    def _unchoosable(self, case: Combination) -> str | None:
        needs, rule = self.catalog.needs(case.strategy), case.selection
        reason = unchoosable(case.strategy, needs, rule, case.budget)
        if reason or case.tuning is None:
            return reason
        validated = self.suite.protocol.validation > 0 and not case.budget.is_zero
        return untunable(case.strategy, rule, validated, case.budget)
