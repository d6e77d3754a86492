"""Make up results: folders of records with predictions, as runs of several kinds leave them, in milliseconds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tlbench.contract import Failure, Predictions, Record, digest
from tlbench.results import Store

ITEMS = 40  # test examples
SCRIPT = "<script>alert('tlbench')</script>"  # what a name of somebody's making may hold
RIGHT = {  # of the test examples, by replicate
    "scratch": ("scratch", (12, 15, 13)),
    "linear-probe": ("extract", (24, 26, 25)),
    "finetune(lr=0.0001, layers=2)": ("finetune", (28, 31, 27)),
}
KINDS = ("everything", "one replicate", "clusters", "episodes", "failures")
SKIP = {
    "strategy": "dann", "backbone": "toy", "dataset": "shapes", "source": "", "target": "all", "transfer": "shapes",
    "budget": "5-shot", "reason": "dann needs a labelled source & a target.", "cells": 3,
}  # fmt: skip


def write_results(kind: str, folder: Path) -> None:
    """Write a results folder of one of the KINDS; strategies of `everything` are named with a script among them."""
    store = Store(folder, create=True)
    for record in records(kind):
        episodes = record.ledger.get("episodes") or 1
        store.write(record, _predictions(record, episodes) if record.ok else None)
    findings = ["shapes: 3 images are in both splits."] if kind == "everything" else []
    store.write_plan(
        {
            "suite": {"name": "toy"},
            "skips": [SKIP] if kind in ("everything", "failures") else [],
            "findings": findings,
            "warnings": ["with 3 replicates no exact paired test can reach p < 0.05 on one dataset."],
        }
    )


def records(kind: str) -> Iterator[Record]:
    """Yield the records of a kind of results."""
    if kind == "clusters":
        for replicate, right in enumerate((20, 22, 21)):
            yield record("pca-kmeans", "unsupervised", replicate, right, budget="0", setting="unsupervised")
        return
    if kind == "failures":
        for replicate in range(2):
            yield record("finetune", "finetune", replicate, None)
        return
    budgets = ("5-way 1-shot",) if kind == "episodes" else ("1-shot", "5-shot")
    for strategy, (family, rights) in RIGHT.items():
        for position, budget in enumerate(budgets):
            for replicate, right in enumerate(rights[:1] if kind == "one replicate" else rights):
                yield record(strategy, family, replicate, right + 4 * position, budget=budget)
    if kind == "everything":
        yield from _everything_else()


def _everything_else() -> Iterator[Record]:
    """Yield what else one folder may hold: adaptations, a clustering, transductive rows, failures, strange names."""
    for replicate in range(3):
        for strategy, right in (("source-only", 22), ("coral", 25 + replicate)):
            yield record(strategy, "adapt", replicate, right, budget="0", source="drawn", target="photographed")
        yield record("tim", "few-shot", replicate, 29 + replicate, setting="transductive")
        yield record("pca-kmeans", "unsupervised", replicate, 20, budget="0", setting="unsupervised")
        yield record(SCRIPT, "finetune", replicate, 20 + replicate, budget="5-shot")
    yield record("l2-sp", "finetune", 0, None)


def record(
    strategy: str,
    family: str,
    replicate: int,
    right: int | None,
    *,
    budget: str = "5-shot",
    setting: str = "inductive",
    source: str = "",
    target: str = "all",
) -> Record:
    """Return a record of so many right answers; `right` of None makes it a failure."""
    labels = {
        "strategy": strategy, "family": family, "setting": setting, "upper_bound": False,
        "baseline": strategy in ("scratch", "source-only"), "backbone": "toy", "dataset": "shapes", "source": source,
        "target": target, "transfer": "shapes" if target == "all" else f"shapes/{target}", "budget": budget,
        "replicate": replicate, "seed": 0,
    }  # fmt: skip
    identity = {**labels, "protocol": {"validation": 0.0}, "recipe": {"lr": 0.001, "steps": 60}}
    share = (right or 0) / ITEMS
    scores: dict[str, float | None] = {"accuracy": share, "nll": 2 - share}
    if setting == "unsupervised":
        scores = {"clustering-accuracy": share, "nmi": share / 2}
    ledger = {
        "train_labels": 0 if budget == "0" else 10, "val_labels": 0,
        "unlabelled_target": 90 if family in ("adapt", "unsupervised") else 0, "source_labels": 180 if source else 0,
        "test_items": ITEMS, "episodes": 4 if "way" in budget else None, "transductive": setting == "transductive",
        "upper_bound": False, "selection": "last", "pretrained_on": "toy images",
    }  # fmt: skip
    costs: dict[str, float | None] = {
        "fit_seconds": 0.5 + len(family) / 10, "prepare_seconds": 0.0, "predict_seconds": 0.1,
        "parameters_trained": 1000, "parameters_stored": 370_000, "peak_memory_bytes": 200_000_000,
        "flops_per_example": None if strategy == "tim" else 4.2e7,
    }  # fmt: skip
    failure = None if right is not None else Failure("ValueError", f"a made-up failure of {strategy} & <others>")
    own = {"distribution": "tlbench", "version": "0.1.0"}
    return Record(
        cell=digest(identity)[:20],
        identity=identity,
        labels=labels,
        scores={} if failure else scores,
        ledger={} if failure else ledger,
        costs={} if failure else costs,
        provenance={"strategy": own, "metrics": {"nll": {"higher_is_better": False}}},
        environment={"python": "3.12.0", "device": "cpu"},
        failure=failure,
    )


def _predictions(made: Record, episodes: int) -> Predictions:
    """Return predictions with as many right answers as the record's score says."""
    share = next(iter(made.scores.values())) or 0.0
    right = round(share * ITEMS)
    logits = np.zeros((ITEMS, 2), dtype=np.float32)
    logits[np.arange(ITEMS), (np.arange(ITEMS) >= right).astype(int)] = 1
    return Predictions(logits, np.zeros(ITEMS, dtype=np.int64), episodes)
