"""The crossed model of replicates and test items: its mean squares, its limits, and what no luck may prove."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tlbench.results.crossed import _components, cross, share_bounds

ONE, OTHER = np.array([0]), np.array([1])


def crossed(differences, step=0.0):
    """Cross one difference, given as (replicates, items)."""
    table = np.asarray(differences, dtype=np.float64)
    return cross(lambda r: np.stack([table[r], np.zeros_like(table[r])]), len(table), ONE, OTHER, step)


def test_the_components_are_those_of_an_analysis_of_variance():
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    anova = pytest.importorskip("statsmodels.stats.anova")
    import pandas as pd

    generator = np.random.default_rng(0)
    table = generator.normal(size=(5, 1)) + 2 * generator.normal(size=(1, 40)) + generator.normal(size=(5, 40))
    frame = pd.DataFrame([(r, i, value) for (r, i), value in np.ndenumerate(table)], columns=["r", "i", "value"])
    found = anova.anova_lm(statsmodels.ols("value ~ C(r) + C(i)", frame).fit())
    a, b, e = (found["sum_sq"] / found["df"]).tolist()
    ours = crossed(table)
    assert (ours.by_replicate[0], ours.by_item[0], ours.rest[0]) == pytest.approx(((a - e) / 40, (b - e) / 5, e))
    assert ours.variance[0] == pytest.approx((a + b - e) / 200)
    assert ours.freedom[0] == pytest.approx((a + b - e) ** 2 / (a**2 / 4 + (b - e) ** 2 / 39))


def test_pairs_of_many_rows_are_each_as_if_alone():
    table = np.random.default_rng(1).integers(0, 2, (4, 6, 30)).astype(np.float32)  # rows, replicates, items
    first, second = np.triu_indices(4, k=1)
    together = cross(lambda r: table[:, r], 6, first, second, 1 / 30)
    for place, (i, j) in enumerate(zip(first, second, strict=True)):
        alone = crossed(table[i].astype(float) - table[j], 1 / 30)
        assert together.variance[place] == pytest.approx(alone.variance[0])
        assert together.freedom[place] == pytest.approx(alone.freedom[0])


def test_one_replicate_is_a_paired_t_test_over_items():
    values = np.random.default_rng(2).normal(0.2, 1, 50)
    found = crossed(values[None])
    assert found.variance[0] == pytest.approx(scipy_stats.sem(values) ** 2)
    assert found.freedom[0] == 49


def test_without_anything_of_items_it_is_students_t_over_replicates():
    over = np.array([0.1, 0.3, 0.2, 0.5])
    found = crossed(np.repeat(over[:, None], 20, axis=1))
    assert found.variance[0] == pytest.approx(scipy_stats.sem(over) ** 2)
    assert found.freedom[0] == pytest.approx(3)
    assert found.p(over.mean()[None])[0] == pytest.approx(scipy_stats.ttest_1samp(over, 0).pvalue)


def test_an_interval_ends_where_p_is_what_it_leaves_out():
    table = np.random.default_rng(3).normal(0.1, 1, (3, 30)) + np.random.default_rng(4).normal(size=30)
    found = crossed(table)
    for level in (0.5, 0.95, 0.9999):
        assert found.p(found.half(level))[0] == pytest.approx(1 - level)


def test_however_equal_replicates_are_p_is_not_below_that_over_them_alone():
    generator = np.random.default_rng(5)
    for _ in range(20):
        table = generator.normal(0.5, 1, (3, 200)) + generator.normal(0, 0.3, (3, 1))
        alone = scipy_stats.ttest_1samp(table.mean(axis=1), 0).pvalue
        found = crossed(table)
        assert found.p(table.mean()[None])[0] >= alone - 1e-12
        assert found.half(0.999)[0] >= scipy_stats.t.ppf(0.9995, 2) * scipy_stats.sem(table.mean(axis=1)) - 1e-12


@pytest.mark.parametrize(
    ("replicates", "spread", "items"), [(3, 0.07, 0.5), (3, 0.25, 0.5), (6, 0.25, 0.5), (2, 0.1, 0.0)]
)
def test_far_out_where_corrected_tests_look_errors_are_as_rare_as_they_say(replicates, spread, items):
    generator, level = np.random.default_rng(4), 0.05 / 21
    m, n = 4_000, 100
    over = generator.normal(0, spread, (m, replicates)) + generator.normal(0, 0.1, (m, replicates))
    by_item = (1 + replicates * items) * generator.chisquare(n - 1, m)
    rest = generator.chisquare((n - 1) * (replicates - 1), m)
    own = generator.normal(0, np.sqrt(items / n), m)[:, None]
    over = over + own
    whole, of_replicates = _sums(over, n)
    found = _components(over, replicates * (by_item + whole), whole + of_replicates + by_item + rest, n, 0.0)
    assert np.mean(found.p(over.mean(axis=1)) <= level) <= level + 3 * np.sqrt(level / m)


def _sums(over, items):
    mean = over.mean(axis=1)
    return over.shape[1] * items * mean**2, items * ((over - mean[:, None]) ** 2).sum(axis=1)


@pytest.mark.parametrize("replicates", [2, 3])
@pytest.mark.parametrize("same", [True, False])
def test_replicates_that_are_each_one_item_ahead_prove_nothing(replicates, same):
    table = np.zeros((replicates, 30))
    table[np.arange(replicates), 0 if same else np.arange(replicates)] = 1
    found = crossed(table, step=1 / 30)
    assert found.half()[0] > 1 / 30


def test_rows_without_any_difference_have_the_width_of_one_item():
    assert crossed(np.zeros((1, 50)), step=1 / 50).half()[0] == pytest.approx(scipy_stats.t.ppf(0.975, 49) / 50)


def test_a_mean_share_stays_between_0_and_1_and_reaches_as_far_as_wilsons_and_students():
    right = np.array([[1.0] * 45 + [0.0] * 5])
    found = cross(lambda r: np.stack([right[r], np.zeros(50)]), 1, ONE, OTHER)
    low, high = share_bounds(0.9, found)
    interval = scipy_stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert low == pytest.approx(interval.low, abs=0.006)
    assert high == pytest.approx(scipy_stats.t.interval(0.95, 49, 0.9, scipy_stats.sem(right[0]))[1])
    sure = cross(lambda r: np.stack([np.ones(50), np.zeros(50)]), 3, ONE, OTHER)
    low, high = share_bounds(1.0, sure)
    assert 0.9 < low < 0.95
    assert high == 1
