"""Solve multinomial logistic regression of features to convergence."""

import numpy as np
import torch
from torch import nn

_MOST_ITERATIONS = 10_000  # of L-BFGS, which converges within some hundred


def logistic_regression(
    features: np.ndarray, labels: np.ndarray, strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (C, D) and biases (C,), float64, for features (N, D) and labels 0 to C - 1 that all occur.

    Solved by scikit-learn's L-BFGS on `common_scale(features)`, and folded back into weights for the features as they
    are; `strength` is scikit-learn's C, the inverse of the regularisation. Nothing about it depends on a random start,
    and nothing on the unit of the features.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = common_scale(features)
    solved = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS).fit((features - mean) / scale, labels)
    weight, bias = solved.coef_ / scale, solved.intercept_
    if len(solved.classes_) == 2:  # scikit-learn keeps one row of a symmetric pair
        both = np.array([[-0.5], [0.5]])
        weight, bias = both * weight, both[:, 0] * bias
    return weight, bias - weight @ mean


def common_scale(features: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what to subtract from each feature, (D,), and what to divide all by: their root mean square after that.

    One divisor for all keeps what one feature weighs against another; it makes one C mean the same for all backbones,
    and the solve well conditioned.
    """
    mean = features.mean(axis=0)
    scale = float(np.sqrt(np.mean((features - mean) ** 2)))
    return mean, scale or 1.0


def linear_layer(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    """Return a linear layer, float32, of weights (C, D) and biases (C,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer
