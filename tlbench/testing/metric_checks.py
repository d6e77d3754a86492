"""Check the rules of every metric, one function a rule; each raises ConformanceError where the rule is broken."""

import math
from typing import Any

import numpy as np

from tlbench.contract import Metric, check_metric
from tlbench.errors import PluginError
from tlbench.host import sentence_of
from tlbench.testing.check import checks_of, hold
from tlbench.testing.error import ConformanceError
from tlbench.testing.recording import listed
from tlbench.testing.run_checks import METRIC_RUN_RULES
from tlbench.testing.surroundings import (
    advance_generators,
    as_in_a_run,
    generator_states,
    plain,
    settings,
    watched,
)

CLASSES = 4
EACH = 15  # examples per class
TOLERANCE = 1e-6  # of sums in another order, relative
SAID = ("nan", "no number", "undefined")  # words by which a metric says that it may be no number


def it_is_declared_as_the_catalog_asks(metric: Metric) -> None:
    """Check for a Metric with a name that users can type, of labels or of clusters."""
    try:
        check_metric(metric)
    except PluginError as error:
        raise ConformanceError(str(error)) from None
    name = f"metric {metric.name}"
    hold(callable(metric.compute), name, "compute is no function: give one of logits and labels.")
    hold(metric.of in ("labels", "clusters"), name, f"of is {metric.of!r}; write 'labels' or 'clusters'.")
    hold(metric.classes != 1 and metric.classes >= 0, name, "classes is the one number of classes it is of, or 0.")
    hold(metric.description.strip(), name, "it has no description: one line for `tlbench list metrics`.")


def the_score_is_one_finite_number(metric: Metric) -> None:
    """Check that the score is a finite float; NaN only where the metric says when."""
    logits, labels = _problem(_classes_of(metric))
    value = _computed(metric, logits, labels)
    hold(
        isinstance(value, float | np.floating),
        metric.name,
        f"compute returns {type(value).__name__} ({_short(value)}); write return float(...).",
    )
    hold(
        math.isfinite(value),
        metric.name,
        f"compute returns {value} on an ordinary problem. Guard the division or the logarithm of 0.",
    )


def logits_and_labels_stay_as_they_were(metric: Metric) -> None:
    """Check that logits and labels stay as they were: the next metric is given the same arrays."""
    logits, labels = _problem(_classes_of(metric))
    before = logits.copy(), labels.copy()
    _computed(metric, logits, labels)  # raises with the reason
    metric.compute(logits, labels)
    changed = [
        name
        for name, now, then in zip(("logits", "labels"), (logits, labels), before, strict=True)
        if not np.array_equal(now, then)
    ]
    hold(not changed, metric.name, f"compute changes {listed(changed)} in place. Work on a copy, {changed}.copy().")


def a_perfect_answer_beats_a_guess_in_the_declared_direction(metric: Metric) -> None:
    """Check that perfect logits score higher than random ones, or lower where higher_is_better is off."""
    logits, labels = _problem(_classes_of(metric))
    perfect = _score(metric, 20 * np.eye(logits.shape[1], dtype=np.float32)[labels], labels)
    draws = [np.random.default_rng(seed).normal(size=logits.shape).astype(np.float32) * 3 for seed in range(5)]
    chance = float(np.mean([_score(metric, draw, labels) for draw in draws]))
    better = perfect > chance if metric.higher_is_better else perfect < chance
    hold(
        better,
        metric.name,
        f"a perfect answer scores {perfect:.3g} and a guess {chance:.3g}, with higher_is_better="
        f"{metric.higher_is_better}. Give higher_is_better the other value, or look at what is computed.",
    )


def the_order_of_examples_has_no_say(metric: Metric) -> None:
    """Check that a permutation of the rows leaves the score."""
    logits, labels = _problem(_classes_of(metric))
    order = np.random.default_rng(1).permutation(len(labels))
    one, other = _score(metric, logits, labels), _score(metric, logits[order], labels[order])
    hold(
        math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE),
        metric.name,
        f"the score is {one:.6g}, and {other:.6g} with the examples in another order. Pair each row of the logits with "
        "its own label.",
    )


def the_numbers_of_clusters_have_no_say(metric: Metric) -> None:
    """Check that a metric of clusters is the same when these are numbered anew."""
    if metric.of != "clusters":
        return
    logits, labels = _problem(_classes_of(metric))
    one, other = _score(metric, logits, labels), _score(metric, np.roll(logits, 1, axis=1), labels)
    hold(
        math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE),
        metric.name,
        f"the score is {one:.6g}, and {other:.6g} with the clusters numbered otherwise. Match clusters with classes "
        "first, or declare of='labels'.",
    )


def two_classes_and_seven_work(metric: Metric) -> None:
    """Check that two classes and seven work; a metric of one number of classes gives NaN for others."""
    for classes in (2, 7):
        other = metric.classes not in (0, classes)
        _hold_number(metric, *_problem(classes), f"with {classes} classes", may_be_nan=other)


def one_example_works(metric: Metric) -> None:
    """Check a single example: an episode may leave a single query to score."""
    logits, labels = _problem(_classes_of(metric))
    _hold_number(metric, logits[:1], labels[:1], "of one example", may_be_nan=True)


def classes_without_an_example_work(metric: Metric) -> None:
    """Check classes without an example: unbalanced episodes leave classes out of the test labels."""
    logits, labels = _problem(_classes_of(metric))
    kept = labels < logits.shape[1] - 1
    _hold_number(metric, logits[kept], labels[kept], "where a class has no example", may_be_nan=True)
    _hold_number(metric, logits[labels == 0], labels[labels == 0], "where all are of one class", may_be_nan=True)


def ties_work(metric: Metric) -> None:
    """Check logits that are all equal, and very large ones."""
    logits, labels = _problem(_classes_of(metric))
    _hold_number(metric, np.zeros_like(logits), labels, "where all logits are equal")
    _hold_number(metric, logits * 1e4, labels, "where logits are in the ten thousands")


def equal_answers_give_equal_bits(metric: Metric) -> None:
    """Check that a second call, after other work drew from the global generators, gives the same number."""
    logits, labels = _problem(_classes_of(metric))
    one = _score(metric, logits, labels)
    with as_in_a_run():
        advance_generators()
        other = _score(metric, logits, labels)
    hold(one == other, metric.name, f"it scores the same answer {one!r}, then {other!r}. Leave chance out, or seed it.")


def nothing_else_is_touched(metric: Metric) -> None:
    """Check that no file is written and no socket opened, and that global settings and generators stay as they were."""
    logits, labels = _problem(_classes_of(metric))
    _score(metric, logits, labels)
    with as_in_a_run():
        advance_generators()  # else one that seeds them would find them as it left them
        before, states = settings(), generator_states()
        with watched() as traces:
            _score(metric, logits, labels)
        changed = [name for name, value in settings().items() if value != before[name]]
        changed += [
            f"the generator of {name}"
            for name, state in generator_states().items()
            if plain(state) != plain(states[name])
        ]
    hold(not traces.found, metric.name, f"in compute {listed(traces.found)}. A metric returns its number and no more.")
    hold(not changed, metric.name, f"compute changes {listed(changed)} for all that runs after it.")


METRIC_CHECKS = (
    *checks_of(
        (
            it_is_declared_as_the_catalog_asks,
            the_score_is_one_finite_number,
            logits_and_labels_stay_as_they_were,
            a_perfect_answer_beats_a_guess_in_the_declared_direction,
            the_order_of_examples_has_no_say,
            the_numbers_of_clusters_have_no_say,
            two_classes_and_seven_work,
            one_example_works,
            classes_without_an_example_work,
            ties_work,
            equal_answers_give_equal_bits,
            nothing_else_is_touched,
        )
    ),
    *checks_of(METRIC_RUN_RULES, in_a_run=True),
)


def _classes_of(metric: Metric) -> int:
    """Return how many classes the problem has that a metric is tried on."""
    return metric.classes or CLASSES


def _problem(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, float32 (N, C), that are often right, and labels, int64 (N,), of classes of unequal size."""
    draw = np.random.default_rng(classes)
    labels = np.repeat(np.arange(classes), EACH + 3 * np.arange(classes)).astype(np.int64)
    labels = labels[draw.permutation(len(labels))]
    logits = draw.normal(size=(len(labels), classes)) + 1.5 * np.eye(classes)[labels]
    return logits.astype(np.float32), labels


def _computed(metric: Metric, logits: np.ndarray, labels: np.ndarray) -> Any:
    try:
        return metric.compute(logits.copy(), labels.copy())  # a rule of its own looks at what is done in place
    except Exception as error:
        what = f"{metric.name}: compute, of logits {logits.shape} and labels {labels.shape},"
        raise ConformanceError(sentence_of(error, what)) from error


def _score(metric: Metric, logits: np.ndarray, labels: np.ndarray) -> float:
    value = _computed(metric, logits, labels)
    try:
        return float(np.asarray(value).item())
    except (TypeError, ValueError):
        raise ConformanceError(
            f"{metric.name}: compute returns {type(value).__name__} ({_short(value)}); write return float(...)."
        ) from None


def _hold_number(
    metric: Metric, logits: np.ndarray, labels: np.ndarray, when: str, *, may_be_nan: bool = False
) -> None:
    """Hold that a score is finite; NaN counts where the metric's own words say that it may be."""
    value = _score(metric, logits, labels)
    words = f"{metric.description} {getattr(metric.compute, '__doc__', '') or ''}".lower()
    said = may_be_nan and math.isnan(value) and any(word in words for word in SAID)
    hold(
        math.isfinite(value) or said,
        metric.name,
        f"the score {when} is {value}. Return a number, or NaN and say in the description when"
        if may_be_nan
        else f"the score {when} is {value}. Return a number.",
    )


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 40 else text[:37] + "..."
