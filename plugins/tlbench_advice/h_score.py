"""Compute the H-score: how much of the features' variance lies between classes."""

import numpy as np


def h_score(features: np.ndarray, labels: np.ndarray) -> float:
    """Return the shrunk H-score of features (N, D) and integer labels (N,).

    tr(cov_a(f)^-1 (1 - a) cov(E[f|y])): the H-score of Bao et al. (2019, ICIP, doi:10.1109/ICIP.2019.8803726) with
    the covariance of Ledoit and Wolf and its shrinkage a, which Ibrahim et al. (2021, arXiv:2110.06893) show to be
    what it needs where examples are few and features many. Between 0 and the number of classes - 1; higher is
    better. Not a number where no class has two examples: features then vary between classes alone.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    classes, positions, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or counts.max() < 2:
        return float("nan")
    centred = features - features.mean(axis=0)
    if not centred.any():
        return 0.0
    shrinkage = ledoit_wolf_shrinkage(centred, assume_centered=True)
    # All of it lies in the span of the examples, where the covariance is diagonal: no D x D matrix is made.
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    kept = singular > singular[0] * max(centred.shape) * np.finfo(float).eps
    variance, placed = singular[kept] ** 2 / len(labels), centred @ axes[kept].T
    means = np.zeros((len(classes), placed.shape[1]))
    np.add.at(means, positions, placed)
    between = (means**2 / counts[:, None]).sum(axis=0) / len(labels)  # the diagonal of cov(E[f|y])
    shrunk = (1 - shrinkage) * variance + shrinkage * variance.sum() / centred.shape[1]
    return float((1 - shrinkage) * (between / shrunk).sum())
