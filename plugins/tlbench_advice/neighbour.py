"""Compute the kNN score: how often an example's nearest neighbour is of its own class."""

import numpy as np

ROWS = 512  # examples whose similarities stand in memory at a time


def neighbour_accuracy(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the leave-one-out accuracy of the nearest neighbour by cosine, of features (N, D) and labels (N,).

    A proxy for what a backbone's features are worth (Renggli et al., 2022, arXiv:2010.06402). Of equally near
    neighbours the first counts. Not a number where no class has two examples: none could then be right.
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    if len(labels) < 2 or np.unique(labels, return_counts=True)[1].max() < 2:
        return float("nan")
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1)
    right = 0
    for start in range(0, len(unit), ROWS):
        similarity = unit[start : start + ROWS] @ unit.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -np.inf
        right += int((labels[similarity.argmax(axis=1)] == labels[start : start + ROWS]).sum())
    return right / len(labels)
