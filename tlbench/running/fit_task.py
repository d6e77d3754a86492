"""One fit and its predictions: all there is of a label budget, one of many of an episodic one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Cell, Labelled, Member, Predictions, Strategy
from tlbench.data import BackboneEntry
from tlbench.errors import PluginError
from tlbench.learning import PREDICT_BATCH, Classifier, FeatureSource, Judge, Stopwatch, Workbench, predict
from tlbench.running.draw_task import Drawn
from tlbench.running.source_training import Preparation, setting_of

Members = Sequence[tuple[str, Predictions]]  # of an ensemble: each variant with what it predicted
ALONE = 8  # test inputs that are predicted one by one
ROUNDING = 1e-3  # largest difference of logits, of their largest, that another size of batch may make


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of one fit."""

    drawn: Drawn
    bench: Workbench
    classifier: nn.Module
    predictions: Predictions
    fit_seconds: float
    predict_seconds: float
    inputs: Tensor  # what the classifier was given: encoded test inputs, or the stacked logits of members
    looks: list[dict[str, Any]] = field(default_factory=list)  # at checkpoints, where a selection rule took any
    tried: list[dict[str, Any]] = field(default_factory=list)  # the trials of a tuning
    tuning_seconds: float = 0.0


def fit_and_predict(
    cell: Cell,
    strategy: Strategy,
    backbone: BackboneEntry,
    drawn: Drawn,
    preparation: Preparation,
    members: Members,
    features: FeatureSource,
    device: torch.device,
) -> Trial:
    """Fit a strategy to one task, predict and take the time; `members` are an ensemble's, with their variants."""
    prepared_before = preparation.seconds_here
    judge = None if drawn.evidence is None else Judge(cell.selection, drawn.evidence)
    bench = Workbench(
        setting_of(cell, backbone, len(drawn.task.classes), device),
        known_features=drawn.known_features,
        prepared=preparation.module if strategy.prepares else None,
        validation=drawn.task.val,
        judge=judge,
        members=[Member(variant, _validation(predictions)) for variant, predictions in members],
    )
    strategy.ready()
    with Stopwatch(device) as fitting:
        classifier = strategy.fit(drawn.task, bench)
    fit_seconds = fitting.seconds - (preparation.seconds_here - prepared_before) + features.settle()
    if not isinstance(classifier, nn.Module):
        raise PluginError(f"{strategy.name}: fit must return a torch.nn.Module, got {type(classifier).__name__}.")
    with Stopwatch(device) as predicting:
        inputs = _stacked([each.logits for _, each in members]) if members else drawn.queries
        outputs = predict(classifier, inputs, device) if members else _predict(classifier, drawn, bench, strategy)
    predict_seconds = predicting.seconds + features.settle()
    logits = _checked(outputs, len(drawn.labels), len(drawn.task.classes), strategy)
    known, val_labels = _validation_inputs(strategy, drawn, members)
    if known is None:
        predictions = Predictions(logits, drawn.labels)
    else:
        predictions = Predictions(logits, drawn.labels, 1, predict(classifier, known, device).numpy(), val_labels)
    looks = [] if judge is None else _told(judge, drawn, bench)
    return Trial(drawn, bench, classifier, predictions, fit_seconds, predict_seconds, inputs, looks)


def _told(judge: Judge, drawn: Drawn, bench: Workbench) -> list[dict[str, Any]]:
    """Return the looks of a fit that is over, with their test accuracy."""
    assert drawn.looked_at is not None
    assert drawn.looked_at_features is not None
    bench.know(drawn.looked_at.inputs, drawn.looked_at_features)
    return judge.told(drawn.looked_at)


def _validation_inputs(strategy: Strategy, drawn: Drawn, members: Members) -> tuple[Tensor | None, np.ndarray | None]:
    """Return what to predict validation labels from, and the labels; None where a prediction would tell nothing.

    An ensemble that has learnt from the validation labels tells nothing by them, nor does a transductive method,
    which would need them among its queries.
    """
    val = drawn.task.val
    if val is None or strategy.needs().transductive:
        return None, None
    if not members:
        return val.inputs, val.labels.numpy()
    known = [each.val_logits for _, each in members if each.val_logits is not None]
    if strategy.needs().validation or len(known) < len(members):
        return None, None
    return _stacked(known), members[0][1].val_labels


def mixes_examples(trial: Trial) -> bool | None:
    """Say whether what was predicted of an input depends on its neighbours: a few are predicted again, one by one.

    None where the classifier cannot predict one input alone.
    """
    together = torch.from_numpy(trial.predictions.logits[:ALONE])
    try:
        alone = predict(trial.classifier, trial.inputs[:ALONE], trial.bench.device, batch_size=1)
    except (RuntimeError, ValueError, IndexError):
        return None
    scale = max(1.0, float(together.abs().max()))
    return bool((alone - together).abs().max() > ROUNDING * scale)


def _stacked(logits: Sequence[np.ndarray]) -> Tensor:
    """Return logits of members, (N, C) each, as (N, members, C)."""
    return torch.stack([torch.from_numpy(each) for each in logits], dim=1)


def _validation(member: Predictions) -> Labelled | None:
    if member.val_logits is None or member.val_labels is None:
        return None
    return Labelled(torch.from_numpy(member.val_logits), torch.from_numpy(member.val_labels))


def _predict(classifier: nn.Module, drawn: Drawn, bench: Workbench, strategy: Strategy) -> Tensor:
    """Return the logits of the test inputs; a transductive head sees the features of all at once."""
    batch = len(drawn.labels) if strategy.needs().transductive else PREDICT_BATCH
    if not isinstance(classifier, Classifier):
        return predict(classifier, drawn.queries, bench.device, batch)
    if classifier.backbone is bench.frozen_backbone():
        features = drawn.query_features()
    else:
        features = predict(classifier.backbone, drawn.queries, bench.device)
    return predict(classifier.head, features, bench.device, batch)


def _checked(outputs: Tensor, count: int, classes: int, strategy: Strategy) -> np.ndarray:
    """Return logits, float32 (N, C); raise PluginError where they are not."""
    if tuple(outputs.shape) != (count, classes):
        raise PluginError(
            f"{strategy.name}: the classifier's logits for {count} inputs and {classes} classes have shape "
            f"{tuple(outputs.shape)}; they must be ({count}, {classes})."
        )
    logits: np.ndarray = outputs.numpy()
    if not np.isfinite(logits).all():
        raise PluginError(f"{strategy.name}: the classifier's logits are not all finite.")
    return logits
