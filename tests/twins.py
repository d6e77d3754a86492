"""Writes results in which two of a kind share every label and differ in what they are: a version, weights, data."""

from dataclasses import replace

import numpy as np

from tlbench import Record
from tlbench.contract import Predictions, digest
from tlbench.results import Store

ITEMS = 40
BASE = {
    "strategy": {"name": "finetune", "version": "1", "parameters": {}},
    "backbone": {"spec": "small-conv", "version": "1", "encoding": "small-conv/1", "weights": "a1" * 32},
    "dataset": {"name": "folder", "version": "1", "fingerprint": "d1" * 32},
    "target": "all",
    "source": {"name": "shots", "version": "1", "fingerprint": "e1" * 32, "domain": "all"},
    "tuning": {"budget": "8 trials", "space": {"lr": "Between(0.1, 1)"}, "version": "1"},
    "splits": {"digest": "b1" * 32},
    "budget": "5-shot",
    "protocol": {"validation": 0.0},
    "recipe": {"lr": 0.001},
    "seed": 0,
}
OTHERS = {  # what the second of two has in the place of the first's
    "strategy version": {"strategy": {"version": "2"}},
    "backbone weights": {"backbone": {"weights": "a2" * 32}},
    "backbone without weights": {"backbone": {"weights": None}},
    "backbone version": {"backbone": {"version": "2"}},
    "backbone parameters": {"backbone": {"spec": "small-conv(width=8)"}},
    "dataset content": {"dataset": {"fingerprint": "d2" * 32}},
    "dataset version": {"dataset": {"version": "2", "fingerprint": "d2" * 32}},
    "split file": {"splits": {"digest": "b2" * 32}},
    "source content": {"source": {"fingerprint": "e2" * 32}},
    "search space": {"tuning": {"space": {"lr": "Between(0.1, 2)"}}},
    "metric version": {},
}
RIGHT = {"first": (30, 31, 33), "second": (20, 21, 23)}  # of the 40 items, by replicate; scratch has 5 fewer
MEANS = {which: sum(right) / 3 / ITEMS for which, right in RIGHT.items()}


def identity(which, axis, strategy="finetune"):
    """Return what the first or the second of two is."""
    changes = OTHERS[axis] if which == "second" else {}
    if strategy == "scratch":
        changes = {key: value for key, value in changes.items() if key not in ("strategy", "tuning", "source")}
    found = {key: {**BASE[key], **changes[key]} if key in changes else BASE[key] for key in BASE}
    return {**found, "strategy": {**found["strategy"], "name": strategy}}


def make_record(which, axis, replicate, strategy="finetune", dataset="photos"):
    """Return a record whose labels do not tell which it is of."""
    own = {**identity(which, axis, strategy), "replicate": replicate}
    own["dataset"] = {**own["dataset"], "name": dataset}
    labels = {
        "strategy": strategy, "family": strategy, "setting": "inductive", "upper_bound": False,
        "baseline": strategy == "scratch", "backbone": "small-conv", "dataset": dataset, "target": "all",
        "transfer": dataset, "source": "shots", "budget": "5-shot", "selection": "last", "tuned": "8 trials",
        "replicate": replicate, "seed": 0,
    }  # fmt: skip
    if strategy == "scratch":
        labels |= {"source": "", "tuned": ""}
        own |= {"source": None, "tuning": None}
    version = "2" if axis == "metric version" and which == "second" else "1"
    if version == "2":  # no part of an identity: other cells, of another root seed
        labels["seed"] = own["seed"] = 1
    right = RIGHT[which][replicate] - 5 * (strategy == "scratch")
    metrics = {name: {"version": version, "higher_is_better": True} for name in ("accuracy", "macro-f1")}
    costs = {"fit_seconds": 1.0 + right, "prepare_seconds": 0.0, "predict_seconds": 0.1, "parameters_trained": 10.0}
    return Record(
        cell=digest(own)[:20],
        identity=own,
        labels=labels,
        scores={"accuracy": right / ITEMS, "macro-f1": right / ITEMS},
        ledger={"train_labels": 50, "selection": "last", "pretrained_on": "letters", "episodes": None},
        costs=costs,
        provenance={"metrics": metrics},
        environment={"device": "cpu"},
    )


def write_twins(folder, axis, datasets=("photos",)):
    """Write three replicates of finetune and of scratch for both of two; return the folder."""
    store = Store(folder, create=True)
    for dataset in datasets:
        for strategy in ("scratch", "finetune"):
            for which in RIGHT:
                for replicate in range(3):
                    record = make_record(which, axis, replicate, strategy, dataset)
                    right = round(record.scores["accuracy"] * ITEMS)
                    logits = np.zeros((ITEMS, 2), dtype=np.float32)
                    logits[right:, 1] = 1
                    store.write(record, Predictions(logits, np.zeros(ITEMS, dtype=np.int64)))
    store.write_plan({"suite": {"name": "twins"}, "skips": [], "findings": [], "warnings": []})
    return folder


def relabelled(record, **labels):
    """Return a record with other labels."""
    return replace(record, labels={**record.labels, **labels})
