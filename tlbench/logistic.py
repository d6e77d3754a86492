"""Multinomial logistic regression of features, solved to convergence."""

import numpy as np
import torch
from torch import Tensor, nn


def logistic_regression(features: Tensor, labels: Tensor, strength: float = 1.0) -> nn.Linear:
    """Return the linear layer, (N, D) to logits (N, C), that solves features (N, D) and labels 0 to C - 1.

    All labels must occur. Solved by scikit-learn's L-BFGS in float64; `strength` is its C, the inverse of the
    regularisation. Nothing about it depends on a random start. The layer is on the CPU.
    """
    from sklearn.linear_model import LogisticRegression

    solved = LogisticRegression(C=strength, max_iter=1000).fit(features.cpu().double().numpy(), labels.cpu().numpy())
    weight, bias = solved.coef_, solved.intercept_
    if len(solved.classes_) == 2:  # scikit-learn keeps one row of a symmetric pair
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer
