"""Who leads at which label budget, and where one overtakes another: by hand, and against simulation.

As a script, with a number of how much, it simulates more and prints: `python tests/results/test_crossings.py 10`.
"""

import sys

import numpy as np
import pandas as pd
import pytest
from test_statistics_simulation import LABELS

from tlbench.results.crossings import budget_labels, crossing_interval, crossing_point, rankings
from tlbench.results.summary import Summary

PLACES = np.log([1.0, 5.0, 20.0, 50.0])
CLASSES = 10
STEADY = np.array([-0.004, 0.003, 0.001, -0.002, 0.004, -0.002])  # what six replicates add to a mean


def summarised(curves, lower=False, counts=None):
    """Summarise strategies whose score at each budget is a mean with steady replicates, or these scores themselves.

    `curves` has for each strategy its budgets, each with a mean or a list of scores.
    """
    rows = []
    for place, (strategy, curve) in enumerate(curves.items()):
        for budget, level in curve.items():
            scores = level if isinstance(level, list) else level + np.roll(STEADY, place)
            labels = (counts or {}).get(budget, CLASSES * int(budget.partition("-")[0]) if "-" in budget else 0)
            for replicate, score in enumerate(scores):
                cell = f"{strategy} {budget} {replicate}"
                rows.append(
                    {**LABELS, "dataset": "data", "transfer": "data", "strategy": strategy, "replicate": replicate,
                     "family": "finetune", "marked": False, "budget": budget, "cell": cell, "result": cell,
                     "accuracy": score, "train_labels": labels}
                )  # fmt: skip
    return Summary(pd.DataFrame(rows), "accuracy", not lower)


def ranked(curves, **how):
    [found] = rankings(summarised(curves, **how))
    return found


def by_shots(*levels):
    return dict(zip(("1-shot", "5-shot", "20-shot", "50-shot"), levels, strict=False))


# Where curves cross


def test_a_curve_crosses_where_the_straight_line_between_two_budgets_does():
    curves = np.array([[-0.2, -0.1, 0.1, 0.3], [-0.1, -0.1, -0.1, 0.3], [0.1, 0.2, 0.3, 0.4], [-0.3, -0.2, -0.2, -0.1]])
    found = crossing_point(curves, PLACES)
    assert found[0] == pytest.approx(np.log(10))
    assert found[1] == pytest.approx(np.log(20) + 0.25 * np.log(2.5))
    assert found[2:].tolist() == [-np.inf, np.inf]


def test_of_several_crossings_the_one_that_parts_the_curve_best_counts():
    wobbles = np.array([[-0.01, 0.01, -0.3, 0.4]])
    assert np.log(20) < crossing_point(wobbles, PLACES)[0] < np.log(50)


def test_one_replicate_has_no_interval_and_two_have_a_wide_one():
    at, low, high = crossing_interval(np.array([[-0.2, -0.1, 0.1, 0.2]]), PLACES, np.zeros(4))
    assert at == pytest.approx(np.log(10))
    assert np.isnan([low, high]).all()
    _, low, high = crossing_interval(np.array([[-0.2, -0.1, 0.1, 0.2], [-0.1, 0.0, 0.2, 0.3]]), PLACES, np.zeros(4))
    assert (low, high) == (-np.inf, np.inf)


# Budgets


def test_budgets_are_in_the_order_of_their_labels_and_shares_and_totals_are_counted_by_the_ledger():
    counts = {"10%": 72, "full": 720, "300": 300, "0": 0}
    curves = {"a": dict.fromkeys(("full", "10%", "0", "300"), 0.5)}
    assert budget_labels(summarised(curves, counts=counts).rows) == (
        {"0": 0.0, "10%": 72.0, "300": 300.0, "full": 720.0}, "labels"
    )  # fmt: skip
    mixed = {"a": dict.fromkeys(("full", "5-shot"), 0.5)}
    assert budget_labels(summarised(mixed, counts={"5-shot": 60, "full": 720}).rows) == (
        {"5-shot": 5.0, "full": 60.0}, "labels per class"
    )  # fmt: skip


def test_sentences_name_shares_and_all_labels_as_they_are_spelled():
    counts = {"10%": 72, "full": 720}
    found = ranked({"a": {"10%": 0.5, "full": 0.8}, "b": {"10%": 0.6, "full": 0.9}}, counts=counts)
    assert found.sentence == "b is clearly best from 10% to full"
    total = ranked({"a": {"100": 0.5, "1000": 0.8}, "b": {"100": 0.6, "1000": 0.9}}, counts={"100": 100, "1000": 1000})
    assert total.sentence == "b is clearly best from 100 to 1,000 labels"


# Who leads


def test_a_clear_crossing_is_said_with_its_place_and_interval():
    found = ranked({"probe": by_shots(0.6, 0.7, 0.75, 0.8), "finetune": by_shots(0.4, 0.65, 0.8, 0.9)})
    [crossing] = found.crossings
    assert crossing.is_certain
    assert (crossing.before, crossing.after, crossing.last, crossing.first) == (
        "probe",
        "finetune",
        "5-shot",
        "20-shot",
    )
    assert crossing.at == pytest.approx(10, rel=0.02)
    assert 5 <= crossing.low < crossing.at < crossing.high <= 20
    low, high = round(crossing.low), round(crossing.high)
    assert found.sentence == (
        f"Below about 10 labels per class probe, above that finetune (95% interval of the crossing: {low} to {high})"
    )


def test_where_less_is_better_the_lower_curve_leads():
    found = ranked({"probe": by_shots(0.3, 0.4, 0.5, 0.6), "finetune": by_shots(0.5, 0.45, 0.4, 0.4)}, lower=True)
    assert found.best == ("probe", "probe", "finetune", "finetune")
    assert [(each.before, each.after) for each in found.crossings] == [("probe", "finetune")]


def test_rows_that_are_tied_at_both_ends_are_not_said_to_cross():
    wide = np.array([-0.1, 0.1, 0.08, -0.09, 0.05, -0.04])
    first = by_shots(*(list(level + wide) for level in (0.60, 0.70, 0.80)))
    second = by_shots(*(list(level - wide) for level in (0.58, 0.71, 0.82)))
    found = ranked({"a": first, "b": second})
    assert len(set(found.best)) == 2, "the means cross"
    assert found.crossings == ()
    assert found.sentence == "Which of b and a is ahead from 1 to 20 labels per class is not clear"


def test_a_budget_at_which_both_are_tied_lies_within_the_interval():
    wide = np.array([-0.03, 0.03, 0.02, -0.03, 0.02, -0.01])
    first = by_shots(0.6, list(0.7 + wide), 0.7)
    second = by_shots(0.4, list(0.701 - wide), 0.9)
    found = ranked({"a": first, "b": second})
    assert set(found.tied[1]) == {"a", "b"}
    [crossing] = found.crossings
    assert crossing.low <= 5 <= crossing.high
    assert found.sentence.endswith("; who is ahead at 5 is not clear")


def test_what_overtakes_where_only_one_was_run_is_no_crossing():
    found = ranked({"a": by_shots(0.6, 0.7), "b": {"20-shot": 0.8, "50-shot": 0.9}})
    assert found.crossings == ()
    assert found.sentence == "a from 1 to 5 labels per class; b from 20 to 50 labels per class"


def test_no_labels_at_all_are_no_place_on_a_logarithmic_axis():
    found = ranked({"a": {"0": 0.6, "1-shot": 0.5, "5-shot": 0.6}, "b": {"0": 0.4, "1-shot": 0.7, "5-shot": 0.8}})
    assert found.labels == (0.0, 1.0, 5.0)
    assert found.crossings == ()
    assert found.sentence == "a at 0 labels per class; b from 1 to 5 labels per class"


def test_the_best_everywhere_is_said_to_lead_and_where_clearly():
    clear = ranked({"a": by_shots(0.6, 0.8), "b": by_shots(0.5, 0.7)})
    assert clear.sentence == "a is clearly best from 1 to 5 labels per class"
    wide = np.array([-0.1, 0.1, 0.08, -0.09, 0.05, -0.04])
    half = ranked({"a": by_shots(0.6, list(0.8 + wide)), "b": by_shots(0.5, list(0.78 - wide))})
    assert half.sentence == "a leads from 1 to 5 labels per class, clearly at 1"


def test_three_reigns_have_two_crossings():
    found = ranked(
        {"a": by_shots(0.6, 0.6, 0.6, 0.6), "b": by_shots(0.5, 0.7, 0.7, 0.7), "c": by_shots(0.2, 0.5, 0.9, 0.95)}
    )
    assert [(each.before, each.after) for each in found.crossings] == [("a", "b"), ("b", "c")]
    first, second = (f"{each.at:.0f}" if each.at >= 3 else f"{each.at:.1f}" for each in found.crossings)
    assert found.sentence.startswith(
        f"Below about {first} labels per class a, from there to about {second} b, above that c (95% intervals of the "
        "crossings: "
    )


def test_one_budget_and_episodes_have_no_ranking():
    assert rankings(summarised({"a": {"1-shot": 0.5}, "b": {"1-shot": 0.6}})) == ()
    episodes = {"5-way 1-shot": 0.5, "5-way 5-shot": 0.6}
    assert rankings(summarised({"a": episodes}, counts=dict.fromkeys(episodes, 5))) == ()


# Simulation


def covered(trials, n, at, spread=0.02, items=0.0, alike=1.0):
    """Return how often the interval holds the place where curves truly cross, and how often both ends are finite.

    `spread` is how unlike replicates are at a budget, half of it in common; `items` the standard error that test items
    add, `alike` the correlation of what they add at two budgets.
    """
    draw = np.random.default_rng(3)
    truth = 0.05 * (PLACES - np.log(at))
    held, finite = [], []
    for _ in range(trials):
        shared = draw.normal(size=(n, 1)) * np.sqrt(0.5)
        noise = spread * (shared + draw.normal(size=(n, len(PLACES))) * np.sqrt(0.5))
        shift = items * (np.sqrt(alike) * draw.normal() + np.sqrt(1 - alike) * draw.normal(size=len(PLACES)))
        _, low, high = crossing_interval(truth + noise + shift, PLACES, np.full(len(PLACES), items))
        held.append(low <= np.log(at) <= high)
        finite.append(np.isfinite([low, high]).all())
    return float(np.mean(held)), float(np.mean(finite))


@pytest.mark.parametrize(("n", "items"), [(3, 0.0), (6, 0.0), (6, 0.02), (20, 0.01)])
def test_the_interval_of_a_crossing_holds_it_in_95_of_100_cases(n, items):
    held, _ = covered(300, n, 8.0, items=items)
    assert 0.92 <= held <= 0.995


def report(many: int) -> None:
    """Print what larger simulations give."""
    for n in (2, 3, 6, 10, 20):
        for spread, items, alike in ((0.02, 0.0, 1.0), (0.05, 0.0, 1.0), (0.02, 0.02, 1.0), (0.02, 0.02, 0.0)):
            found = [covered(100 * many, n, at, spread, items, alike) for at in (8.0, 2.0)]
            held, finite = ([round(each[k], 3) for each in found] for k in (0, 1))
            print(f"crossings at 8 and 2 labels, {n} replicates that differ by {spread}, test items by {items} (alike "
                  f"{alike}): held {held}, both ends finite {finite}")  # fmt: skip


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
