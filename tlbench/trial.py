"""One fit and its predictions: all there is of a label budget, one of many of an episodic one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.cell import Cell
from tlbench.determinism import Stopwatch
from tlbench.draw import Drawn, FeatureSource
from tlbench.errors import PluginError
from tlbench.predictions import Predictions
from tlbench.preparation import Preparation, setting_of
from tlbench.resources import BackboneEntry
from tlbench.strategy import Strategy
from tlbench.task import Labelled, Member
from tlbench.training import BATCH, predict
from tlbench.workbench import Classifier, Workbench


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of one fit."""

    drawn: Drawn
    bench: Workbench
    classifier: nn.Module
    predictions: Predictions
    fit_seconds: float
    predict_seconds: float


def fit_and_predict(
    cell: Cell,
    strategy: Strategy,
    backbone: BackboneEntry,
    drawn: Drawn,
    preparation: Preparation,
    members: Sequence[tuple[str, Predictions]],
    features: FeatureSource,
    device: torch.device,
) -> Trial:
    """Fit a strategy to one task, predict and take the time; `members` are an ensemble's, with their variants."""
    prepared_before = preparation.seconds_here
    bench = Workbench(
        setting_of(cell, backbone, len(drawn.task.classes), device),
        known_features=drawn.known_features,
        prepared=preparation.module if strategy.prepares else None,
        validation=drawn.task.val,
        members=[Member(variant, _validation(predictions)) for variant, predictions in members],
    )
    strategy.ready()
    with Stopwatch(device) as fitting:
        classifier = strategy.fit(drawn.task, bench)
    fit_seconds = fitting.seconds - (preparation.seconds_here - prepared_before) + features.settle()
    if not isinstance(classifier, nn.Module):
        raise PluginError(f"{strategy.name}: fit must return a torch.nn.Module, got {type(classifier).__name__}.")
    with Stopwatch(device) as predicting:
        if members:
            outputs = predict(classifier, _stacked([each.logits for _, each in members]), device)
        else:
            outputs = _predict(classifier, drawn, bench, strategy)
    predict_seconds = predicting.seconds + features.settle()
    logits = _checked(outputs, len(drawn.labels), len(drawn.task.classes), strategy)
    known, val_labels = _validation_inputs(strategy, drawn, members)
    if known is None:
        predictions = Predictions(logits, drawn.labels)
    else:
        predictions = Predictions(logits, drawn.labels, 1, predict(classifier, known, device).numpy(), val_labels)
    return Trial(drawn, bench, classifier, predictions, fit_seconds, predict_seconds)


def _validation_inputs(
    strategy: Strategy, drawn: Drawn, members: Sequence[tuple[str, Predictions]]
) -> tuple[Tensor | None, np.ndarray | None]:
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


def _stacked(logits: Sequence[np.ndarray]) -> Tensor:
    """Return logits of members, (N, C) each, as (N, members, C)."""
    return torch.stack([torch.from_numpy(each) for each in logits], dim=1)


def _validation(member: Predictions) -> Labelled | None:
    if member.val_logits is None or member.val_labels is None:
        return None
    return Labelled(torch.from_numpy(member.val_logits), torch.from_numpy(member.val_labels))


def _predict(classifier: nn.Module, drawn: Drawn, bench: Workbench, strategy: Strategy) -> Tensor:
    """Return the logits of the test inputs; a transductive head sees the features of all at once."""
    batch = len(drawn.labels) if strategy.needs().transductive else BATCH
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
