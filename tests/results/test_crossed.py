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


def test_pairs_of_many_rows_are_each_as_if_alone():
    table = np.random.default_rng(1).integers(0, 2, (4, 6, 30)).astype(np.float32)  # rows, replicates, items
    first, second = np.triu_indices(4, k=1)
    together = cross(lambda r: table[:, r], 6, first, second, 1 / 30)
    for place, (i, j) in enumerate(zip(first, second, strict=True)):
        alone = crossed(table[i].astype(float) - table[j], 1 / 30)
        assert together.variance[place] == pytest.approx(alone.variance[0])
        assert together.half()[place] == pytest.approx(alone.half()[0])


def test_one_replicate_is_a_paired_t_test_over_items():
    values = np.random.default_rng(2).normal(0.2, 1, 50)
    found = crossed(values[None])
    assert found.variance[0] == pytest.approx(scipy_stats.sem(values) ** 2)
    mean = np.array([values.mean()])
    assert found.p(mean)[0] == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue)
    assert found.half()[0] == pytest.approx(scipy_stats.t.ppf(0.975, 49) * scipy_stats.sem(values))


@pytest.mark.parametrize("n", [2, 3, 4, 10, 50])
def test_without_anything_of_items_it_is_students_t_over_replicates(n):
    over = np.random.default_rng(3).normal(0.3, 0.2, n)
    found = crossed(np.repeat(over[:, None], 20, axis=1))
    assert found.variance[0] == pytest.approx(scipy_stats.sem(over) ** 2)
    assert found.half()[0] == pytest.approx(scipy_stats.t.ppf(0.975, n - 1) * scipy_stats.sem(over), rel=1e-5)
    assert found.p(np.array([0.3]))[0] == pytest.approx(
        2 * scipy_stats.t.sf(0.3 / scipy_stats.sem(over), n - 1), rel=1e-5
    )


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


def test_a_mean_share_stays_between_0_and_1_and_is_wilsons_over_items_alone():
    right = np.array([[1.0] * 45 + [0.0] * 5])
    found = cross(lambda r: np.stack([right[r], np.zeros(50)]), 1, ONE, OTHER)
    low, high = share_bounds(0.9, found)
    interval = scipy_stats.binomtest(45, 50).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=0.006)
    sure = cross(lambda r: np.stack([np.ones(50), np.zeros(50)]), 3, ONE, OTHER)
    low, high = share_bounds(1.0, sure)
    assert 0.9 < low < 0.95
    assert high == 1
