"""Make the record of a cell: scores, ledger, costs, provenance, and a few features for a picture."""

import math
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor, nn

from tlbench.contract import (
    GIVEN,
    INDUCTIVE,
    LAST,
    TRANSDUCTIVE,
    UNSUPERVISED,
    VALIDATION,
    Cell,
    Failure,
    Metric,
    Predictions,
    Record,
    digest,
)
from tlbench.data import Division, Resources, examples_digest, find_contamination, labels_digest
from tlbench.errors import TlbenchError
from tlbench.learning import Classifier, predict
from tlbench.results import spent_seconds
from tlbench.running.cell_setup import CellSetup
from tlbench.running.draw_task import draw_further_test, draw_source_test
from tlbench.running.environment import environment, provenance
from tlbench.running.fit_task import Trial, mixes_examples
from tlbench.running.learning_check import did_not_learn
from tlbench.running.source_training import SourceTraining
from tlbench.seeds import derive

Values = dict[str, float | None]  # what JSON has no number for is None

SHOWN = 200  # test items, at most, whose features are kept for a picture before and after training
DIRECTIONS = 16  # principal directions of them that are kept, at most


@dataclass(frozen=True, eq=False)
class Outcome:
    """Hold a record with the predictions that it was scored on."""

    record: Record
    predictions: Predictions | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """Hold a trial on one task with its scores by metric."""

    trial: Trial
    scores: dict[str, float]


def score(metrics: Sequence[Metric], logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return every metric's value by name."""
    return {metric.name: float(metric.compute(logits, labels)) for metric in metrics}


def record_cell(setup: CellSetup, done: Sequence[Scored], source: SourceTraining) -> Outcome:
    """Return the record of a cell whose tasks are all done: means over its episodes, the rest of the last of them."""
    cell, last = setup.cell, done[-1].trial
    parts = [each.trial.predictions for each in done]
    predictions = parts[0] if len(parts) == 1 else Predictions.joined(parts)
    ledger = _ledger(setup, [each.trial for each in done], predictions)
    means = {metric.name: float(np.mean([each.scores[metric.name] for each in done])) for metric in setup.metrics}
    record = Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=_labels(cell, ledger),
        scores=_finite_or_none(means),
        ledger=ledger,
        costs={**_costs(setup, done), **_finite_or_none({"prepare_seconds": source.seconds})},
        tasks=_task_scores(setup, last, means),
        notes=last.fit.bench.journal.notes,
        provenance=provenance(cell, setup.resources),
        environment=environment(setup.device, setup.resources.catalog.host),
        trials=last.tried,
        looks=last.looks,
    )
    if cell.replicate == 0 and not cell.budget.is_episodic:
        predictions = replace(predictions, **shown_features(last, cell.seed))
    return Outcome(record, predictions)


def record_failure(cell: Cell, resources: Resources, device: torch.device, error: BaseException | Failure) -> Outcome:
    """Return the record of a cell that has no scores."""
    record = Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=dict(cell.labels),
        scores={},
        ledger={},
        costs={},
        provenance=provenance(cell, resources),
        environment=environment(device, resources.catalog.host),
        failure=error if isinstance(error, Failure) else _failure(error),
    )
    return Outcome(record)


def _failure(error: BaseException) -> Failure:
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    kind = "OutOfMemory" if out_of_memory else type(error).__name__
    text = " ".join(str(error).split()) or kind
    trace = "" if isinstance(error, TlbenchError) else traceback.format_exc()
    return Failure(kind, text, trace)


def _labels(cell: Cell, ledger: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cell's labels, in the setting that was measured: the plan knows what a strategy declares alone."""
    return {**cell.labels, "setting": TRANSDUCTIVE} if ledger["setting_measured"] else dict(cell.labels)


def _setting_measured(setup: CellSetup, mixes: bool | None) -> str:
    """Say why an inductive cell is found to be transductive; empty where it is not."""
    if setup.cell.labels["setting"] != INDUCTIVE:
        return ""
    if mixes:
        return "its predictions of an input depend on the other test inputs"
    found = [each.variant for each in setup.members if each.record.labels["setting"] == TRANSDUCTIVE]
    return f"the predictions of its member {found[0]} depend on the other test inputs" if found else ""


def _ledger(setup: CellSetup, trials: Sequence[Trial], predictions: Predictions) -> dict[str, Any]:
    """Return what data the cell was given, by what its classifier was chosen, and whether it learnt from the data.

    What a selection rule looks at counts as given: held-out source labels, and target inputs.
    """
    cell, resources, needs, drawn = setup.cell, setup.resources, setup.needs, trials[-1].fit.drawn
    task, evidence = drawn.task, drawn.evidence
    held_out = 0 if evidence is None or evidence.held_out is None else len(evidence.held_out)
    unlabelled = 0 if task.unlabelled is None else len(task.unlabelled)
    trains = [each.fit.drawn.task.train for each in trials]
    examples = [examples_digest(train.inputs, train.labels) for train in trains]
    mixes = mixes_examples(trials[-1])
    return {
        "train_labels": len(task.train),
        "val_labels": 0 if task.val is None else len(task.val),
        "unlabelled_target": max(unlabelled, 0 if evidence is None else len(evidence.target)),
        "source_labels": 0 if task.source is None else len(task.source) + held_out,
        "source_val_labels": held_out,
        "further_labels": sum(len(each.labels) for each in task.further or ()),
        "test_items": len(drawn.labels),
        "test_labels": labels_digest(predictions.labels),
        "episodes": len(trials) if cell.budget.is_episodic else None,
        "transductive": needs.transductive,
        "upper_bound": needs.upper_bound,
        "pretrained_on": setup.backbone.backbone.pretrained_on or "nothing",
        "splits": _splits(setup.division),
        **find_contamination(resources, cell.transfer, cell.backbone, setup.division).ledger,
        "labelled_examples": examples[0] if len(examples) == 1 else digest(examples)[:16],
        "selection": _chosen_by(setup, trials),
        "transductive_measured": mixes,
        "setting_measured": _setting_measured(setup, mixes),
        "did_not_learn": "" if setup.cell.labels["setting"] == UNSUPERVISED else did_not_learn(trials),
    }


def _splits(division: Division) -> str:
    """Say how the target's data are divided: `given`, or what the split table's digest begins with, and the fold."""
    if division.table is None:
        return GIVEN
    fold = f"fold {division.fold + 1} of {division.table.folds}, " if division.table.folds else ""
    return f"{fold}table {division.table.digest[:12]}"


def _chosen_by(setup: CellSetup, trials: Sequence[Trial]) -> str:
    """Return the rule that chose anything: for an ensemble, for one of its members, or in the cell's own fits."""
    rules = [VALIDATION] if setup.strategy.needs().validation else []
    rules += [str(member.record.ledger["selection"]) for member in setup.members]
    rules += [each.fit.bench.journal.chosen_by for each in trials]
    return next((rule for rule in rules if rule != LAST), LAST)


def _costs(setup: CellSetup, done: Sequence[Scored]) -> Values:
    """Return what a cell cost: seconds to fit and to predict as means over its episodes, the rest of the last."""
    last, needs = done[-1].trial, setup.strategy.needs()
    fit_seconds, predict_seconds = np.mean([(each.trial.fit.seconds, each.trial.seconds) for each in done], axis=0)
    classifier, example = last.fit.classifier, last.fit.drawn.queries[:1]
    counted = not (needs.transductive or setup.strategy.members)
    return _finite_or_none(
        {
            "fit_seconds": fit_seconds,
            "predict_seconds": predict_seconds,
            "tuning_seconds": last.tuning_seconds,
            "members_seconds": sum(spent_seconds(member.record.costs) for member in setup.members),
            "parameters_trained": last.fit.bench.journal.trained_parameters,
            "parameters_stored": sum(parameter.numel() for parameter in classifier.parameters()),
            "flops_per_example": flops_per_example(classifier, example, setup.device) if counted else math.nan,
            "peak_memory_bytes": peak_memory_bytes(setup.device),
        }
    )


def flops_per_example(classifier: nn.Module, example: Tensor, device: torch.device) -> float:
    """Count the floating point operations of predicting one example; NaN where an operation cannot be counted."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            classifier(example.to(device))
        return float(counter.get_total_flops())
    except Exception:  # a count that fails must not cost a result
        return float("nan")


def peak_memory_bytes(device: torch.device) -> int:
    """Return peak bytes: of this cell's tensors on a GPU, of the whole process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _task_scores(setup: CellSetup, trial: Trial, own: Mapping[str, float]) -> dict[str, Values]:
    """Return scores by task where the classifier serves the source, or further label columns, too."""
    strategy, needs, classifier = setup.strategy, setup.strategy.needs(), trial.fit.classifier
    found = {}
    other = strategy.source_classifier(classifier) if needs.source_labels else None
    if other is not None:
        test = draw_source_test(setup)
        found["source"] = score(setup.metrics, predict(other, test.inputs, setup.device).numpy(), test.labels)
    further = strategy.further_classifiers(classifier) if needs.further_labels else {}
    if further:
        inputs, columns = draw_further_test(setup)
        for name, head in further.items():
            logits = predict(head, inputs, setup.device).numpy()
            found[f"column {name}"] = score(setup.metrics, logits, columns[name].labels)
    scores = {"target": own, **found} if found else {}
    return {task: _finite_or_none(values) for task, values in scores.items()}


def _finite_or_none(values: Mapping[str, float]) -> Values:
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


def shown_features(trial: Trial, seed: int) -> dict[str, Any]:
    """Return `shown_rows`, `shown_before` and `shown_after` of `Predictions`, as far as there are such features.

    Before: of the frozen backbone, where the classifier stands on it. After: of the backbone that was trained.
    """
    classifier, bench, drawn = trial.fit.classifier, trial.fit.bench, trial.fit.drawn
    if not isinstance(classifier, Classifier):
        return {}
    inputs = drawn.queries
    rows = np.sort(np.random.default_rng(derive(seed, "shown")).permutation(len(inputs))[:SHOWN])
    if classifier.backbone is bench.frozen_backbone():
        return {"shown_rows": rows, "shown_before": projected(drawn.query_features()[rows])}
    features = predict(classifier.backbone, inputs[torch.from_numpy(rows)], bench.device)
    return {"shown_rows": rows, "shown_after": projected(features)}


def projected(features: Tensor) -> np.ndarray:
    """Return features (M, d) on their principal directions, float16 (M, at most 16), scaled to a largest value of 1."""
    centred = features.double().numpy()
    centred = centred - centred.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    found = centred @ directions[:DIRECTIONS].T
    scaled: np.ndarray = (found / max(float(np.abs(found).max()), 1e-12)).astype(np.float16)
    return scaled
