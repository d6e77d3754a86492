"""The logistic regression that several methods solve, as linear layers."""

import numpy as np
import pytest
import torch

from tlbench.learning import linear_layer, logistic_regression


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [0.1, 1.0])
def test_the_layer_gives_scikit_learns_probabilities(classes, strength):
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    features, labels = draw.normal(size=(24, 5)), np.arange(24) % classes
    weight, bias = logistic_regression(features, labels, strength)
    assert (weight.shape, bias.shape, weight.dtype) == ((classes, 5), (classes,), np.float64)
    with torch.no_grad():
        ours = linear_layer(weight, bias)(torch.from_numpy(features).float()).softmax(1)
    wanted = LogisticRegression(C=strength, max_iter=1000).fit(features, labels).predict_proba(features)
    assert np.allclose(ours.numpy(), wanted, atol=1e-5)
