"""The converged linear probe with which LP-FT begins."""

import numpy as np
import torch
from torch import Tensor, nn


def set_to_probe(head: nn.Module, features: Tensor, labels: Tensor, strength: float) -> None:
    """Give a head's linear layer the logistic regression of features (N, D) and labels 0 to C - 1 that all occur.

    Solved to convergence by scikit-learn's L-BFGS; `strength` is its C, the inverse of the regularisation.
    """
    from sklearn.linear_model import LogisticRegression

    solved = LogisticRegression(C=strength, max_iter=1000).fit(features.cpu().double().numpy(), labels.cpu().numpy())
    weight, bias = solved.coef_, solved.intercept_
    if len(solved.classes_) == 2:  # scikit-learn keeps one row of a symmetric pair
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    linear = [layer for layer in head.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
        linear.bias.copy_(torch.from_numpy(bias))
