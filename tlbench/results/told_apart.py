"""Tell records apart by what they are: labels by identity, and scores by the version of their metric."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tlbench.contract import Record
from tlbench.results.labelling import distinct_labels


def told_apart(records: Sequence[Record]) -> tuple[list[Record], dict[str, str]]:
    """Return records of which no two have a label, or the name of a score, for two different things.

    Beside them, the names that scores by older versions of a metric get, each with the metric; those by the newest
    keep its name.
    """
    labels = distinct_labels((record.identity, record.labels) for record in records)
    versions = metric_versions(records)
    older = {
        (metric, version): f"{metric} [version {version}]"
        for metric, every in versions.items()
        for version in every[:-1]
    }
    apart = [
        _with_names(record if own is record.labels else replace(record, labels=dict(own)), older)
        for record, own in zip(records, labels, strict=True)
    ]
    return apart, {name: metric for (metric, _), name in older.items()}


def metric_versions(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Return the versions, the newest last, of each metric that records were scored by several versions of."""
    found: dict[str, set[str]] = {}
    seen: set[tuple[int, ...]] = set()
    for record in records:
        metrics = record.provenance.get("metrics") or {}
        names = tuple(sorted(record.scores))
        key = (id(metrics), hash(names))  # nearly all records share one object
        if key in seen:
            continue
        seen.add(key)
        for name in names:
            version = _version(metrics, name)
            if version is not None:
                found.setdefault(name, set()).add(version)
    return {name: tuple(sorted(each, key=_order)) for name, each in found.items() if len(each) > 1}


def _with_names(record: Record, older: Mapping[tuple[str, str], str]) -> Record:
    if not older:
        return record
    metrics = record.provenance.get("metrics") or {}
    names = {metric: name for (metric, version), name in older.items() if _version(metrics, metric) == version}
    if not names:
        return record

    def named(values: Mapping[str, Any]) -> dict[str, Any]:
        return {names.get(key, key): value for key, value in values.items()}

    tasks = {task: named(scores) for task, scores in record.tasks.items()}
    provenance = {**record.provenance, "metrics": named(metrics)}
    return replace(record, scores=named(record.scores), tasks=tasks, provenance=provenance)


def _version(metrics: Mapping[str, Any], name: str) -> str | None:
    facts = metrics.get(name)
    version = facts.get("version") if isinstance(facts, Mapping) else None
    return None if version is None else str(version)


def _order(version: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort `2` before `10`, and both after words."""
    return tuple((part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in version.split("."))
