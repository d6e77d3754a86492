"""Read records into one tidy frame: labels, scores, ledger, costs and failures in columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import GIVEN, Record

LABELS = (
    "strategy", "family", "setting", "backbone", "dataset", "source", "target", "transfer", "budget", "selection",
    "tuned", "replicate", "seed",
)  # fmt: skip
LEDGER = (
    "train_labels", "val_labels", "unlabelled_target", "source_labels", "further_labels", "episodes", "transductive",
    "transductive_measured", "upper_bound", "selection", "pretrained_on", "splits", "test_in_train", "test_in_source",
    "test_in_upstream",
)  # fmt: skip
COSTS = (
    "fit_seconds", "prepare_seconds", "predict_seconds", "tuning_seconds", "members_seconds",
    "parameters_trained", "parameters_stored",
    "peak_memory_bytes", "flops_per_example",
)  # fmt: skip
SPENT = ("fit_seconds", "prepare_seconds", "tuning_seconds", "members_seconds")  # before there is a classifier
PRIMARY = "accuracy"


def records_frame(records: Sequence[Record], metrics: Sequence[str]) -> pd.DataFrame:
    """Return one row per record, in their order."""
    ledger = [key for key in LEDGER if key not in LABELS]
    columns: dict[str, Any] = {
        "cell": [record.cell for record in records],
        "status": ["ok" if record.ok else "failed" for record in records],
    }
    columns |= _columns([record.labels for record in records], LABELS)
    columns |= {name: _numbers(each) for name, each in _columns([each.scores for each in records], metrics).items()}
    columns |= _columns([record.ledger for record in records], ledger)
    columns["selection"] = [selection(record) for record in records]
    columns["tuned"] = [str(record.labels.get("tuned") or "") for record in records]
    columns["upper_bound"] = [is_upper_bound(record) for record in records]  # of failures too, which have no ledger
    columns["splits"] = [record.ledger.get("splits", GIVEN) for record in records]
    columns["folds"] = [int(record.identity.get("splits", {}).get("folds", 0)) for record in records]  # 0 for none
    columns["source_accuracy"] = _numbers([record.tasks.get("source", {}).get(PRIMARY) for record in records])
    columns |= {key: _numbers(each) for key, each in _columns([each.costs for each in records], COSTS).items()}
    columns["failure"] = [record.failure.kind if record.failure else "" for record in records]
    columns["message"] = [record.failure.message if record.failure else "" for record in records]
    columns["did_not_learn"] = [str(record.ledger.get("did_not_learn") or "") for record in records]
    columns["device"] = [record.environment.get("device", "") for record in records]
    return pd.DataFrame(columns)


def selection(record: Record) -> str:
    """Return the rule by which a training step was chosen; older records tell it by their protocol alone."""
    rule = record.labels.get("selection")
    if rule:
        return str(rule)
    return "validation" if (record.identity.get("protocol") or {}).get("validation") else "last"


def is_upper_bound(record: Record) -> bool:
    """Tell whether a row was given labels that nobody has."""
    return bool(record.labels.get("upper_bound") or record.ledger.get("upper_bound"))


def spent_seconds(costs: Mapping[str, float | None]) -> float:
    """Return the seconds that a classifier took, with all that it rests on; costs that a record lacks are none."""
    return sum(costs.get(name) or 0.0 for name in SPENT)


def result_of(record: Record) -> str:
    """Return what a replicate found: equal texts where nothing was drawn anew, so that one repeats the other."""
    examples = record.ledger.get("labelled_examples")
    return f"{examples} {record.scores}" if record.ok and examples else record.cell


def _columns(parts: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of each key, of one part after the other: each is looked into once, while it is at hand."""
    columns = zip(*[tuple(map(part.get, keys)) for part in parts], strict=True) if parts else ([] for _ in keys)
    return {key: list(column) for key, column in zip(keys, columns, strict=True)}


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
