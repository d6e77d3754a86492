"""Unsupervised validators against their definitions, worked out by other means."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch.nn import functional as F

from tlbench.learning.validators import embedded_validation, information, negative_entropy, neighbourhood_density

LOGITS = torch.tensor(np.random.default_rng(0).normal(size=(12, 4)) * 3, dtype=torch.float32)
PROBABILITIES = F.softmax(LOGITS.double(), dim=1).numpy()


def test_entropy_is_that_of_scipy():
    assert negative_entropy(LOGITS) == pytest.approx(-entropy(PROBABILITIES, axis=1).mean(), abs=1e-12)


def test_information_is_the_entropy_of_the_mean_less_the_mean_entropy():
    expected = entropy(PROBABILITIES.mean(axis=0)) - entropy(PROBABILITIES, axis=1).mean()
    assert information(LOGITS) == pytest.approx(expected, abs=1e-12)


def test_information_sees_through_a_classifier_that_calls_everything_one_class():
    one_class = torch.tensor([[20.0, 0, 0, 0]]).repeat(12, 1)
    every_class = 20.0 * torch.eye(4).repeat(3, 1)
    assert negative_entropy(one_class) == pytest.approx(negative_entropy(every_class), abs=1e-9)
    assert information(one_class) < 1e-6 < information(every_class) == pytest.approx(np.log(4), abs=1e-4)


def test_density_is_the_mean_entropy_of_softmaxed_similarities_without_the_input_itself():
    unit = PROBABILITIES / np.linalg.norm(PROBABILITIES, axis=1, keepdims=True)
    found = []
    for row in range(len(unit)):
        others = np.delete(unit, row, axis=0) @ unit[row] / 0.05
        weights = np.exp(others - others.max())
        found.append(entropy(weights / weights.sum()))
    assert neighbourhood_density(LOGITS) == pytest.approx(np.mean(found), abs=1e-10)


def test_density_is_largest_where_all_neighbours_are_alike():
    alike = torch.zeros(10, 4)
    assert neighbourhood_density(alike) == pytest.approx(np.log(9), abs=1e-9)


def domains(shift, seed=0):
    """Return source, held-out and target features; the target lies `shift` away along one direction."""
    draw = np.random.default_rng(seed)
    source, held_out, target = (torch.tensor(draw.normal(size=(n, 2)), dtype=torch.float32) for n in (400, 300, 400))
    return source, held_out, target + torch.tensor([shift, 0.0])


def test_without_a_shift_the_risk_is_about_the_held_out_loss():
    source, held_out, target = domains(0.0)
    logits = torch.tensor(np.random.default_rng(1).normal(size=(300, 3)), dtype=torch.float32)
    labels = torch.arange(300) % 3
    plain = float(F.cross_entropy(logits, labels))
    assert embedded_validation(source, held_out, target, logits, labels) == pytest.approx(-plain, rel=0.05)


def test_under_a_shift_the_risk_is_nearer_to_that_on_the_target():
    # A model that is sure and right on one side, and guesses on the other: the side on which the target lies.
    source, held_out, target = domains(1.5)
    labels = torch.zeros(300, dtype=torch.int64)
    logits = torch.stack([torch.where(held_out[:, 0] < 0, 4.0, 0.0), torch.zeros(300)], dim=1)
    target_loss = float(torch.where(target[:, 0] < 0, np.log1p(np.exp(-4.0)), np.log(2.0)).mean())
    plain = float(F.cross_entropy(logits, labels))
    weighted = -embedded_validation(source, held_out, target, logits, labels)
    assert abs(weighted - target_loss) < abs(plain - target_loss) / 3


def test_the_control_variate_takes_off_what_the_weights_vary():
    # Losses that are the same everywhere: whatever the weights, the risk is that loss.
    source, held_out, target = domains(2.0)
    logits, labels = torch.zeros(300, 2), torch.zeros(300, dtype=torch.int64)
    assert embedded_validation(source, held_out, target, logits, labels) == pytest.approx(-np.log(2), abs=1e-9)
