"""The kit for metrics: each rule is broken by a metric that keeps the others, and all installed ones keep all."""

import socket

import numpy as np
import pytest

from tlbench import Metric
from tlbench.host import Catalog, Host
from tlbench.testing import METRIC_CHECKS, ConformanceError, MetricConformance

INSTALLED = Catalog(Host()).metric_list()


def broken(metric):
    """Return what the kit says, by the names of the checks that fail."""
    found = {}
    for check in METRIC_CHECKS:
        if check.in_a_run:
            continue  # tests/testing/test_run_checks.py breaks those
        try:
            check.run(metric)
        except ConformanceError as error:
            found[check.name] = str(error)
    return found


def right(logits, labels):
    return float((logits.argmax(1) == labels).mean())


def metric(compute, **options):
    return Metric("mine", compute, **{"description": "share of right answers", **options})


def squeezing(logits, labels):
    return np.array([right(logits, labels)])


def infinite(logits, labels):
    log = np.log(np.maximum(logits - logits.max(1, keepdims=True) + 1e-3, 0))
    return float(-log[np.arange(len(labels)), labels].mean())


def sorting(logits, labels):
    value = right(logits, labels)
    labels.sort()
    return value


def weighted(logits, labels):
    weights = np.arange(1, len(labels) + 1)
    return float(((logits.argmax(1) == labels) * weights).sum() / weights.sum())


def four_classes(logits, labels):
    return right(logits[:, :4] if logits.shape[1] <= 4 else logits[:, [3, 2, 1, 0, 9]], labels)


def spread(logits, labels):
    return right(logits, labels) - 0 * np.std(labels, ddof=1)


def by_class(logits, labels):
    return float(np.mean([right(logits[labels == label], labels[labels == label]) for label in range(logits.shape[1])]))


def scaled(logits, labels):
    width = float(np.ptp(logits))
    return right(logits, labels) / (width / width)


def drawn(logits, labels):
    return right(logits, labels) + 1e-9 * float(np.random.rand())


def connecting(logits, labels):
    socket.socket().close()
    return right(logits, labels)


def seeding(logits, labels):
    np.random.seed(0)
    return right(logits, labels)


@pytest.mark.parametrize("installed", INSTALLED, ids=lambda each: each.name)
def test_every_installed_metric_keeps_every_rule(installed):
    assert broken(installed) == {}


def test_a_sound_metric_breaks_nothing():
    assert broken(metric(right)) == {}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of what is wrong on purpose
@pytest.mark.parametrize(
    ("made", "rules", "words"),
    [
        (metric(right, description=""), ["it is declared as the catalog asks"], "has no description"),
        (metric(squeezing), ["the score is one finite number"], r"returns ndarray .*write return float\(...\)"),
        (metric(sorting), ["logits and labels stay as they were"], "changes labels in place"),
        (
            metric(right, higher_is_better=False),
            ["a perfect answer beats a guess in the declared direction"],
            "Give higher_is_better the other value",
        ),
        (metric(weighted), ["the order of examples has no say"], "with the examples in another order"),
        (metric(right, of="clusters"), ["the numbers of clusters have no say"], "clusters numbered otherwise"),
        (metric(four_classes), ["two classes and seven work"], "raised IndexError"),
        (metric(spread), ["one example works"], "score of one example is nan. Return a number, or NaN and say"),
        (metric(scaled), ["ties work"], "raised ZeroDivisionError"),
        (metric(drawn), ["equal answers give equal bits", "nothing else is touched"], "Leave chance out"),
        (metric(connecting), ["nothing else is touched"], "opened a socket"),
        (metric(seeding), ["nothing else is touched"], "the generator of numpy"),
    ],
    ids=lambda value: getattr(getattr(value, "compute", None), "__name__", ""),
)
def test_a_metric_that_breaks_one_rule_is_told_of_it(made, rules, words):
    found = broken(made)
    assert list(found) == rules
    with pytest.raises(ConformanceError, match=words):
        raise ConformanceError(found[rules[0]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_class_without_examples_is_asked_for_and_nan_is_allowed_where_the_description_says_so():
    rules = ["one example works", "classes without an example work"]
    assert list(broken(metric(by_class))) == rules
    assert broken(metric(by_class, description="mean over classes; NaN where a class has no example")) == {}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_score_is_found_on_an_ordinary_problem():
    assert (
        "Guard the division or the logarithm of 0"
        in broken(metric(infinite, higher_is_better=False))["the score is one finite number"]
    )


class TestRight(MetricConformance):
    """The pytest class, as plugin authors use it."""

    metric = metric(right)


def test_the_pytest_class_has_a_test_for_every_check():
    names = {f"test_{check.run.__name__}" for check in METRIC_CHECKS}
    assert names == {name for name in dir(TestRight) if name.startswith("test_")}

    class OfWeighted(MetricConformance):
        metric = metric(weighted)

    with pytest.raises(ConformanceError, match="another order"):
        OfWeighted().test_the_order_of_examples_has_no_say()
