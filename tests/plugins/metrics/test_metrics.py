"""The metrics, against closed forms, scikit-learn and simulation."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn_metrics

import tlbench_metrics

FEW = settings(max_examples=25, deadline=None)  # scikit-learn's scores take milliseconds each
METRICS = {metric.name: metric for metric in tlbench_metrics.tlbench_metrics()}
OF_CLUSTERS = {"clustering-accuracy", "nmi", "ari"}
RANKING = {"auroc": sklearn_metrics.roc_auc_score, "average-precision": sklearn_metrics.average_precision_score}


def score(name, logits, labels):
    return METRICS[name].compute(np.asarray(logits, dtype=np.float32), np.asarray(labels, dtype=np.int64))


def logits_of(predictions, classes, margin=5.0):
    """Return logits whose highest entries are these predictions."""
    return np.eye(classes, dtype=np.float32)[np.asarray(predictions)] * margin


@st.composite
def predictions(draw):
    """Draw logits of whole numbers, so that shifting them is exact, and labels of one to six classes."""
    classes, examples = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    logits = draw(arrays(np.float32, (examples, classes), elements=st.integers(-50, 50).map(float)))
    labels = draw(arrays(np.int64, examples, elements=st.integers(0, classes - 1)))
    return logits, labels


def test_every_metric_says_what_it_is_and_which_way_is_better():
    assert list(METRICS) == [
        "accuracy", "balanced-accuracy", "macro-f1", "worst-class-accuracy", "sensitivity", "specificity", "auroc",
        "average-precision", "nll", "ece",
        "clustering-accuracy", "nmi", "ari",
    ]  # fmt: skip
    assert all(metric.description for metric in METRICS.values())
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == {"nll", "ece"}
    assert {name for name, metric in METRICS.items() if metric.of == "clusters"} == OF_CLUSTERS


def test_importing_the_plugin_does_not_wait_for_scikit_learn():
    code = "import sys, tlbench_metrics; sys.exit('sklearn' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_accuracies_of_a_hand_counted_case():
    labels = [0, 0, 0, 0, 1, 1, 2, 2]
    logits = logits_of([0, 0, 0, 1, 1, 2, 2, 2], classes=3)
    assert score("accuracy", logits, labels) == 6 / 8
    assert score("balanced-accuracy", logits, labels) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert score("worst-class-accuracy", logits, labels) == 1 / 2
    f1 = [2 * 3 / (4 + 3), 2 * 1 / (2 + 2), 2 * 2 / (2 + 3)]  # twice the hits over labelled plus predicted
    assert score("macro-f1", logits, labels) == pytest.approx(sum(f1) / 3)


def test_macro_f1_and_balanced_accuracy_equal_those_of_scikit_learn_when_every_class_is_present():
    generator = np.random.default_rng(0)
    labels = np.arange(500) % 7
    logits = generator.normal(size=(500, 7)) + 1.5 * np.eye(7)[labels]
    predicted = logits.astype(np.float32).argmax(1)
    assert score("accuracy", logits, labels) == sklearn_metrics.accuracy_score(labels, predicted)
    assert score("macro-f1", logits, labels) == sklearn_metrics.f1_score(labels, predicted, average="macro")
    assert score("balanced-accuracy", logits, labels) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, predicted)
    )
    assert score("nll", logits, labels) == pytest.approx(
        sklearn_metrics.log_loss(labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)), rel=1e-5
    )


def test_a_class_without_test_examples_is_left_out_of_the_class_means():
    logits = logits_of([0, 0, 2, 3], classes=4)  # class 2 has no examples and is predicted once
    labels = [0, 0, 3, 3]
    assert score("balanced-accuracy", logits, labels) == pytest.approx((1 + 1 / 2) / 2)
    assert score("worst-class-accuracy", logits, labels) == 1 / 2
    assert score("macro-f1", logits, labels) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_logits_cost_the_logarithm_of_the_number_of_classes():
    assert score("nll", np.zeros((3, 10)), [0, 4, 9]) == pytest.approx(math.log(10))


def test_huge_logits_neither_overflow_nor_lose_the_loss():
    assert score("nll", [[1e4, 0.0], [0.0, 1e4]], [0, 0]) == pytest.approx(1e4 / 2)


def test_the_calibration_error_of_a_hand_counted_case():
    # 0.8 confident and 3 of 4 right, then 0.6 confident and 1 of 2 right: two bins of 4 and 2 examples.
    sure, unsure = [math.log(0.8), math.log(0.2)], [math.log(0.6), math.log(0.4)]
    logits, labels = [sure] * 4 + [unsure] * 2, [0, 0, 0, 1, 0, 1]
    assert score("ece", logits, labels) == pytest.approx((4 * 0.05 + 2 * 0.1) / 6, abs=1e-6)


def test_a_bin_weighs_its_gap_and_bins_do_not_cancel():
    sure, unsure = [0.0, -100.0], [math.log(0.51), math.log(0.49)]
    logits, labels = [sure] * 10 + [unsure] * 10, [0] * 8 + [1] * 2 + [0] * 10  # too sure, then too unsure
    assert score("ece", logits, labels) == pytest.approx((0.2 + 0.49) / 2, abs=1e-6)


def test_certain_and_wrong_everywhere_is_the_worst_calibration():
    assert score("ece", logits_of([1] * 5, 2, margin=1000.0), [0] * 5) == pytest.approx(1.0)


@pytest.mark.parametrize("classes", [2, 10])
def test_labels_drawn_from_the_predicted_probabilities_are_calibrated(classes):
    generator = np.random.default_rng(classes)
    logits = generator.normal(scale=2, size=(40_000, classes)).astype(np.float32)
    gumbel = generator.gumbel(size=logits.shape)
    labels = (logits + gumbel).argmax(1)  # a draw from the softmax of the logits
    assert score("ece", logits, labels) < 0.01
    assert score("ece", 3 * logits, labels) > 0.05  # the same answers, too sure of themselves


@FEW
@given(predictions(), st.integers(-1000, 1000))
def test_adding_a_constant_to_an_examples_logits_changes_nothing(drawn, constant):
    logits, labels = drawn
    for name in METRICS:
        again = score(name, logits + constant, labels)
        assert again == pytest.approx(score(name, logits, labels), abs=1e-9, nan_ok=True)


@FEW
@given(predictions(), st.randoms(use_true_random=False))
def test_the_order_of_the_examples_changes_nothing(drawn, random):
    logits, labels = drawn
    order = random.sample(range(len(labels)), len(labels))
    for name in METRICS:
        assert score(name, logits[order], labels[order]) == pytest.approx(score(name, logits, labels), nan_ok=True)


@FEW
@given(predictions())
def test_every_metric_stays_in_its_range(drawn):
    logits, labels = drawn
    scores = {name: score(name, logits, labels) for name in METRICS}
    assert all(type(value) is float for value in scores.values())
    undefined = {name for name, value in scores.items() if math.isnan(value)}
    expected = set(RANKING) if len(set(labels)) < 2 else set()
    expected |= {"sensitivity"} if logits.shape[1] != 2 or 1 not in labels else set()
    expected |= {"specificity"} if logits.shape[1] != 2 or 0 not in labels else set()
    assert undefined == expected
    scores = {name: value for name, value in scores.items() if name not in undefined}
    assert scores.pop("nll") >= 0
    assert -0.5 - 1e-9 <= scores.pop("ari") <= 1
    assert all(0 <= value <= 1 for value in scores.values())
    assert scores["worst-class-accuracy"] <= scores["balanced-accuracy"]


@FEW
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_right_answers_throughout_score_one(labels):
    logits = logits_of(labels, classes=5)
    for name in ("accuracy", "balanced-accuracy", "macro-f1", "worst-class-accuracy"):
        assert score(name, logits, labels) == 1.0


def probabilities(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", sorted(RANKING))
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_ranking_metrics_of_two_classes_are_those_of_scikit_learn_for_the_second(name, share):
    generator = np.random.default_rng(int(100 * share))
    labels = (np.arange(400) < 400 * share).astype(int)
    logits = (8 * generator.normal(size=(400, 2))).round() / 8 + np.eye(2)[labels]  # of eighths: some are equal
    assert score(name, logits, labels) == pytest.approx(RANKING[name](labels, logits[:, 1] - logits[:, 0]))


@pytest.mark.parametrize("classes", [3, 7])
def test_ranking_metrics_of_more_classes_are_scikit_learns_mean_of_one_against_the_rest(classes):
    generator = np.random.default_rng(classes)
    labels = np.minimum(generator.geometric(0.4, size=500) - 1, classes - 1)
    logits = generator.normal(size=(500, classes)) + np.eye(classes)[labels]
    shares = probabilities(logits.astype(np.float32).astype(float))
    expected = sklearn_metrics.roc_auc_score(labels, shares, multi_class="ovr", average="macro")
    assert score("auroc", logits, labels) == pytest.approx(expected)
    expected = sklearn_metrics.average_precision_score(np.eye(classes)[labels], shares, average="macro")
    assert score("average-precision", logits, labels) == pytest.approx(expected)


def test_sensitivity_and_specificity_are_scikit_learns_recall_of_the_second_and_of_the_first_class():
    generator = np.random.default_rng(0)
    labels = (generator.random(300) < 0.1).astype(int)
    logits = generator.normal(size=(300, 2)) + 1.5 * np.eye(2)[labels]
    predicted = logits.astype(np.float32).argmax(1)
    assert score("sensitivity", logits, labels) == sklearn_metrics.recall_score(labels, predicted, pos_label=1)
    assert score("specificity", logits, labels) == sklearn_metrics.recall_score(labels, predicted, pos_label=0)
    both = (score("sensitivity", logits, labels) + score("specificity", logits, labels)) / 2
    assert score("balanced-accuracy", logits, labels) == pytest.approx(both)


def test_the_area_under_the_roc_curve_of_a_hand_counted_case():
    logits, labels = [[0, 3], [0, 1], [0, 2], [0, 1]], [1, 1, 0, 0]  # of four pairs two won, one lost, one tied
    assert score("auroc", logits, labels) == 2.5 / 4


@pytest.mark.parametrize("name", sorted(RANKING))
def test_probabilities_next_to_one_still_have_an_order(name):
    logits, labels = [[0.0, 800.0], [0.0, 900.0]], [0, 1]  # both of probability 1.0 in double precision
    assert score(name, logits, labels) == 1.0
    more, labels = [[900.0, 0.0, -5.0], [800.0, 0.0, -5.0], [0.0, 9.0, 0.0]], [0, 1, 1]
    assert score("auroc", more, labels) == 1.0


def test_a_class_without_test_examples_is_left_out_of_the_mean_area():
    logits, labels = np.random.default_rng(1).normal(size=(50, 3)), np.arange(50) % 2
    parts = [
        sklearn_metrics.roc_auc_score(labels == each, probabilities(logits.astype(np.float32))[:, each])
        for each in (0, 1)
    ]
    assert score("auroc", logits, labels) == pytest.approx(np.mean(parts))


def test_the_scores_of_a_hand_counted_clustering():
    labels = [0, 0, 0, 1, 1, 1, 2, 2]
    found = logits_of([2, 2, 1, 1, 1, 0, 0, 0], classes=3)  # best: cluster 2 is class 0, 1 is 1, 0 is 2
    assert score("clustering-accuracy", found, labels) == 6 / 8
    assert score("accuracy", found, labels) == 2 / 8
    together, in_classes, in_clusters, pairs = 1 + 1 + 1, 3 + 3 + 1, 1 + 3 + 3, 28
    chance = in_classes * in_clusters / pairs
    assert score("ari", found, labels) == pytest.approx((together - chance) / ((in_classes + in_clusters) / 2 - chance))


@FEW
@given(predictions())
def test_clustering_accuracy_is_the_best_of_all_matchings(drawn):
    logits, labels = drawn
    found, classes = logits.argmax(1), logits.shape[1]
    best = max(
        np.mean(np.array(matching)[found] == labels) for matching in itertools.permutations(range(classes), classes)
    )
    assert score("clustering-accuracy", logits, labels) == pytest.approx(best)
    assert score("clustering-accuracy", logits, labels) >= score("accuracy", logits, labels) - 1e-12


@FEW
@given(predictions(), st.randoms(use_true_random=False))
def test_the_numbers_of_clusters_mean_nothing(drawn, random):
    logits, labels = drawn
    found = logits_of(logits.argmax(1), logits.shape[1])  # ties of logits would go to another cluster
    order = random.sample(range(found.shape[1]), found.shape[1])
    for name in OF_CLUSTERS:
        assert score(name, found[:, order], labels) == pytest.approx(score(name, found, labels))


def test_information_and_rand_index_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    labels, found = draw.integers(0, 5, 300), draw.integers(0, 6, 300)
    found[:200] = labels[:200]
    logits = logits_of(found, classes=6)
    assert score("nmi", logits, labels) == pytest.approx(sklearn_metrics.v_measure_score(labels, found))
    assert score("ari", logits, labels) == pytest.approx(sklearn_metrics.adjusted_rand_score(labels, found))


@pytest.mark.parametrize("name", sorted(OF_CLUSTERS))
def test_the_right_grouping_under_other_numbers_scores_one(name):
    labels = np.arange(30) % 3
    assert score(name, logits_of((labels + 1) % 3, 5), labels) == pytest.approx(1)


def test_one_cluster_for_all_is_worth_nothing_beyond_the_largest_class():
    labels = [0] * 5 + [1] * 3 + [2] * 2
    found = logits_of([1] * 10, classes=3)
    assert score("clustering-accuracy", found, labels) == 0.5
    assert score("nmi", found, labels) == pytest.approx(0, abs=1e-9)
    assert score("ari", found, labels) == pytest.approx(0, abs=1e-9)


def test_fewer_clusters_than_classes_leave_classes_unmatched():
    labels = [0, 0, 1, 1, 2, 2, 2]
    assert score("clustering-accuracy", logits_of([0, 0, 0, 0, 1, 1, 1], classes=2), labels) == 5 / 7
