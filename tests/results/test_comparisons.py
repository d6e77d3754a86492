"""Paired tests, Holm's correction, effect sizes and ties, against scipy and published values."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tlbench.results.comparisons import (
    compare,
    detectable_effect,
    holm,
    paired_t_p,
    replicates_needed,
    score_step,
    separated_from,
    sign_flip_p,
)


def apart(best, scores):
    """Return which rows of scores differ from one of them."""
    return separated_from(best, len(scores), lambda first, second: scores[first] - scores[second])


GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("n", [2, 3, 5, 6, 9, 12, 13, 14])
def test_the_sign_flip_test_is_scipys_permutation_test(n):
    differences = GENERATOR.normal(0.4, 1, n)
    found = scipy_stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip_p(differences[None])[0] == pytest.approx(min(1.0, found))


def test_equal_and_absent_differences_count_as_scipy_counts_them():
    differences = np.array([3, -1, 0, 2, 2, 0, -3, 1, 4]) / 10
    found = scipy_stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip_p(differences[None])[0] == pytest.approx(found)
    assert sign_flip_p(np.zeros((1, 4)))[0] == 1
    assert np.isnan(sign_flip_p(np.full((1, 4), np.nan))[0])


def test_missing_pairs_are_left_out_of_each_row_alone():
    rows = np.array([[1.0, 2, np.nan, 3], [1, -2, 3, 4]])
    assert sign_flip_p(rows).tolist() == [sign_flip_p(np.array([[1.0, 2, 3]]))[0], sign_flip_p(rows[1:])[0]]
    assert paired_t_p(rows)[0] == pytest.approx(scipy_stats.ttest_1samp([1, 2, 3], 0).pvalue)


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.25), (5, 0.0625), (6, 0.03125), (8, 0.0078125), (9, 0.00390625)])
def test_the_smallest_p_is_the_published_one_however_large_the_difference(n, smallest):
    assert sign_flip_p(np.arange(1.0, n + 1)[None])[0] == smallest
    assert scipy_stats.wilcoxon(np.arange(1.0, n + 1), method="exact").pvalue == pytest.approx(smallest)


def test_many_pairs_are_flipped_at_random_and_always_alike():
    differences = np.random.default_rng(4).normal(0.3, 1, 40)
    p = sign_flip_p(differences[None])[0]
    assert p == sign_flip_p(differences[None])[0]
    assert p == pytest.approx(scipy_stats.ttest_1samp(differences, 0).pvalue, abs=0.01)
    assert sign_flip_p(np.ones((1, 40)))[0] == pytest.approx(1 / 100_001)  # never 0


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_the_paired_t_test_is_scipys_widened_where_folds_overlap(overlap):
    one, other = GENERATOR.normal(size=(2, 7))
    found = scipy_stats.ttest_rel(one, other)
    statistic = found.statistic * np.sqrt((1 / 7) / (1 / 7 + overlap))
    assert paired_t_p((one - other)[None], overlap)[0] == pytest.approx(2 * scipy_stats.t.sf(abs(statistic), 6))


def test_equal_differences_are_a_proof_only_as_far_as_scores_are_fine():
    same = np.full((1, 3), 0.1)
    assert paired_t_p(same)[0] == 0
    assert paired_t_p(same, step=0.1)[0] > 0.05  # three times the smallest step
    assert paired_t_p(same, step=0.001)[0] < 0.001
    assert paired_t_p(np.zeros((1, 3)))[0] == 1
    assert score_step(np.array([[0.5, 0.7], [0.6, np.nan]])) == pytest.approx(0.1)
    assert score_step(np.array([[0.5, 0.7]]), items=50) == 0.02
    assert score_step(np.array([[0.5]])) == 0


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
    assert replicates_needed(np.array([effect]))[0] == pairs


def test_the_power_is_what_random_samples_have():
    for pairs in (3, 6):
        samples = np.random.default_rng(1).normal(detectable_effect(pairs), 1, (40_000, pairs))
        assert np.mean(paired_t_p(samples) <= 0.05) == pytest.approx(0.8, abs=0.008)
    for pairs in (5, 20, 50):
        limit = scipy_stats.t.ppf(0.975, pairs - 1)
        power = scipy_stats.nct.sf(limit, pairs - 1, detectable_effect(pairs) * np.sqrt(pairs))
        assert power == pytest.approx(0.8, abs=1e-3)
    assert detectable_effect(51) == pytest.approx(detectable_effect(50), rel=0.015)


def test_no_number_of_replicates_is_named_where_none_would_do():
    assert np.isnan(replicates_needed(np.array([np.nan, 0.0, 1e-4]))).all()


def test_a_comparison_says_all_at_once():
    one, other = GENERATOR.normal(0.5, 1, (2, 8))
    differences = one - other
    found = compare(np.array([differences, differences]), overlap=np.array([0.0, 0.25]))
    low, high = scipy_stats.t.interval(0.95, 7, differences.mean(), scipy_stats.sem(differences))
    assert (found.low[0], found.high[0]) == pytest.approx((low, high))
    assert found.effect[0] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.p_t[0] == pytest.approx(scipy_stats.ttest_rel(one, other).pvalue)
    assert found.n.tolist() == [8, 8]
    # folds that overlap: wider, and neither flipped nor extrapolated
    assert found.high[1] - found.low[1] == pytest.approx((high - low) * np.sqrt((1 / 8 + 0.25) * 8))
    assert np.isnan(found.p[1])
    assert np.isnan(found.needed[1])
    assert found.p_t[1] > found.p_t[0]


def test_one_pair_has_a_difference_and_nothing_else():
    found = compare(np.array([[0.2, np.nan]]))
    assert (found.delta[0], found.n[0], found.p[0]) == (0.2, 1, 1.0)
    assert np.isnan([found.low[0], found.high[0], found.effect[0], found.needed[0], found.p_t[0]]).all()


def test_what_differs_from_the_best_is_corrected_for_all_pairs():
    generator = np.random.default_rng(3)
    base = generator.normal(0.7, 0.05, 6)
    scores = np.array([base, base - 0.002 + generator.normal(0, 0.02, 6), base - 0.3 + generator.normal(0, 0.01, 6)])
    assert apart(0, scores).tolist() == [False, False, True]
    assert apart(2, scores).tolist() == [True, True, False]
    assert apart(0, scores[:, :1]).tolist() == [False] * 3
    assert apart(0, scores[:1]).tolist() == [False]
    p = scipy_stats.ttest_rel(scores[0], scores[1]).pvalue
    gap = scores[0] - scores[1]
    alone = scores[1] + gap - gap.mean() + (gap - gap.mean()) * 0 + gap.std(ddof=1) / np.sqrt(6) * 3  # p about 0.03
    pair = np.array([alone, scores[1]])
    assert p > 0.05 >= scipy_stats.ttest_rel(*pair).pvalue
    assert apart(0, pair).tolist() == [False, True]
    many = np.concatenate([pair, scores[1] + generator.normal(0, 0.02, (8, 6))])
    assert not apart(0, many)[1]
