"""Runs one cell: draw, fit, predict, score, record."""

import math
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor, nn

from tlbench.cell import Cell
from tlbench.determinism import Stopwatch, seed_everything
from tlbench.draw import Drawn, FeatureSource, draw
from tlbench.environment import environment, provenance
from tlbench.errors import PluginError, TlbenchError
from tlbench.metric import Metric
from tlbench.preparation import Preparation, setting_of
from tlbench.record import Failure, Record
from tlbench.resources import BackboneEntry, Resources
from tlbench.seeds import derive
from tlbench.strategy import Strategy
from tlbench.training import BATCH, predict
from tlbench.workbench import Classifier, Workbench


@dataclass(frozen=True, eq=False)
class Outcome:
    """A record with what it was scored on: logits, float32 (N, C), and labels, int64 (N,)."""

    record: Record
    logits: np.ndarray | None = None
    labels: np.ndarray | None = None


def run_cell(cell: Cell, resources: Resources, device: torch.device) -> Outcome:
    """Run a cell and return its record; what goes wrong inside becomes a record of the failure."""
    try:
        return _run(cell, resources, device)
    except (Exception, SystemExit) as error:  # whatever a strategy raises is a row of its own; the run goes on
        return Outcome(failed(cell, resources, device, _failure(error)))


def _run(cell: Cell, resources: Resources, device: torch.device) -> Outcome:
    strategy, _ = resources.catalog.strategy(cell.strategy)
    backbone = resources.backbone(cell.backbone)
    start_of_cell(cell, backbone, device)
    features = _feature_source(cell, backbone, resources, device)
    drawn = draw(cell, strategy, resources, features)
    preparation = Preparation(cell, strategy, resources, device, _feature_source(cell, backbone, resources, device))
    bench = Workbench(
        setting_of(cell, backbone, len(drawn.task.classes), device),
        known_features=drawn.known_features,
        prepared=preparation.module if strategy.prepares else None,
        validation=drawn.task.val,
    )
    with Stopwatch(device) as fitting:
        classifier = strategy.fit(drawn.task, bench)
    fit_seconds = fitting.seconds - preparation.seconds_here + features.settle()
    with Stopwatch(device) as predicting:
        logits = _predict(classifier, drawn, bench, strategy)
    scores = score(resources.catalog.metric_list(), logits, drawn.test.labels)
    record = Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=dict(cell.labels),
        scores=_finite_or_none(scores),
        ledger=drawn.ledger,
        costs=_finite_or_none(
            {
                "fit_seconds": fit_seconds,
                "prepare_seconds": preparation.seconds,
                "predict_seconds": predicting.seconds + features.settle(),
                "parameters_trained": bench.journal.trained_parameters,
                "parameters_stored": sum(parameter.numel() for parameter in classifier.parameters()),
                "flops_per_example": _flops(classifier, drawn.test.inputs[:1], device),
                "peak_memory_bytes": _peak_memory(device),
            }
        ),
        notes=bench.journal.notes,
        provenance=provenance(cell, resources),
        environment=environment(device, resources.catalog.host),
    )
    return Outcome(record, logits, drawn.test.labels)


def start_of_cell(cell: Cell, backbone: BackboneEntry, device: torch.device) -> None:
    """Forget what ran before: seed the global generators, by nothing that depends on the strategy."""
    seed_everything(derive(cell.seed, "init", backbone=backbone.backbone.name, replicate=cell.replicate))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _feature_source(cell: Cell, backbone: BackboneEntry, resources: Resources, device: torch.device) -> FeatureSource:
    """Return where this cell finds features; those of a random start belong to one replicate alone."""
    start = (cell.seed, cell.replicate) if backbone.weights_digest is None else None
    bench = Workbench(setting_of(cell, backbone, 0, device))
    return FeatureSource(resources.cache, device, (backbone.identity, start), bench.frozen_backbone)


def _predict(classifier: Any, drawn: Drawn, bench: Workbench, strategy: Strategy) -> np.ndarray:
    """Return the logits of the test split, float32 (N, C); raise PluginError where the shape is wrong."""
    if not isinstance(classifier, nn.Module):
        raise PluginError(f"{strategy.name}: fit must return a torch.nn.Module, got {type(classifier).__name__}.")
    count, classes = len(drawn.test.labels), len(drawn.task.classes)
    if isinstance(classifier, Classifier) and classifier.backbone is bench.frozen_backbone():
        outputs = predict(classifier.head, drawn.test_features(), bench.device)
    else:
        batch = count if strategy.needs().transductive else BATCH
        outputs = predict(classifier, drawn.test.inputs, bench.device, batch)
    if tuple(outputs.shape) != (count, classes):
        raise PluginError(
            f"{strategy.name}: the classifier's logits for {count} inputs and {classes} classes have shape "
            f"{tuple(outputs.shape)}; they must be ({count}, {classes})."
        )
    logits = outputs.numpy()
    if not np.isfinite(logits).all():
        raise PluginError(f"{strategy.name}: the classifier's logits are not all finite.")
    return logits


def score(metrics: list[Metric], logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return every metric's value by name."""
    return {metric.name: float(metric.compute(logits, labels)) for metric in metrics}


def _finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return values with None, which JSON knows, for what is no number."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def failed(cell: Cell, resources: Resources, device: torch.device, failure: Failure) -> Record:
    """Return the record of a cell that has no scores."""
    return Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=dict(cell.labels),
        scores={},
        ledger={},
        costs={},
        provenance=provenance(cell, resources),
        environment=environment(device, resources.catalog.host),
        failure=failure,
    )


def _failure(error: BaseException) -> Failure:
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    kind = "OutOfMemory" if out_of_memory else type(error).__name__
    text = " ".join(str(error).split()) or kind
    trace = "" if isinstance(error, TlbenchError) else traceback.format_exc()
    return Failure(kind, text, trace)


def _flops(classifier: nn.Module, example: Tensor, device: torch.device) -> float:
    """Count the floating point operations of predicting one example; NaN where an operation cannot be counted."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            classifier(example.to(device))
        return float(counter.get_total_flops())
    except Exception:  # a count that fails must not cost a result
        return float("nan")


def _peak_memory(device: torch.device) -> int:
    """Return peak bytes: of this cell's tensors on a GPU, of the whole process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
