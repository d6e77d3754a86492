"""The logistic regression that several methods solve, as linear layers."""

import warnings

import numpy as np
import pytest
import torch

from tlbench.learning import linear_layer, logistic_regression
from tlbench.learning.logistic import common_scale


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("strength", [0.1, 1.0])
def test_the_layer_gives_scikit_learns_probabilities_on_features_of_one_scale(classes, strength):
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    features, labels = 3 * draw.normal(size=(24, 5)) + 1, np.arange(24) % classes
    weight, bias = logistic_regression(features, labels, strength)
    assert (weight.shape, bias.shape, weight.dtype) == ((classes, 5), (classes,), np.float64)
    with torch.no_grad():
        ours = linear_layer(weight, bias)(torch.from_numpy(features).float()).softmax(1)
    centred = features - features.mean(axis=0)
    scaled = centred / np.sqrt(np.mean(centred**2))
    wanted = LogisticRegression(C=strength, max_iter=1000).fit(scaled, labels).predict_proba(scaled)
    assert np.allclose(ours.numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_and_the_origin_of_features_change_no_probability(unit):
    draw = np.random.default_rng(1)
    features, labels = draw.normal(size=(40, 8)), np.arange(40) % 4
    first = logistic_regression(features, labels)
    moved = unit * (features + 5)
    second = logistic_regression(moved, labels)
    scores = [x @ weight.T + bias for x, (weight, bias) in ((features, first), (moved, second))]
    assert np.allclose(
        scores[0] - scores[0].mean(1, keepdims=True), scores[1] - scores[1].mean(1, keepdims=True), atol=1e-3
    )


def test_the_solve_converges_where_a_few_features_outweigh_the_others():
    draw = np.random.default_rng(2)
    features = np.abs(draw.normal(size=(200, 96))) * np.geomspace(1e-2, 30, 96) + 20  # as after a ReLU, far from 0
    labels = draw.integers(0, 10, 200)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for strength in (0.001, 1.0, 1000.0):
            logistic_regression(features, labels, strength)
    assert [str(warning.message) for warning in heard] == []


def test_features_that_are_all_equal_give_the_shares_of_classes():
    labels = np.array([0, 0, 0, 1])
    weight, bias = logistic_regression(np.full((4, 3), 7.0), labels)
    scores = np.full(3, 7.0) @ weight.T + bias
    assert np.isclose(np.exp(scores[0]) / np.exp(scores).sum(), 0.75, atol=1e-3)
    assert common_scale(np.full((4, 3), 7.0))[1] == 1.0
