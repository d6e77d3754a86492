"""Check whether a record can be true: its scores against its own predictions, its costs, what it names."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tlbench import TlbenchError, format_spec
from tlbench_leaderboard.entry import Entry
from tlbench_leaderboard.installed import TOLERANCE, Installed, fault_of_score, version_of

RANGES = {  # of scores that need not be installed to be known
    "accuracy": (0, 1), "balanced-accuracy": (0, 1), "worst-class-accuracy": (0, 1), "macro-f1": (0, 1),
    "sensitivity": (0, 1), "specificity": (0, 1), "auroc": (0, 1), "average-precision": (0, 1),
    "ece": (0, 1), "nll": (0, math.inf), "clustering-accuracy": (0, 1), "nmi": (0, 1), "ari": (-1, 1),
}  # fmt: skip


def faults_of_scores(entry: Entry, installed: Installed) -> Iterator[tuple[str, bool]]:
    """Yield sentences on scores, and whether each is a note only."""
    data = entry.data
    for task, scores in {"": data["scores"], **data["tasks"]}.items():
        for name, value in scores.items():
            low, high = RANGES.get(name, (-math.inf, math.inf))
            if value is not None and not low - TOLERANCE <= value <= high + TOLERANCE:
                where = f" on {task}" if task else ""
                yield f"its {name}{where} is {value!r}, and a {name} lies between {low} and {high}", False
    target = data["tasks"].get("target")
    if target is not None and target != data["scores"]:
        yield "its scores on the task 'target' are not its scores", False
    if entry.stored is not None and entry.ok:
        yield from _against_predictions(entry, installed)


def _against_predictions(entry: Entry, installed: Installed) -> Iterator[tuple[str, bool]]:
    assert entry.stored is not None
    for name, value in entry.data["scores"].items():
        metric = installed.metrics.get(name)
        if metric is None:
            yield f"the metric {name!r} is not installed here, so that its value was not computed again", True
            continue
        version = version_of(entry.data, name)
        if version not in (None, metric.version):
            yield (
                f"it was scored by version {version} of the metric {name!r}, and version {metric.version} is installed "
                f"here, so that nobody can tell whether its value is right",
                False,
            )
            continue
        for sentence in fault_of_score(name, value, metric, entry.stored):
            yield sentence, False
        if _direction(entry.data, name) not in (None, metric.higher_is_better):
            better = "higher" if metric.higher_is_better else "lower"
            yield f"its provenance says otherwise of the metric {name!r}, of which {better} is better", False


def _direction(data: Mapping[str, Any], name: str) -> Any:
    facts = data["provenance"].get("metrics")
    found = facts.get(name) if isinstance(facts, Mapping) else None
    return found.get("higher_is_better") if isinstance(found, Mapping) else None


def faults_of_costs(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences on costs that nothing can have."""
    for name, value in data["costs"].items():
        if value is not None and value < 0:
            yield f"its cost {name} is {value!r}, which is below 0"
    if data.get("failure") is None and not data["costs"].get("predict_seconds"):
        yield "its cost predict_seconds is missing or 0: nothing predicts in no time"
    for number, trial in enumerate(data.get("trials", ())):
        accuracy = trial.get("accuracy")
        if isinstance(accuracy, (int, float)) and not 0 <= accuracy <= 1:
            yield f"trial {number + 1} has the accuracy {accuracy!r}, and an accuracy lies between 0 and 1"


def faults_of_names(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences on what tables would show under another name than the identity's."""
    identity, labels = data["identity"], data["labels"]
    for key in ("budget", "target", "replicate", "seed"):
        if labels[key] != identity[key]:
            yield f"its label {key} is {labels[key]!r}, and its identity says {identity[key]!r}"
    strategy = identity["strategy"]
    expected = _variant(strategy["name"], strategy["parameters"])
    if labels["strategy"].partition("(")[0] != strategy["name"] or (expected and labels["strategy"] != expected):
        yield f"its label strategy is {labels['strategy']!r}, and its identity says {expected or strategy['name']!r}"
    if (identity["source"] is None) != (labels["source"] == ""):
        yield f"its label source is {labels['source']!r}, and its identity says {_named(identity['source'])}"
    provenance = data["provenance"]
    for kind, key, own in (
        ("backbone", "weights_sha256", identity["backbone"]["weights"]),
        ("dataset", "fingerprint", identity["dataset"]["fingerprint"]),
    ):
        facts = provenance.get(kind)
        if isinstance(facts, Mapping) and facts.get(key, own) != own:
            yield f"its provenance has another {key} of the {kind} than its identity"


def _variant(name: str, parameters: Mapping[str, Any]) -> str | None:
    """Return the variant as tables show it, where its parameters are plain enough to tell."""
    if not all(isinstance(value, (bool, int, float, str)) for value in parameters.values()):
        return None
    try:
        return format_spec(name, parameters)
    except (TlbenchError, ValueError, RecursionError, MemoryError):
        return None


def _named(source: Any) -> str:
    return "none" if source is None else f"{source['name']!r}"
