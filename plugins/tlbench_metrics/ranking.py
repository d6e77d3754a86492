"""Measure how well scores put the examples of a class before the others, whatever the threshold."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tlbench import Metric

Logits = NDArray[np.float32]  # (N, C)
Labels = NDArray[np.int64]  # (N,)


def auroc(logits: Logits, labels: Labels) -> float:
    """Return the area under the ROC curve: how often an example of the class stands before one of the others.

    Of two classes it is that of the second. Of more it is the mean over the classes that the labels hold, each
    against all others. NaN, undefined, where the labels hold one class alone.
    """
    found = _one_against_rest(logits, labels)
    if found is None:
        return float("nan")
    scores, hits = found
    positives, negatives = hits.sum(axis=0), (~hits).sum(axis=0)
    ranks = np.where(hits, rankdata(scores, axis=0), 0.0).sum(axis=0)
    return float(((ranks - positives * (positives + 1) / 2) / (positives * negatives)).mean())


def average_precision(logits: Logits, labels: Labels) -> float:
    """Return the mean precision over the examples of the class, each as a threshold; equal scores share one.

    Of two classes it is that of the second. Of more it is the mean over the classes that the labels hold, each
    against all others. NaN, undefined, where the labels hold one class alone.
    """
    found = _one_against_rest(logits, labels)
    if found is None:
        return float("nan")
    scores, hits = found
    order = np.argsort(-scores, axis=0, kind="stable")
    scores, hits = np.take_along_axis(scores, order, axis=0), np.take_along_axis(hits, order, axis=0)
    last = np.vstack([scores[1:] != scores[:-1], np.ones((1, scores.shape[1]), dtype=bool)])
    place = np.where(last, np.arange(len(scores))[:, None], len(scores))
    ends = np.minimum.accumulate(place[::-1], axis=0)[::-1]  # where the equal scores of each place end
    precision = np.take_along_axis(np.cumsum(hits, axis=0), ends, axis=0) / (ends + 1)
    return float(((precision * hits).sum(axis=0) / hits.sum(axis=0)).mean())


def _one_against_rest(logits: Logits, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Return scores and which examples are of the class, both (N, K), for each class that counts; None without two."""
    present = np.unique(labels)
    if len(present) < 2 or not np.isfinite(logits).all():
        return None
    classes = np.array([1]) if logits.shape[1] == 2 else present
    return _log_odds(logits.astype(np.float64))[:, classes], labels[:, None] == classes


def _log_odds(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of each class's probability over that of all others: near 1 no two of them become equal."""
    first = logits.argmax(axis=1)[:, None]
    shifted = logits - np.take_along_axis(logits, first, axis=1)
    weights = np.exp(shifted)
    others = weights.sum(axis=1, keepdims=True) - weights
    np.put_along_axis(others, first, 1.0, axis=1)
    odds = shifted - np.log(others)
    rest = shifted.copy()
    np.put_along_axis(rest, first, -np.inf, axis=1)
    second = rest.max(axis=1, keepdims=True)
    of_first = -(second + np.log(np.exp(rest - second).sum(axis=1, keepdims=True)))
    np.put_along_axis(odds, first, of_first, axis=1)
    return odds


AUROC = Metric(
    "auroc",
    auroc,
    description="area under the ROC curve, of more than two classes the mean of each against the rest; undefined "
    "where the test labels are of one class",
    citation="Hanley & McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 1982",
    positive=True,
)
AVERAGE_PRECISION = Metric(
    "average-precision",
    average_precision,
    description="area under the precision-recall curve, in steps, of more than two classes the mean of each against "
    "the rest; undefined where the test labels are of one class",
    citation="Davis & Goadrich, The Relationship Between Precision-Recall and ROC Curves, ICML 2006",
    positive=True,
)
