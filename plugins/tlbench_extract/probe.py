"""Hold what the linear probes share: candidates of their regularisation, and solving on scaled features."""

from collections.abc import Callable

import numpy as np
from torch import nn

from tlbench import linear_layer

# Around 1 by powers of ten. The first is what stands where nothing can choose; of equals the milder change is kept.
CANDIDATES = (1.0, 0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
Solve = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def fit_probe(solve: Solve, given: float | None, scale: str, task, bench) -> nn.Module:
    """Return the linear head of the given regularisation, or of that which does best on validation labels.

    `solve(features, labels, regularisation)` gets float64 features (N, D) and int64 labels (N,), and returns
    weights (C, D) and biases (C,). `scale` is `none` or `standardise`.
    """
    features = bench.features(task.train.inputs).cpu().double().numpy()
    labels = task.train.labels.cpu().numpy()
    mean, spread = scaling(features, scale)
    scaled = (features - mean) / spread

    def head_of(regularisation: float) -> nn.Module:
        weight, bias = solve(scaled, labels, regularisation)
        weight = weight / spread  # the scaling is folded into the head
        return linear_layer(weight, bias - weight @ mean).to(bench.device)

    candidates = CANDIDATES if given is None and bench.selects else (given or CANDIDATES[0],)
    heads = [head_of(regularisation) for regularisation in candidates]
    chosen = bench.select(heads, logits=lambda head, inputs: head(bench.features(inputs)))
    bench.note("regularisation", candidates[heads.index(chosen)])
    return chosen


def scaling(features: np.ndarray, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what to subtract from each feature and what to divide it by, (D,) and (D,)."""
    if scale == "standardise":
        return features.mean(axis=0), features.std(axis=0) + 1e-6
    return np.zeros(features.shape[1]), np.ones(features.shape[1])
