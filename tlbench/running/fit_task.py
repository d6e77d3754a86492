"""Fit a strategy to one task and predict its test inputs: all of a label budget, one of many episodes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Labelled, Member, Predictions, Strategy
from tlbench.errors import PluginError
from tlbench.learning import PREDICT_BATCH, Classifier, Judge, Stopwatch, Workbench, predict
from tlbench.running.cell_setup import CellSetup
from tlbench.running.draw_task import DrawnTask
from tlbench.running.source_training import SourceTraining

ALONE = 8  # test inputs that are predicted one by one
ROUNDING = 1e-3  # largest difference of logits, of their largest, that another size of batch may make


@dataclass(frozen=True, eq=False)
class Fit:
    """Hold a fitted classifier with the bench that it was made on."""

    drawn: DrawnTask
    strategy: Strategy
    bench: Workbench
    classifier: nn.Module
    seconds: float
    members: tuple[Predictions, ...] = ()  # of an ensemble: what each predicts of this task
    judge: Judge | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """Hold a fit with what it predicts."""

    fit: Fit
    predictions: Predictions
    seconds: float  # to predict
    inputs: Tensor  # what the classifier was given: encoded test inputs, or the stacked logits of members
    looks: list[dict[str, Any]] = field(default_factory=list)  # at checkpoints, where a selection rule took any
    tried: list[dict[str, Any]] = field(default_factory=list)  # the trials of a tuning
    tuning_seconds: float = 0.0


def fit_task(setup: CellSetup, drawn: DrawnTask, source: SourceTraining) -> Fit:
    """Fit the strategy of a cell, or the variant that `source` was made of, to a task; take the time."""
    setup.seed()
    strategy, before = source.setup.strategy, source.seconds_here
    members = tuple(member.predictions[drawn.episode] for member in setup.members)
    judge = None if drawn.evidence is None else Judge(setup.cell.selection, drawn.evidence)
    bench = Workbench(
        setup.setting(len(drawn.task.classes), len(drawn.task.train)),
        known_features=drawn.known.found,
        prepared=source.module if strategy.prepares else None,
        validation=drawn.task.val,
        judge=judge,
        members=[Member(member.variant, _validation(own)) for member, own in zip(setup.members, members, strict=True)],
    )
    strategy.ready()
    with Stopwatch(setup.device) as fitting:
        classifier = strategy.fit(drawn.task, bench)
    seconds = fitting.seconds - (source.seconds_here - before) + setup.features.settle()
    if not isinstance(classifier, nn.Module):
        raise PluginError(f"{strategy.name}: fit must return a torch.nn.Module, got {type(classifier).__name__}.")
    return Fit(drawn, strategy, bench, classifier, seconds, members, judge)


def predict_task(setup: CellSetup, fit: Fit) -> Trial:
    """Predict the test inputs of a task, and its validation labels where that tells anything; take the time."""
    drawn, classifier = fit.drawn, fit.classifier
    with Stopwatch(setup.device) as predicting:
        if fit.members:
            inputs = _stacked([each.logits for each in fit.members])
            outputs = predict(classifier, inputs, setup.device)
        else:
            inputs = drawn.queries
            outputs = _predict(fit)
    seconds = predicting.seconds + setup.features.settle()
    logits = _checked(outputs, len(drawn.labels), len(drawn.task.classes), fit.strategy)
    known, val_labels = _validation_inputs(fit)
    if known is None:
        predictions = Predictions(logits, drawn.labels)
    else:
        predictions = Predictions(logits, drawn.labels, 1, predict(classifier, known, setup.device).numpy(), val_labels)
    return Trial(fit, predictions, seconds, inputs, [] if fit.judge is None else _told(fit.judge, fit))


def _told(judge: Judge, fit: Fit) -> list[dict[str, Any]]:
    """Return the looks of a fit that is over, with their test accuracy."""
    drawn = fit.drawn
    assert drawn.looked_at is not None
    assert drawn.looked_at_features is not None
    fit.bench.know(drawn.looked_at.inputs, drawn.looked_at_features)
    return judge.told(drawn.looked_at)


def _validation_inputs(fit: Fit) -> tuple[Tensor | None, np.ndarray | None]:
    """Return what to predict validation labels from, and the labels; None where a prediction would tell nothing.

    An ensemble that has learnt from the validation labels tells nothing by them, nor does a transductive method,
    which would need them among its queries.
    """
    val, needs = fit.drawn.task.val, fit.strategy.needs()
    if val is None or needs.transductive:
        return None, None
    if not fit.members:
        return val.inputs, val.labels.numpy()
    known = [each.val_logits for each in fit.members if each.val_logits is not None]
    if needs.validation or len(known) < len(fit.members):
        return None, None
    return _stacked(known), fit.members[0].val_labels


def mixes_examples(trial: Trial) -> bool | None:
    """Say whether what was predicted of an input depends on its neighbours: a few are predicted again, one by one.

    A classifier that cannot predict one input alone, such as one with a batch norm in training mode, is asked two at a
    time; None where that fails too.
    """
    together = torch.from_numpy(trial.predictions.logits[:ALONE])
    for batch_size in (1, 2):
        try:
            apart = predict(trial.fit.classifier, trial.inputs[:ALONE], trial.fit.bench.device, batch_size)
        except (RuntimeError, ValueError, IndexError):
            continue
        scale = max(1.0, float(together.abs().max()))
        return bool((apart - together).abs().max() > ROUNDING * scale)
    return None


def _stacked(logits: Sequence[np.ndarray]) -> Tensor:
    """Return logits of members, (N, C) each, as (N, members, C)."""
    return torch.stack([torch.from_numpy(each) for each in logits], dim=1)


def _validation(member: Predictions) -> Labelled | None:
    if member.val_logits is None or member.val_labels is None:
        return None
    return Labelled(torch.from_numpy(member.val_logits), torch.from_numpy(member.val_labels))


def _predict(fit: Fit) -> Tensor:
    """Return the logits of the test inputs; a transductive head sees the features of all at once."""
    drawn, bench, classifier = fit.drawn, fit.bench, fit.classifier
    batch = len(drawn.labels) if fit.strategy.needs().transductive else PREDICT_BATCH
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
