"""Solve multinomial logistic regression of features to convergence."""

import numpy as np
import torch
from torch import nn


def logistic_regression(
    features: np.ndarray, labels: np.ndarray, strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (C, D) and biases (C,), float64, for features (N, D) and labels 0 to C - 1 that all occur.

    Solved by scikit-learn's L-BFGS; `strength` is its C, the inverse of the regularisation. Nothing about it
    depends on a random start.
    """
    from sklearn.linear_model import LogisticRegression

    solved = LogisticRegression(C=strength, max_iter=1000).fit(features, labels)
    if len(solved.classes_) > 2:
        return solved.coef_, solved.intercept_
    # scikit-learn keeps one row of a symmetric pair
    both = np.array([[-0.5], [0.5]])
    return both * solved.coef_, both[:, 0] * solved.intercept_


def linear_layer(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    """Return a linear layer, float32, of weights (C, D) and biases (C,)."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer
