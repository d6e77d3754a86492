"""Compute t-SNE of a few hundred points (van der Maaten & Hinton, 2008, jmlr.org/papers/v9/vandermaaten08a.html).

The exact method on dense matrices, begun at the principal components: nothing is drawn at random. scikit-learn's takes
seconds for so few points, and as long to be imported; tests/test_report_charts.py holds this one against it.
"""

import numpy as np

_STEPS, _EXAGGERATED = 400, 100
_EXAGGERATION = 12.0
_TINY = 1e-12


def tsne(points: np.ndarray, perplexity: float = 30.0) -> np.ndarray:
    """Return a map of points (N, k) onto a plane, float64 (N, 2): neighbourhoods mean something, distances do not.

    Perplexity, the size of a neighbourhood, is at most a third of the points.
    """
    points = np.asarray(points, dtype=np.float64)
    points = points - points.mean(axis=0)
    similar = joint_probabilities(points, min(perplexity, (len(points) - 1) / 3))
    place = _principal(points)
    rate = max(len(points) / _EXAGGERATION / 4, 50.0)
    step, gain = np.zeros_like(place), np.ones_like(place)
    for i in range(_STEPS):
        early = i < _EXAGGERATED
        gradient = _gradient(similar * (_EXAGGERATION if early else 1.0), place)
        gain = np.maximum(np.where(step * gradient < 0, gain + 0.2, gain * 0.8), 0.01)
        step = (0.5 if early else 0.8) * step - rate * gain * gradient
        place = place + step
    return place


def divergence(points: np.ndarray, place: np.ndarray, perplexity: float = 30.0) -> float:
    """Return the Kullback-Leibler divergence of a map from what it shows, which t-SNE makes small."""
    points = np.asarray(points, dtype=np.float64)
    similar = joint_probabilities(points, min(perplexity, (len(points) - 1) / 3))
    near = _nearness(place)
    mapped = np.maximum(near / near.sum(), _TINY)
    return float(np.sum(similar * np.log(np.maximum(similar, _TINY) / mapped)))


def joint_probabilities(points: np.ndarray, perplexity: float) -> np.ndarray:
    """Return how similar each pair of points is, (N, N) that sums to 1; widths are found by bisection."""
    squared = _squared_distances(points)
    np.fill_diagonal(squared, np.inf)
    squared = squared - squared.min(axis=1, keepdims=True)  # the same, and exp() of the nearest never 0
    low, high = np.full(len(points), -60.0), np.full(len(points), 60.0)  # of the width's logarithm
    finite = np.where(np.isinf(squared), 0, squared)
    for _ in range(60):
        middle = (low + high) / 2
        weight = np.exp(-squared * np.exp(middle)[:, None])
        total = weight.sum(axis=1)
        entropy = np.log(total) + np.exp(middle) * (weight * finite).sum(axis=1) / total
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    conditional = weight / total[:, None]
    both = conditional + conditional.T
    return np.asarray(both / both.sum())


def _principal(points: np.ndarray) -> np.ndarray:
    """Return the first two principal components, the first scaled to a spread of 1e-4, and with fixed signs."""
    left, size, _ = np.linalg.svd(points, full_matrices=False)
    plane = np.zeros((len(points), 2))
    kept = min(2, left.shape[1])
    plane[:, :kept] = left[:, :kept] * size[:kept]
    plane *= np.where(plane[np.abs(plane).argmax(axis=0), range(2)] < 0, -1.0, 1.0)
    return np.asarray(plane / max(plane[:, 0].std(), _TINY) * 1e-4)


def _gradient(similar: np.ndarray, place: np.ndarray) -> np.ndarray:
    near = _nearness(place)
    pull = (similar - near / near.sum()) * near
    return np.asarray(4 * (pull.sum(axis=1)[:, None] * place - pull @ place))


def _nearness(place: np.ndarray) -> np.ndarray:
    near = 1 / (1 + _squared_distances(place))
    np.fill_diagonal(near, 0)
    return np.asarray(near)


def _squared_distances(points: np.ndarray) -> np.ndarray:
    norm = (points**2).sum(axis=1)
    return np.maximum(norm[:, None] + norm[None, :] - 2 * points @ points.T, 0)
