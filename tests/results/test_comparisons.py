"""Paired tests, Holm's correction, effect sizes and what is needed, against scipy and published values."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tlbench.results.comparisons import compare, detectable_effect, holm, items_needed, replicates_needed

GENERATOR = np.random.default_rng(0)


def of_effect(effect, n=5):
    """Return a comparison of n replicates whose differences have this effect size."""
    values = np.arange(n) - (n - 1) / 2
    return compare((values / values.std(ddof=1) + effect)[None])


def test_missing_pairs_are_left_out_of_each_row_alone():
    rows = np.array([[1.0, 2, np.nan, 3], [1, -2, 3, 4]])
    found = compare(rows)
    assert found.n.tolist() == [3, 4]
    assert found.p[0] == pytest.approx(scipy_stats.ttest_1samp([1, 2, 3], 0).pvalue)


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_the_paired_t_test_is_scipys_widened_where_folds_overlap(overlap):
    one, other = GENERATOR.normal(size=(2, 7))
    found = scipy_stats.ttest_rel(one, other)
    statistic = found.statistic * np.sqrt((1 / 7) / (1 / 7 + overlap))
    assert compare((one - other)[None], overlap).p[0] == pytest.approx(2 * scipy_stats.t.sf(abs(statistic), 6))


def test_holm_is_the_published_procedure():
    # Holm (1979) as in Demsar (2006), section 3.2.2: p of four classifiers against C4.5, compared in order with
    # 0.05/3, 0.05/2, 0.05/1.
    p = np.array([0.019, 0.016, 0.607])
    assert holm(p).tolist() == pytest.approx([0.048, 0.048, 0.607])
    assert holm(np.array([0.04, np.nan, 0.01, 0.03])).tolist()[0] == pytest.approx(0.06)
    assert np.isnan(holm(np.array([0.04, np.nan]))[1])
    assert holm(np.array([])).tolist() == []


def test_holm_is_that_of_another_library():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = GENERATOR.uniform(0, 0.1, 12)
    assert holm(p).tolist() == pytest.approx(multitest.multipletests(p, method="holm")[1].tolist())


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (1.5, 6), (-0.5, 34)])
def test_the_replicates_needed_are_those_of_power_tables(effect, pairs):
    # G*Power 3.1, "means: difference between two dependent means", two tails, alpha 0.05, power 0.80
    assert replicates_needed(of_effect(effect))[0] == pairs


def test_a_stricter_level_takes_more_replicates_and_each_comparison_has_its_own():
    both = compare(np.concatenate([np.arange(5.0)[None]] * 2))
    assert replicates_needed(both, np.array([0.05, 0.05])).tolist() == [replicates_needed(both)[0]] * 2
    loose, strict = replicates_needed(both, np.array([0.05, 0.001]))
    assert loose < strict


def test_the_power_is_what_random_samples_have():
    for pairs, alpha in ((3, 0.05), (6, 0.05), (6, 0.005)):
        samples = np.random.default_rng(1).normal(detectable_effect(pairs, alpha), 1, (40_000, pairs))
        assert np.mean(compare(samples).p <= alpha) == pytest.approx(0.8, abs=0.008)
    for pairs in (5, 20, 50):
        limit = scipy_stats.t.ppf(0.975, pairs - 1)
        power = scipy_stats.nct.sf(limit, pairs - 1, detectable_effect(pairs) * np.sqrt(pairs))
        assert power == pytest.approx(0.8, abs=1e-3)
    assert detectable_effect(51) == pytest.approx(detectable_effect(50), rel=0.015)


def test_no_number_of_replicates_is_named_where_none_would_do():
    assert np.isnan([replicates_needed(of_effect(effect))[0] for effect in (0.0, 1e-4)]).all()
    assert np.isnan(replicates_needed(compare(np.array([[0.2, np.nan]])))).all()
    assert np.isnan(replicates_needed(compare(np.arange(4.0)[None], overlap=0.25))).all()  # folds


def test_where_test_items_are_what_lacks_more_replicates_are_of_no_use():
    found = replace(of_effect(1.0), by_replicate=np.array([0.0]), by_item=np.array([100.0]), items=np.array([50]))
    assert np.isnan(replicates_needed(found)[0])
    needed = items_needed(found)[0]
    # With so many items the standard error is what five pairs can show with 80 % power.
    assert np.sqrt(100.0 / needed) * detectable_effect(5) * np.sqrt(5) == pytest.approx(1.0, rel=0.01)
    assert np.isnan(items_needed(of_effect(1.0))[0])  # only scores are known
    hopeless = replace(found, by_replicate=np.array([50.0]))
    assert np.isnan(items_needed(hopeless)[0])


def test_a_comparison_says_all_at_once():
    one, other = GENERATOR.normal(0.5, 1, (2, 8))
    differences = one - other
    found = compare(np.array([differences, differences]), overlap=np.array([0.0, 0.25]))
    low, high = scipy_stats.t.interval(0.95, 7, differences.mean(), scipy_stats.sem(differences))
    assert (found.low[0], found.high[0]) == pytest.approx((low, high))
    assert found.effect[0] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.p[0] == pytest.approx(scipy_stats.ttest_rel(one, other).pvalue)
    assert found.n.tolist() == [8, 8]
    # folds that overlap: wider
    assert found.high[1] - found.low[1] == pytest.approx((high - low) * np.sqrt((1 / 8 + 0.25) * 8))
    assert found.p[1] > found.p[0]
    assert found.only(1).low.tolist() == [found.low[1]]


def test_one_pair_has_a_difference_and_nothing_else():
    found = compare(np.array([[0.2, np.nan]]))
    assert (found.delta[0], found.n[0], found.over[0]) == (0.2, 1, "")
    assert np.isnan([found.low[0], found.high[0], found.effect[0], found.p[0]]).all()
