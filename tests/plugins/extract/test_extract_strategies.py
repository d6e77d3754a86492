"""Probes of frozen features: against scikit-learn, closed forms and each other."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from small_tasks import CORNERS, corners, fit

from tlbench import Labelled, Recipe, Task, Workbench
from tlbench.learning import Setting
from tlbench_extract.linear_probe import LinearProbe
from tlbench_extract.mlp_probe import MlpProbe
from tlbench_extract.nearest_mean import NearestMean
from tlbench_extract.nearest_neighbours import NearestNeighbours
from tlbench_extract.probe import CANDIDATES
from tlbench_extract.ridge_probe import RidgeProbe, ridge_regression

ALL = [
    LinearProbe(), LinearProbe(scale="standardise"), RidgeProbe(), RidgeProbe(scale="standardise"), NearestMean(),
    NearestMean(distance="cosine"), NearestNeighbours(), MlpProbe(),
]  # fmt: skip


@pytest.fixture
def make(tiny_bench):
    """Return a task, and a bench over the pretrained tiny network."""

    def build(count=24, val=None, recipe=None):
        bench = tiny_bench(recipe=recipe or Recipe(steps=40, batch_size=8), validation=val)
        return Task(CORNERS, corners(count, 1), val), bench

    return build


def outputs(strategy, task, bench, test):
    model = fit(strategy, task, bench).eval()
    with torch.no_grad():
        return model(test.inputs).double().numpy()


def in_numpy(task, bench, test):
    features = [bench.features(part.inputs).double().numpy() for part in (task.train, test)]
    return features[0], task.train.labels.numpy(), features[1]


def on_one_scale(train, test):
    mean = train.mean(0)
    scale = np.sqrt(((train - mean) ** 2).mean())
    return (train - mean) / scale, (test - mean) / scale


def standardised(train, test):
    spread = train.std(0) + 1e-6  # the network may have dead features
    return (train - train.mean(0)) / spread, (test - train.mean(0)) / spread


@pytest.mark.parametrize("scale", ["none", "standardise"])
def test_the_linear_probe_is_scikit_learns_logistic_regression(make, scale):
    task, bench = make()
    test = corners(40, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    if scale == "standardise":
        train, held_out = standardised(train, held_out)
    train, held_out = on_one_scale(train, held_out)
    expected = LogisticRegression(C=0.3, max_iter=1000).fit(train, labels).predict_proba(held_out)
    logits = outputs(LinearProbe(strength=0.3, scale=scale), task, bench, test)
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.abs(found - expected).max() < 1e-3


def test_the_linear_probe_of_two_classes_gives_scikit_learns_probabilities(make, resources):
    pair = corners(24, 1)
    keep = pair.labels < 2
    entry = resources.backbone("tiny.corners")
    bench = Workbench(Setting(entry.backbone, entry.weights, 2, Recipe(), torch.device("cpu"), 0, 0))
    task, test = Task(CORNERS[:2], Labelled(pair.inputs[keep], pair.labels[keep])), corners(40, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    train, held_out = on_one_scale(train, held_out)
    logits = outputs(LinearProbe(), task, bench, test)
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.abs(found - LogisticRegression(max_iter=1000).fit(train, labels).predict_proba(held_out)).max() < 1e-3


@pytest.mark.parametrize("count", [4, 24], ids=["fewer examples than features", "more examples than features"])
@pytest.mark.parametrize("alpha", [0.01, 5.0])
@pytest.mark.parametrize("scale", ["none", "standardise"])
def test_the_ridge_probe_is_scikit_learns_ridge_regression_on_plus_and_minus_one(make, count, alpha, scale):
    task, bench = make(count)
    test = corners(40, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    if scale == "standardise":
        train, held_out = standardised(train, held_out)
    targets = np.where(np.eye(4)[labels] == 1, 1.0, -1.0)
    expected = Ridge(alpha=alpha).fit(train, targets).predict(held_out)
    found = outputs(RidgeProbe(alpha=alpha, scale=scale), task, bench, test)
    assert np.abs(found - expected).max() < 1e-3 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("shape", [(6, 6), (5, 6), (7, 6)])
def test_both_forms_of_ridge_regression_solve_the_same_normal_equations(shape):
    draw = np.random.default_rng(0)
    features, targets = draw.normal(size=shape), draw.normal(size=(shape[0], 3))
    weight, bias = ridge_regression(features, targets, 0.5)
    left = features - features.mean(0)
    residual = targets - features @ weight.T - bias
    assert np.allclose(left.T @ residual, 0.5 * weight.T)  # the gradient of the regularised error is 0
    assert np.allclose(residual.mean(0), 0)  # and so is that of the free bias


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")  # of the dead features
def test_the_nearest_mean_is_scikit_learns_nearest_centroid(make):
    task, bench = make()
    test = corners(200, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    model = NearestCentroid().fit(train, labels)
    logits = outputs(NearestMean(), task, bench, test)
    assert (logits.argmax(1) == model.predict(held_out)).all()
    distances = np.linalg.norm(held_out[:, None] - model.centroids_[None], axis=2)
    assert np.allclose(logits, -(distances**2) / 2, atol=1e-5)


def test_the_nearest_mean_by_cosine_forgets_the_length_of_features(make):
    task, bench = make()
    test = corners(200, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    train, held_out = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (train, held_out))
    means = np.stack([train[labels == label].mean(0) for label in range(4)])
    cosines = held_out @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    logits = outputs(NearestMean(distance="cosine"), task, bench, test)
    assert np.allclose(logits, cosines - 1, atol=1e-5)
    head = fit(NearestMean(distance="cosine"), task, bench).head
    features = bench.features(test.inputs)
    assert torch.allclose(head(7 * features), head(features), atol=1e-5)
    euclidean = fit(NearestMean(), task, bench).head
    assert not torch.allclose(euclidean(7 * features), euclidean(features), atol=1e-5)


def test_nearest_neighbours_vote_as_scikit_learns_do(make):
    task, bench = make()
    test = corners(100, 2)
    train, labels, held_out = in_numpy(task, bench, test)
    model = KNeighborsClassifier(5, metric="cosine", weights=lambda distances: np.exp(-distances / 0.07))
    expected = model.fit(train, labels).predict_proba(held_out)
    found = np.exp(outputs(NearestNeighbours(), task, bench, test)) - 1e-6
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("strategy", [LinearProbe(), RidgeProbe()], ids=lambda each: each.name)
def test_without_validation_labels_a_probe_takes_the_middle_of_the_candidates(make, strategy):
    task, bench = make()
    test = corners(20, 2)
    given = type(strategy)(1.0)
    assert np.array_equal(outputs(strategy, task, bench, test), outputs(given, task, bench, test))
    assert bench.journal.notes["regularisation"] == 1.0
    assert not bench.journal.validated


@pytest.mark.parametrize("strategy", [LinearProbe, partial(RidgeProbe, scale="standardise")], ids=["linear", "ridge"])
def test_validation_labels_choose_the_regularisation(make, strategy):
    val = corners(60, 3)
    task, bench = make(val=val)
    chosen = fit(strategy(), task, bench)
    assert bench.journal.validated
    scores = {}
    for candidate in CANDIDATES:
        other_task, other = make(val=val)
        with torch.no_grad():
            logits = fit(strategy(candidate), other_task, other).eval()(val.inputs)
        assert not other.journal.validated
        fit_of_labels = -torch.nn.functional.cross_entropy(logits, val.labels).item()
        scores[candidate] = ((logits.argmax(1) == val.labels).float().mean().item(), fit_of_labels)
    best = max(scores, key=scores.get)
    assert best != CANDIDATES[0]
    assert bench.journal.notes["regularisation"] == best
    with torch.no_grad():
        logits = chosen.eval()(val.inputs)
    assert (logits.argmax(1) == val.labels).float().mean().item() == scores[best][0]


def test_a_feature_without_variance_does_not_upset_a_standardised_probe(make, monkeypatch):
    task, bench = make(8)
    features = bench.features(task.train.inputs).clone()
    features[:, 3] = 0.25
    monkeypatch.setattr(Workbench, "features", lambda self, inputs: features[: len(inputs)])
    for strategy in (LinearProbe(scale="standardise"), RidgeProbe(scale="standardise")):
        head = fit(strategy, task, bench).head
        assert (head.weight[:, 3].abs() < 1e-6).all()


def test_the_mlp_probe_trains_its_head_on_features_and_nothing_else(make):
    task, bench = make()
    before = {key: value.clone() for key, value in bench.frozen_backbone().state_dict().items()}
    model = fit(MlpProbe(hidden=16), task, bench)
    assert all(torch.equal(value, before[key]) for key, value in model.backbone.state_dict().items())
    assert bench.journal.trained_parameters == 8 * 16 + 16 + 16 * 4 + 4
    assert not bench.journal.validated


def test_augmentation_has_no_part_in_the_mlp_probe(make):
    test = corners(20, 2)
    plain, moved = (
        outputs(MlpProbe(), *make(recipe=Recipe(steps=10, batch_size=8, augment=kind)), test)
        for kind in ("none", "shift-flip")
    )
    assert np.array_equal(plain, moved)


def test_the_mlp_probe_is_selected_on_validation_labels(make):
    val = corners(60, 3)
    task, bench = make(val=val, recipe=Recipe(steps=100, batch_size=8, evaluate_every=1))
    selected = outputs(MlpProbe(lr=0.1), task, bench, val).argmax(1)
    assert bench.journal.validated
    assert bench.journal.notes["training_1_selected_step"] < 100
    last_task, last_bench = make(recipe=Recipe(steps=100, batch_size=8))
    last = outputs(MlpProbe(lr=0.1), last_task, last_bench, val).argmax(1)
    assert (selected == val.labels.numpy()).mean() > (last == val.labels.numpy()).mean()


def test_the_mlp_probe_takes_dropout_and_mixup_from_the_recipe(make):
    test = corners(20, 2)
    seen = {
        outputs(MlpProbe(), *make(recipe=Recipe(steps=5, batch_size=8, **change)), test).tobytes()
        for change in ({}, {"dropout": 0.5}, {"mixup": 1.0}, {"label_smoothing": 0.2})
    }
    assert len(seen) == 4


@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.variant)
def test_every_probe_learns_and_repeats_its_bits(make, strategy):
    test = corners(200, 2, hardness=80)
    first = outputs(strategy, *make(40), test)
    assert (first.argmax(1) == test.labels.numpy()).mean() > 0.5
    assert np.array_equal(first, outputs(strategy, *make(40), test))


@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.variant)
def test_one_example_per_class_is_enough_for_every_probe(make, strategy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = outputs(strategy, *make(4), corners(12, 2))
    assert found.shape == (12, 4)
    assert np.isfinite(found).all()
