"""Compute LogME: how well a Bayesian linear model on the features explains the labels."""

import numpy as np

STEPS = 1000  # of the fixed point; some tens are usual
CLOSE = 1e-8  # relative change of the ratio at which it has settled
FAR = 1e10  # times the spectrum: beyond, the evidence is that of its limit, all noise or none


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """Return LogME, the maximum log evidence per example, of features (N, D) and integer labels (N,).

    Each class that occurs is a regression of its 0/1 indicator on the features, with a Gaussian prior of precision
    alpha on the weights and Gaussian noise of precision beta; both maximise the evidence by MacKay's fixed point,
    and the classes' evidences are averaged (You et al., 2021, arXiv:2102.11005, algorithm 1). Higher is better;
    values compare backbones on the same examples and nothing else. Not a number with fewer than two classes.
    """
    features, labels = np.asarray(features, dtype=float), np.asarray(labels)
    classes = np.unique(labels)
    if len(classes) < 2:
        return float("nan")
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    kept = singular > singular.max(initial=0.0) * max(features.shape) * np.finfo(float).eps
    left, spectrum = left[:, kept], singular[kept] ** 2
    return float(np.mean([_evidence(left, spectrum, (labels == name).astype(float)) for name in classes]))


def _evidence(left: np.ndarray, spectrum: np.ndarray, target: np.ndarray) -> float:
    """Return the maximum log evidence per example of one regression, from the singular vectors of the features.

    With t = alpha / beta everything needed is a sum over the spectrum (You et al., 2022, JMLR 23(223), section 4.3).
    """
    count = len(target)
    explained = (left.T @ target) ** 2
    beyond = max(float(target @ target - explained.sum()), 0.0)  # what no weights reach
    lowest, highest = (spectrum[-1] / FAR, spectrum[0] * FAR) if len(spectrum) else (1.0, 1.0)
    ratio = 1.0
    for _ in range(STEPS):
        effective = float((spectrum / (spectrum + ratio)).sum())
        length = float((spectrum * explained / (spectrum + ratio) ** 2).sum())
        residual = float((explained * (ratio / (spectrum + ratio)) ** 2).sum()) + beyond
        if length <= 0 or residual <= 0 or effective <= 0 or count - effective <= 0:
            break
        before = ratio
        ratio = float(np.clip(effective * residual / (length * (count - effective)), lowest, highest))
        if abs(ratio - before) <= CLOSE * before:
            break
    energy = float((explained * ratio / (spectrum + ratio)).sum()) + beyond
    noise = max(energy / count, np.finfo(float).tiny)  # 1 / beta at its best for this ratio
    determinant = float(np.log1p(spectrum / ratio).sum())
    return -0.5 * (np.log(2 * np.pi * noise) + 1 + determinant / count)
