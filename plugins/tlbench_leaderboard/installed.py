"""Look up what is installed here about what a record claims: metrics, strategies, backbones, the data's own labels."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench import Protocol, TlbenchError
from tlbench_leaderboard.content import Stored

if TYPE_CHECKING:
    from tlbench import Metric, Record, Requirements
    from tlbench.data import DatasetEntry, Resources
    from tlbench.host import Catalog

LONGEST = 2000  # characters of a strategy's name that are looked at
TOLERANCE = 1e-6  # of a score that is computed again: sums in another order, not another result
# A plain name of something installed: with a path, an address or arguments a submission would say what is read here.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_Found = Iterator[tuple[str, bool]]


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

    @cached_property
    def _resources(self) -> "Resources":
        from tlbench.data import Cache, Resources

        return Resources(self.catalog, Cache())

    def claims(self, data: Mapping[str, Any], stored: Stored | None) -> _Found:
        """Yield what a record says of backbone and data and those installed do not, and whether it is a note."""
        command = data["provenance"].get("command")
        command = command if isinstance(command, Mapping) else {}
        yield from self._pretraining(str(command.get("backbone", "")), data)
        yield from self._truth(str(command.get("dataset", "")), data, stored)

    def _pretraining(self, spec: str, data: Mapping[str, Any]) -> _Found:
        from tlbench import Backbone

        offer = self.catalog.backbones.get(spec)
        if offer is None or not isinstance(backbone := offer.thing, Backbone):
            return
        identity, said = data["identity"]["backbone"], data["ledger"]["pretrained_on"]
        found = backbone.pretrained_on or "nothing"
        if (identity["spec"], identity["version"]) == (backbone.spec, backbone.version) and said != found:
            yield f"its ledger says that it was pretrained on {said!r}, and {backbone.label} says {found!r}", False

    def _truth(self, spec: str, data: Mapping[str, Any], stored: Stored | None) -> _Found:
        """Compare the labels of test items with the data's own, where they are installed and split as they come."""
        identity, ledger = data["identity"], data["ledger"]
        entry = self._dataset(spec, identity["dataset"])
        if entry is None or stored is None or ledger["episodes"] is not None:
            return
        if entry.fingerprint != identity["dataset"]["fingerprint"]:
            yield (
                f"{spec} holds other data here, so that the labels of its test items were not checked",
                True,
            )
            return
        if identity.get("splits") is not None:
            return
        protocol = Protocol()
        try:
            labels = self._resources.division(spec, protocol, 0, 0).labels(identity["target"], "test")
        except (TlbenchError, KeyError, OSError):
            return
        if data["labels"]["setting"] != "unsupervised" and not np.array_equal(labels, stored.labels):
            yield "the labels of its test items are not those of the data that are installed here", False

    def _dataset(self, spec: str, identity: Mapping[str, Any]) -> "DatasetEntry | None":
        from tlbench import Dataset

        offer = self.catalog.datasets.get(spec) if _NAME.fullmatch(spec) else None
        if offer is None or offer.thing.prepare is not Dataset.prepare:  # nothing is fetched to check a claim
            return None
        try:
            entry = self._resources.dataset(spec)
        except (TlbenchError, ValueError, TypeError, OSError):
            return None
        known = entry.dataset.identity
        return entry if all(identity.get(key) == known.get(key) for key in ("name", "version")) else None


def score(metric: "Metric", stored: Stored) -> float:
    """Return what a metric gives for stored predictions: the mean over episodes; NaN where it gives nothing."""
    try:
        values = [float(metric.compute(logits, labels)) for logits, labels in stored.parts()]
    except (ValueError, IndexError, TypeError, ZeroDivisionError):
        return float("nan")
    return float(np.mean(values))


@cache
def installed_metrics() -> "dict[str, Metric]":
    """Return the metrics of the installed packages by name."""
    from tlbench.host import Catalog, Host

    return {metric.name: metric for metric in Catalog(Host()).metric_list()}


def faults_of_metrics(record: "Record", stored: Stored, metrics: "Mapping[str, Metric]") -> Iterator[str]:
    """Yield the scores of a record that its stored logits do not give, by the metrics of the versions that it names."""
    data = {"provenance": record.provenance}
    for name, value in record.scores.items():
        metric = metrics.get(name)
        if metric is not None and version_of(data, name) in (None, metric.version):
            yield from fault_of_score(name, value, metric, stored)


def fault_of_score(name: str, value: float | None, metric: "Metric", stored: Stored) -> Iterator[str]:
    """Yield a sentence where stored logits give another score than a record says."""
    again = score(metric, stored)
    if (value is None) != (not math.isfinite(again)) or (
        value is not None and abs(value - again) > TOLERANCE * max(1, abs(again))
    ):
        yield f"its {name} is stored as {value!r}, and its stored logits give {again!r}"


def version_of(data: Mapping[str, Any], name: str) -> str | None:
    """Return the version of a metric that a record was scored with, where it says so."""
    facts = data.get("provenance", {}).get("metrics", {})
    found = facts.get(name) if isinstance(facts, dict) else None
    version = found.get("version") if isinstance(found, dict) else None
    return version if isinstance(version, str) else None
