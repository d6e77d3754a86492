"""Compute LEEP: how well a source classifier's probabilities, as they are, tell the target's labels."""

import numpy as np


def leep(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return LEEP of a source classifier's probabilities (N, source classes) on target examples with labels (N,).

    The mean over examples of log sum_z P(y | z) p(z | x), where P(y | z) is the empirical share of target class y
    among the probability that falls on source class z (Nguyen et al., 2020, arXiv:2002.12462). At most 0; higher is
    better. Source classes that get no probability count for nothing.
    """
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(labels)
    _, positions = np.unique(labels, return_inverse=True)
    joint = np.zeros((positions.max() + 1, probabilities.shape[1]))
    np.add.at(joint, positions, probabilities)
    marginal = joint.sum(axis=0)
    conditional = np.divide(joint, marginal, out=np.zeros_like(joint), where=marginal > 0)
    expected = (probabilities * conditional[positions]).sum(axis=1)
    return float(np.log(expected).mean())
