"""Intervals against published multipliers, against scipy, and against simulation."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tlbench.results import Interval, t_interval
from tlbench.results.stats import fewest_pairs, item_interval, share_interval, smallest_p, verdict


@pytest.mark.parametrize(("n", "multiplier"), [(3, 4.303), (5, 2.776), (10, 2.262)])
def test_the_multipliers_are_those_of_published_tables(n, multiplier):
    values = np.arange(n, dtype=float)
    interval = t_interval(values)
    half = multiplier * values.std(ddof=1) / np.sqrt(n)
    assert interval.high - interval.mean == pytest.approx(half, rel=2e-4)
    assert interval.mean - interval.low == pytest.approx(half, rel=2e-4)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_interval_is_scipys(level):
    values = np.random.default_rng(0).normal(size=7)
    expected = scipy_stats.t.interval(level, 6, values.mean(), scipy_stats.sem(values))
    interval = t_interval(values, level)
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert (interval.mean, interval.n) == (pytest.approx(values.mean()), 7)


def test_none_one_and_equal_values_have_no_spread_to_tell():
    assert np.isnan(t_interval(np.empty(0)).mean)
    one = t_interval(np.array([0.5]))
    assert (one.mean, one.n) == (0.5, 1)
    assert np.isnan(one.low)
    assert np.isnan(one.high)
    assert t_interval(np.full(4, 0.25)) == Interval(0.25, 0.25, 0.25, 4)


def test_the_t_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(2).normal(3.0, 2.0, size=(4000, 5))
    covered = [interval.low <= 3.0 <= interval.high for interval in map(t_interval, draws)]
    assert 0.94 <= np.mean(covered) <= 0.96


def test_the_bootstrap_over_items_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(3).binomial(3, 0.8, size=(400, 250)) / 3
    covered = [interval.low <= 0.8 <= interval.high for interval in map(item_interval, draws)]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_the_bootstrap_is_that_of_resampled_items():
    scores = np.random.default_rng(4).choice([0, 1 / 3, 2 / 3, 1], size=120)
    resampled = np.random.default_rng(5).choice(scores, size=(10_000, 120)).mean(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    interval = item_interval(scores)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert (interval.mean, interval.n) == (pytest.approx(scores.mean()), 120)
    assert item_interval(scores) == interval
    assert np.isnan(item_interval(np.empty(0)).low)


@pytest.mark.parametrize(
    ("items", "of", "share"), [(1, 1, 1.0), (30, 1, 0.5), (400, 3, 0.97), (3000, 6, 0.9), (700, 7, 0.002), (50, 3, 0.0)]
)
def test_the_computed_bootstrap_is_that_of_resampling_without_end(items, of, share):
    right = np.random.default_rng(items).binomial(of, share, items)
    counts = np.bincount(right, minlength=of + 1)
    draws = np.random.default_rng(1).multinomial(items, counts / items, size=100_000) @ np.arange(of + 1)
    low, high = np.quantile(draws, [0.025, 0.975])
    interval = share_interval(counts, of)
    assert (interval.low * items * of, interval.high * items * of) == pytest.approx((low, high), rel=0.003, abs=1.01)
    assert (interval.mean, interval.n) == (pytest.approx(right.mean() / of), items)
    again = item_interval(right / of)
    assert (again.low, again.high) == pytest.approx((interval.low, interval.high))


def test_scores_that_are_no_shares_are_resampled():
    scores = np.random.default_rng(6).normal(size=80)
    interval = item_interval(scores)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * scores.std() / np.sqrt(80), rel=0.05)


@pytest.mark.parametrize(("comparisons", "pairs"), [(0, 6), (1, 6), (2, 7), (4, 8), (9, 9), (10, 9), (20, 10)])
def test_how_many_pairs_a_corrected_exact_test_takes(comparisons, pairs):
    assert fewest_pairs(comparisons) == pairs
    assert smallest_p(pairs) * max(1, comparisons) <= 0.05 < smallest_p(pairs - 1) * max(1, comparisons)


@pytest.mark.parametrize(("pairs", "p"), [(0, 1.0), (1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_the_smallest_p_of_an_exact_test_is_known_before_anything_runs(pairs, p):
    assert smallest_p(pairs) == p
    if pairs >= 3:
        assert scipy_stats.wilcoxon(np.arange(1.0, pairs + 1), method="exact").pvalue == pytest.approx(p)


@pytest.mark.parametrize(
    ("delta", "p", "word"),
    [(0.1, 0.01, "better"), (-0.1, 0.01, "worse"), (0.1, 0.06, "unclear"), (0.0, 1.0, "unclear"), (0.1, np.nan, "")],
)
def test_a_verdict_goes_by_the_corrected_p(delta, p, word):
    assert verdict(delta, p) == word
    assert verdict(-delta, p, higher_is_better=False) == word


def test_the_smallest_p_of_thousands_of_pairs_is_no_overflow():
    assert 0 < smallest_p(1025) < 1e-300
    assert smallest_p(5000) == 0
