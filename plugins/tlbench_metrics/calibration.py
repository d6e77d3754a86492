"""Measure how far the probabilities of a classifier can be trusted."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from tlbench import Metric

_BINS = 15  # as in the tables of Guo et al., 2017


def nll(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the mean negative natural logarithm of the probability given to the label."""
    return float(-_log_probabilities(logits)[np.arange(len(labels)), labels].mean())


def ece(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the expected calibration error (Guo et al., 2017, arXiv:1706.04599, equation 3).

    Predictions are put into 15 bins of equal width by their confidence, the probability of the likeliest class;
    the error is the mean gap between a bin's confidence and its accuracy, weighted by the bin's examples.
    """
    log_probabilities = _log_probabilities(logits)
    confidence = np.exp(log_probabilities.max(axis=1))
    right = log_probabilities.argmax(axis=1) == labels
    inner_edges = np.linspace(0, 1, _BINS + 1)[1:-1]
    bins = np.digitize(confidence, inner_edges, right=True)  # a bin holds its upper edge, as in the paper
    gaps = np.bincount(bins, weights=right - confidence, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def _log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(log_softmax(logits.astype(np.float64), axis=1))


NLL = Metric(
    "nll",
    nll,
    higher_is_better=False,
    description="mean negative log-probability of the right class, in nats",
)
ECE = Metric(
    "ece",
    ece,
    higher_is_better=False,
    description="expected calibration error over 15 bins of confidence",
    citation="Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599",
)
