"""What tests of the reports share: results folders of real records, written from a few numbers."""

from dataclasses import replace

import numpy as np

from tlbench import Record, Results
from tlbench.contract import Failure, Predictions
from tlbench.results import Store

ITEMS = 40
LEVELS = {  # family, and how many of the 40 test items each replicate gets right at 1 and at 5 labels per class
    "scratch": ("scratch", (12, 13, 14), (18, 20, 19)),
    "linear-probe": ("extract", (20, 22, 22), (30, 31, 33)),
    "finetune(lr=0.0001,layers=2)": ("finetune", (6, 7, 8), (25, 20, 22)),
    "prototypes": ("few-shot", (24, 25, 26), (32, 33, 33)),
}
ADAPTATION = {"source-only": (24, 25, 26), "dann": (20, 20, 21), "coral": (25, 25, 28)}


_NAMING = ("strategy", "transfer", "source", "budget", "selection", "tuned", "replicate")


def make_record(strategy, replicate, right, **changes):
    """Return a record with this many right answers; `right` of None makes it a failure."""
    labels = {
        "strategy": strategy, "family": "extract", "setting": "inductive", "upper_bound": False,
        "baseline": strategy in ("scratch", "source-only"), "backbone": "tiny.letters",
        "dataset": "digits", "source": "", "target": "handwritten",
        "transfer": "digits/handwritten", "budget": "5-shot", "replicate": replicate, "seed": 0,
        "selection": "last", "tuned": "",
    }  # fmt: skip
    labels |= {key: value for key, value in changes.items() if key in labels}
    adapts = bool(labels["source"])
    ledger = {
        "train_labels": {"0": 0, "1-shot": 10, "5-shot": 50, "5-way 1-shot": 5}.get(labels["budget"]), "val_labels": 0,
        "unlabelled_target": 90 if adapts and strategy != "source-only" else 0, "source_labels": 180 if adapts else 0,
        "transductive": labels["setting"] == "transductive", "upper_bound": labels["upper_bound"],
        "episodes": changes.get("episodes"), "selection": labels["selection"], "pretrained_on": "letters",
        **changes.get("ledger", {}),
    }  # fmt: skip
    costs = {
        "fit_seconds": 0.5 + len(strategy), "prepare_seconds": 0.0, "predict_seconds": 0.1, "parameters_trained": 1_000,
        "parameters_stored": 370_000, "peak_memory_bytes": 200_000_000, "flops_per_example": 4.2e7,
        **changes.get("costs", {}),
    }  # fmt: skip
    message = changes.get("message", "CUDA out of memory in /home/someone/lib/layer.py")
    failure = Failure("OutOfMemory", message) if right is None else None
    scores = {}
    if not failure:
        share = right / ITEMS
        scores = {"accuracy": share, "nll": 2 - share}
        if labels["setting"] == "unsupervised":
            scores = {"clustering-accuracy": share, "nmi": share / 2, "ari": share / 4}
    return Record(
        cell="-".join(str(labels[key]) for key in _NAMING).replace("/", "_"),
        identity={
            "protocol": {"validation": 0.0},
            "recipe": {"lr": 0.001, "steps": 60},
            "replicate": replicate,
            "seed": 0,
        },
        labels=labels,
        scores=scores,
        ledger={} if failure else ledger,
        costs={} if failure else costs,
        tasks=changes.get("tasks", {}),
        looks=changes.get("looks", []),
        provenance={"strategy": {"distribution": changes.get("distribution", "tlbench"), "version": "0.1.0"}},
        environment={"python": "3.12.0", "device": "cpu"},
        failure=failure,
    )


def make_results(folder, records, **plan):
    """Write records with matching predictions into a results folder and load it."""
    store = Store(folder, create=True)
    for record in records:
        right = round(record.scores.get("accuracy", 0) * ITEMS)
        logits = np.zeros((ITEMS, 2), dtype=np.float32)
        logits[np.arange(ITEMS), (np.arange(ITEMS) >= right).astype(int)] = 1
        episodes = record.ledger.get("episodes") or 1
        store.write(record, Predictions(logits, np.zeros(ITEMS, dtype=np.int64), episodes))
    store.write_plan({"suite": {"name": "quick"}, **plan})
    return Results(folder)


HOSTILE = "</script><script>alert(1)</script><!--\u2028|x_y$z&%#{}\"'\\"
RULES = ("last", "entropy", "oracle")


def rich_records():
    """Return records of three datasets, a tuned strategy, selection rules with the oracle among them, and a failure."""
    records = []
    for number, transfer in enumerate(("glyphs", "digits", "signs")):
        place = {"transfer": transfer, "dataset": transfer, "budget": "5-shot"}
        for replicate in range(6):
            wobble = (replicate * 7 + number) % 3
            rights = {"scratch": 18, "linear-probe": 26, "finetune(lr=0.001,layers=2)": 27, "prototypes": 12}
            for strategy, right in rights.items():
                family = {"scratch": "scratch", "prototypes": "few-shot", "linear-probe": "extract"}.get(strategy)
                family = family or "finetune"
                records.append(make_record(strategy, replicate, right + wobble + number, family=family, **place))
            tuned = {"tuned": "10 trials", "costs": {"tuning_seconds": 42.5}, "family": "extract"}
            records.append(make_record("linear-probe", replicate, 30 + wobble, **tuned, **place))
        if transfer == "glyphs":
            found = {"ledger": {"test_in_train": 3, "test_in_source": 0, "transductive_measured": False}}
            records += [make_record(HOSTILE, replicate, 20, family="extract", **found, **place) for replicate in (0, 1)]
            records.append(make_record("lora", 0, None, family="finetune", **place))
    for replicate in range(4):
        for place, rule in enumerate(RULES):
            looks = [
                {"step": step, "scores": {"entropy": -1 / step}, "accuracy": 0.5 + 0.01 * (step + replicate % 2)}
                for step in (10, 20, 30, 40)
            ]
            setting = {"setting": "oracle"} if rule == "oracle" else {}
            own = {
                "selection": rule,
                "budget": "0",
                "source": "typed",
                "family": "adapt",
                "transfer": "digits",
                **setting,
            }
            records.append(make_record("dann", replicate, 24 + place + replicate % 2, looks=looks, **own))
        own = {"budget": "0", "source": "typed", "family": "adapt", "transfer": "digits"}
        records.append(make_record("source-only", replicate, 22 + replicate % 3, **own))
    return renamed(records)


def renamed(records):
    """Give records plain ids, which a store needs as file names."""
    return [replace(record, cell=f"cell{i:04}") for i, record in enumerate(records)]


SUITE = {
    "name": "quick", "description": "", "replicates": 6, "seed": 0, "selection": [], "tune": "",
    "blocks": [
        {"strategies": ["scratch", "finetune(lr=0.001,layers=2)"], "backbones": ["tiny.letters"],
         "datasets": ['folder:my "own" pictures'], "budgets": ["5-shot"]},
        {"strategies": ["dann"], "backbones": ["tiny.letters"], "datasets": ["digits[typed->handwritten]"],
         "budgets": ["0"]},
    ],
    "protocol": {"episodes": 600, "queries": 15, "unbalanced": 0.0, "validation": 0.2, "version": "1"},
    "recipe": {"lr": 0.001, "steps": 60, "optimizer": "adamw"},
    "too_large_budgets_skip": False,
}  # fmt: skip


def rich_results(folder):
    """Return results with something in every section of the page."""
    skip = {"strategy": "dann", "backbone": "tiny.letters", "transfer": "glyphs", "budget": "5-shot",
            "reason": "needs a source with the same classes.", "cells": 6}  # fmt: skip
    store = {"suite": SUITE, "skips": [skip], "warnings": ["this is only a rehearsal."], "findings": [HOSTILE]}
    return make_results(folder, rich_records(), **store)


def many_results(folder, strategies=204):
    """Return results with more rows than a page shows at once."""
    records = [make_record("scratch", 0, 10, family="scratch")]
    records += [make_record(f"probe-{i}", 0, 12 + i % 25) for i in range(strategies)]
    return make_results(folder, renamed(records))
