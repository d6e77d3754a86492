"""Intervals, each over a named source of uncertainty. docs/statistics.md says what each means and does not."""

from dataclasses import dataclass

import numpy as np
from scipy import stats as scipy_stats

LEVEL = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its interval (NaN where there is none) and the number of observations."""

    mean: float
    low: float
    high: float
    n: int


def t_interval(values: np.ndarray, level: float = LEVEL, overlap: float = 0.0) -> Interval:
    """Return Student's t interval of a mean over replicates: mean ± t(n-1) * s * sqrt(1/n + overlap), s with n - 1.

    `overlap` is 0 for independent replicates. Folds of a cross-validation share training examples: it is then the
    number of test examples over that of training examples (Nadeau & Bengio, 2003, doi:10.1023/A:1024068626366,
    the corrected resampled t). One value has no interval; equal values have one of width 0.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    mean = float(values.mean())
    if n == 1:
        return Interval(mean, float("nan"), float("nan"), 1)
    half = float(scipy_stats.t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) * np.sqrt(1 / n + overlap))
    return Interval(mean, mean - half, mean + half, n)


def paired_interval(values: np.ndarray, reference: np.ndarray, level: float = LEVEL, overlap: float = 0.0) -> Interval:
    """Return the t interval of the mean difference of two paired samples of equal length; `overlap` as above."""
    return t_interval(np.asarray(values, dtype=float) - np.asarray(reference, dtype=float), level, overlap)


def item_interval(item_scores: np.ndarray, seed: int = 0, level: float = LEVEL) -> Interval:
    """Return the percentile bootstrap interval of a mean over test items (Efron, 1979), 10,000 resamples.

    `item_scores` is (N,): for accuracy, the share of replicates that got the item right. Items take few
    distinct values, so that a resample is one multinomial draw of how often each value comes up.
    """
    item_scores = np.asarray(item_scores, dtype=float)
    n = len(item_scores)
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    values, counts = np.unique(item_scores, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(n, counts / n, size=RESAMPLES)
    low, high = np.quantile(draws @ values / n, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(item_scores.mean()), float(low), float(high), n)


def verdict(difference: Interval, higher_is_better: bool = True) -> str:
    """Say where an interval of a difference lies: `better`, `worse`, `unclear` (it holds 0), or "" without one."""
    if np.isnan(difference.low):
        return ""
    if difference.low <= 0 <= difference.high:
        return "unclear"
    return "better" if (difference.low > 0) == higher_is_better else "worse"


def smallest_p(pairs: int) -> float:
    """Return the smallest two-sided p that an exact sign-flip or Wilcoxon test over `pairs` pairs can reach."""
    return float(min(1.0, 2.0 / 2.0**pairs))
