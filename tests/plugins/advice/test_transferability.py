"""Scores of transferability against their definitions, other implementations and what is published of backbones."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from tlbench_advice.h_score import h_score
from tlbench_advice.leep import leep
from tlbench_advice.logme import logme
from tlbench_advice.neighbour import neighbour_accuracy

SHAPES = [(40, 10, 4), (20, 50, 5), (60, 5, 3)]  # examples, features, classes; more features than examples too


def clouds(count, width, classes, spread=0.7, seed=0):
    """Draw features in clouds around class means."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    return draw.normal(size=(count, width)) + 1 + spread * draw.normal(size=(classes, width))[labels], labels


@pytest.mark.parametrize("shape", [*SHAPES, (10, 30, 10)])
def test_logme_is_the_highest_evidence_that_a_search_finds(shape):
    features, labels = clouds(*shape)

    spectrum, vectors = np.linalg.eigh(features @ features.T)

    def minus_evidence(logs, target):
        variances = np.exp(logs[0]) * spectrum.clip(0) + np.exp(logs[1])  # of the weights, of the noise
        terms = np.log(2 * np.pi * variances) + (vectors.T @ target) ** 2 / variances
        return 0.5 * terms.mean()

    def highest(target):
        options = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 2000}
        starts = [(-6, -4), (-2, -1)]
        found = [minimize(minus_evidence, start, (target,), "Nelder-Mead", options=options) for start in starts]
        return -min(each.fun for each in found)

    targets = [(labels == name).astype(float) for name in range(shape[2])]
    covariance = np.exp(-3) * features @ features.T + np.exp(-2) * np.eye(len(labels))
    literally = -multivariate_normal(np.zeros(len(labels)), covariance).logpdf(targets[0]) / len(labels)
    assert minus_evidence((-3, -2), targets[0]) == pytest.approx(literally)
    assert logme(features, labels) == pytest.approx(np.mean([highest(target) for target in targets]), abs=1e-6)


def test_logme_does_not_change_with_the_scale_or_the_axes_of_features_nor_with_the_names_of_labels():
    features, labels = clouds(40, 10, 4)
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0]
    assert logme(1000 * features @ axes, 7 - 2 * labels) == pytest.approx(logme(features, labels), abs=1e-9)


@pytest.mark.parametrize("score", [logme, h_score, neighbour_accuracy])
def test_a_score_rises_with_the_distance_between_classes(score):
    values = [score(*clouds(60, 20, 4, spread)) for spread in (0, 0.5, 1, 4)]
    assert values == sorted(values)
    assert values[0] < values[-1]


@pytest.mark.parametrize("shape", SHAPES)
def test_h_score_is_what_its_definition_says(shape):
    features, labels = clouds(*shape)
    fitted = LedoitWolf().fit(features)
    between = np.cov(np.stack([features[labels == name].mean(axis=0) for name in labels]).T, bias=True)
    defined = np.trace(np.linalg.inv(fitted.covariance_) @ ((1 - fitted.shrinkage_) * between))
    assert h_score(features, labels) == pytest.approx(defined, rel=1e-9)
    assert 0 < h_score(features, labels) < shape[2] - 1


def test_leep_of_a_small_table_is_what_a_hand_computes():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    labels = np.array([0, 0, 1])
    # P(y | z): of 1.7 on the first source class 1.5 is of label 0; of 1.3 on the second 0.5.
    first = np.log(0.9 * 1.5 / 1.7 + 0.1 * 0.5 / 1.3)
    second = np.log(0.6 * 1.5 / 1.7 + 0.4 * 0.5 / 1.3)
    third = np.log(0.2 * 0.2 / 1.7 + 0.8 * 0.8 / 1.3)
    assert leep(probabilities, labels) == pytest.approx((first + second + third) / 3)


def test_leep_is_0_for_a_source_that_tells_the_target_and_minus_the_entropy_for_one_that_tells_nothing():
    labels = np.array([0, 0, 1, 2])
    assert leep(np.eye(4)[[3, 3, 0, 1]], labels) == 0  # the third source class is never predicted
    shares = np.array([0.5, 0.25, 0.25])
    assert leep(np.full((4, 5), 0.2), labels) == pytest.approx(float((shares * np.log(shares)).sum()))


@pytest.mark.parametrize("shape", [*SHAPES, (700, 6, 7)])
def test_knn_is_scikit_learns_leave_one_out_accuracy(shape):
    features, labels = clouds(*shape)
    searched = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(features)
    nearest = searched.kneighbors(return_distance=False)[:, 0]  # of each example itself, which is left out
    assert neighbour_accuracy(features, labels) == pytest.approx((labels[nearest] == labels).mean())


def test_one_label_per_class_has_no_h_score_and_no_knn_but_a_logme():
    features, labels = clouds(10, 30, 10)
    assert np.isnan(h_score(features, labels))
    assert np.isnan(neighbour_accuracy(features, labels))
    assert np.isfinite(logme(features, labels))


@pytest.mark.parametrize("score", [logme, h_score])
def test_one_class_has_no_score(score):
    assert np.isnan(score(np.random.default_rng(0).normal(size=(8, 3)), np.zeros(8, dtype=int)))


def test_features_that_are_all_alike_are_scored_below_any_others_and_raise_nothing():
    labels = np.arange(12) % 3
    same = np.ones((12, 5))
    assert h_score(same, labels) == 0
    assert logme(same, labels) < logme(clouds(12, 5, 3, spread=3)[0], labels)
    assert neighbour_accuracy(np.zeros((12, 5)), labels) <= 1


@pytest.mark.slow
def test_scores_order_three_starts_of_one_network_on_flowers_as_a_linear_probe_does(real_data, tmp_path):
    import torch

    from tlbench.data import Cache, Resources
    from tlbench.host import Catalog, Host
    from tlbench_advice.sample import choose_budget, draw
    from tlbench_advice.target import open_target
    from tlbench_advice.transferability import score

    resources = Resources(Catalog(Host()), Cache(tmp_path))
    place = open_target(f"zip:{real_data}/flowers12/flowers12.zip", resources).place
    sample = draw(place, choose_budget("5-shot", place))
    weights = real_data / "weights"
    # Linear probes of the whole data reach 95.8 % on ImageNet weights and 87.9 % on those of birds.
    names = [
        f"mobilenetv2_100(input_size=64)@{weights}/mobilenetv2_100_imagenet.safetensors",
        f"mobilenetv2_100(input_size=64)@{weights}/mobilenetv2_100_inat_bird.safetensors",
        "mobilenetv2_100(input_size=64)",
    ]
    photographs, birds, random = (
        score(name, resources.backbone(name), sample, None, torch.device("cpu")) for name in names
    )
    assert photographs.logme > birds.logme > random.logme
    assert photographs.knn > birds.knn > random.knn
    assert photographs.h_score > random.h_score


def test_a_backbone_is_preferred_only_where_logme_and_knn_agree():
    from tlbench_advice.transferability import Scored, preferred

    nothing = float("nan")
    wide, narrow = Scored("wide", "wide", 0.5, 9.0, nothing, 0.3), Scored("narrow", "narrow", 0.4, 1.0, nothing, 0.8)
    assert preferred([wide, narrow]) is None
    assert preferred([wide, Scored("narrow", "narrow", 0.6, 1.0, nothing, 0.8)]).label == "narrow"
    one_shot = [
        Scored("wide", "wide", 0.5, nothing, nothing, nothing),
        Scored("n", "n", 0.4, nothing, nothing, nothing),
    ]
    assert preferred(one_shot) is None
    assert preferred([wide]) is None
