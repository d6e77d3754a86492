"""Tell where backbones and strategies come from: with weights or from a random start, from tlbench or from others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.contract import ORACLE, Family
from tlbench.results.summary_row import Row
from tlbench.results.weights_gain import networks

_SHIPPED = "tlbench"  # the distribution of methods that everybody has


@dataclass(frozen=True)
class Facts:
    """Hold what records say of backbones and strategies beside their scores."""

    weighted: frozenset[str]  # backbones that have weights, by label
    foreign: frozenset[str]  # strategies that do not come with tlbench
    starts: frozenset[str] = frozenset()  # random starts of networks whose weights were run too, by label
    untrained: frozenset[str] = frozenset()  # backbones that start at random, by label


def facts_of(records: Sequence[Any]) -> Facts:
    """Return what records say: which backbones have weights, and which strategies are not tlbench's own."""
    known = networks(records)
    weighted = {label for label, (_, has_weights) in known.items() if has_weights}
    trained = {known[label][0] for label in weighted}
    starts = {label for label, (network, _) in known.items() if label not in weighted and network in trained}
    foreign = {
        str(record.labels.get("strategy"))
        for record in records
        if record.provenance.get("strategy", {}).get("distribution", _SHIPPED) != _SHIPPED
    }
    return Facts(frozenset(weighted), frozenset(foreign), frozenset(starts), _untrained(records))


def _untrained(records: Sequence[Any]) -> frozenset[str]:
    said = {str(record.labels.get("backbone")): record.identity.get("backbone") for record in records}
    known = {label: told for label, told in said.items() if isinstance(told, dict) and "weights" in told}
    return frozenset(label for label, told in known.items() if told["weights"] is None)


def is_asked(row: Row, facts: Facts) -> bool:
    """Tell whether a row is one of those that an answer is about."""
    return row["setting"] != ORACLE and row["backbone"] not in facts.starts


def uses_weights(row: Row, facts: Facts) -> bool:
    """Tell whether a row rests on pretrained weights."""
    return row["family"] != str(Family.SCRATCH) and row["backbone"] in facts.weighted
