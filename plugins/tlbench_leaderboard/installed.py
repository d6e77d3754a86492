"""Look up what is installed here about what a record claims: metrics, and the requirements of strategies."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench import TlbenchError
from tlbench_leaderboard.content import Stored

if TYPE_CHECKING:
    from tlbench import Metric, Requirements
    from tlbench.host import Catalog

LONGEST = 2000  # characters of a strategy's name that are looked at


class Installed:
    """Find the metrics and strategies of the plugins that this user has."""

    def __init__(self, catalog: "Catalog") -> None:
        self.catalog = catalog
        self._needs: dict[tuple[str, str], Requirements | None] = {}

    @cached_property
    def metrics(self) -> "dict[str, Metric]":
        """Return the metrics by name."""
        return {metric.name: metric for metric in self.catalog.metric_list()}

    def needs(self, text: str, version: str) -> "Requirements | None":
        """Return the requirements of a strategy variant; None where that version of it is not installed."""
        key = (text, version)
        if key not in self._needs:
            self._needs[key] = self._find(text, version)
        return self._needs[key]

    def _find(self, text: str, version: str) -> "Requirements | None":
        if len(text) > LONGEST:
            return None
        try:
            strategy, _ = self.catalog.strategy(text)
            return self.catalog.needs(strategy) if type(strategy).version == version else None
        except (TlbenchError, ValueError, TypeError, RecursionError, MemoryError, SyntaxError):
            return None

    def score(self, name: str, stored: Stored) -> float:
        """Return what a metric gives for stored predictions: the mean over episodes; NaN where it gives nothing."""
        metric = self.metrics[name]
        try:
            values = [float(metric.compute(logits, labels)) for logits, labels in stored.parts()]
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            return float("nan")
        return float(np.mean(values))


def version_of(data: dict[str, Any], name: str) -> str | None:
    """Return the version of a metric that a record was scored with, where it says so."""
    facts = data.get("provenance", {}).get("metrics", {})
    found = facts.get(name) if isinstance(facts, dict) else None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None
