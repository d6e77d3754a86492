"""Name a combination: what its replicates share, what identifies each of them as a cell, and its labels in tables."""

from dataclasses import asdict, dataclass
from typing import Any

from tlbench.contract import (
    ORACLE,
    TUNING_VERSION,
    Budget,
    Dataset,
    Strategy,
    Suite,
    Transfer,
    TuningBudget,
    plain_parameters,
)
from tlbench.data import BackboneEntry, Resources
from tlbench.planning.suitability import free_space


@dataclass(frozen=True, eq=False)
class Combination:
    """Describe what replicates share: variant, backbone, transfer, budget, selection rule and tuning budget."""

    strategy: Strategy
    backbone_text: str
    backbone: BackboneEntry
    transfer: Transfer
    budget: Budget
    selection: str
    tuning: TuningBudget | None = None

    def place(self, variant: str, replicate: int, transfer: Transfer) -> tuple[object, ...]:
        """Name where a variant's cell of this backbone and budget is found."""
        return (variant, replicate, self.backbone_text, transfer, self.budget, self.selection, self.tuning)


def target_label(transfer: Transfer, dataset: Dataset) -> str:
    """Return what tables call the target of a transfer: the dataset, with its domain where it has several."""
    return dataset.label if len(dataset.domains) == 1 else f"{dataset.label}/{transfer.target}"


def labels_of(case: Combination, resources: Resources) -> dict[str, object]:
    """Return what tables show of a combination: family, setting, short names."""
    transfer, needs = case.transfer, resources.catalog.needs(case.strategy)
    dataset = resources.dataset(transfer.dataset).dataset
    source = ""
    if transfer.source_dataset is not None:
        other = resources.dataset(transfer.source_dataset).dataset
        same = transfer.source_dataset == transfer.dataset
        alone = len(other.domains) == 1
        source = str(transfer.source) if same else other.label + ("" if alone else f"/{transfer.source}")
    return {
        "strategy": case.strategy.variant,
        "family": str(case.strategy.family),
        "setting": ORACLE if case.selection == ORACLE else needs.setting(case.budget),
        "selection": case.selection,
        "tuned": str(case.tuning or ""),
        "upper_bound": needs.upper_bound,
        "baseline": type(case.strategy).baseline,
        "backbone": case.backbone.backbone.label,
        "dataset": dataset.label,
        "source": source,
        "target": transfer.target,
        "transfer": target_label(transfer, dataset),
        "budget": str(case.budget),
    }


def subject_of(case: Combination, suite: Suite, resources: Resources) -> dict[str, Any]:
    """Return the part of an identity that labels stand for: strategy, backbone, data and tuning."""
    transfer = case.transfer
    source = None
    if transfer.source_dataset is not None:
        source = {**resources.dataset(transfer.source_dataset).identity, "domain": transfer.source}
    return {
        "strategy": {
            "name": case.strategy.name,
            "version": type(case.strategy).version,
            "parameters": plain_parameters(case.strategy),
        },
        "backbone": case.backbone.identity,
        "dataset": resources.dataset(transfer.dataset).identity,
        "target": transfer.target,
        "source": source,
        **_chosen(case, suite),
    }


def identity_of(case: Combination, suite: Suite, resources: Resources, replicate: int) -> dict[str, object]:
    """Return everything that may change the scores of a combination's replicate, as JSON."""
    division = resources.division(case.transfer.dataset, suite.protocol, suite.seed, replicate).identity
    return {
        **subject_of(case, suite, resources),
        "budget": str(case.budget),
        "protocol": suite.protocol.identity(case.budget),
        **({"splits": division} if division else {}),
        "recipe": asdict(suite.recipe),
        "replicate": replicate,
        "seed": suite.seed,
    }


def _chosen(case: Combination, suite: Suite) -> dict[str, object]:
    """Return what of selection and tuning may change scores: nothing where both are as they always were."""
    found: dict[str, object] = {}
    if case.selection != suite.protocol.selection:
        found["selection"] = case.selection
    if case.tuning:
        space = {name: repr(values) for name, values in free_space(case.strategy).items()}
        found["tuning"] = {"budget": str(case.tuning), "space": space, "version": TUNING_VERSION}
    return found
