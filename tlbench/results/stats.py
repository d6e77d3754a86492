"""Compute intervals, each over a named source of uncertainty. docs/statistics.md says what each means and does not."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

LEVEL = 0.95
RESAMPLES = 10_000
_STEPS = 256  # the finest share that scores of items are looked for in
_REACH = 7  # standard deviations beyond which a bootstrap distribution holds next to nothing


@dataclass(frozen=True)
class Interval:
    """Hold a mean with the ends of its interval (NaN where there is none) and the number of observations."""

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
    half = multiplier(n, level) * float(values.std(ddof=1)) * float(np.sqrt(1 / n + overlap))
    return Interval(mean, mean - half, mean + half, n)


@lru_cache(maxsize=1024)
def multiplier(n: int, level: float = LEVEL) -> float:
    """Return by how many standard errors of n values Student's t interval reaches to either side of their mean."""
    return float(special.stdtrit(n - 1, (1 + level) / 2))


def item_interval(item_scores: np.ndarray, seed: int = 0, level: float = LEVEL) -> Interval:
    """Return the percentile bootstrap interval of a mean over test items (Efron, 1979).

    `item_scores` is (N,): for accuracy, the share of replicates that got the item right. Scores that are whole
    multiples of one share go to `share_interval`, where nothing is random; others are resampled 10,000 times.
    """
    item_scores = np.asarray(item_scores, dtype=float)
    n = len(item_scores)
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    values, counts = np.unique(item_scores, return_counts=True)
    steps = _steps(values)
    if steps:
        whole = np.round(values * steps).astype(np.int64)
        items = np.zeros(int(whole[-1]) + 1, dtype=np.int64)
        items[whole] = counts
        return share_interval(items, steps, level)
    draws = np.random.default_rng(seed).multinomial(n, counts / n, size=RESAMPLES)
    low, high = np.quantile(draws @ values / n, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(item_scores.mean()), float(low), float(high), n)


def _steps(values: np.ndarray) -> int:
    """Return the smallest number that makes all values whole when multiplied with it; 0 where there is none."""
    if values[0] < 0 or values[-1] > 1:
        return 0
    multiples = values * np.arange(1, _STEPS + 1)[:, None]
    whole = (np.abs(multiples - np.round(multiples)) < 1e-6).all(axis=1)
    return int(whole.argmax()) + 1 if whole.any() else 0


def share_interval(items: np.ndarray, of: int, level: float = LEVEL) -> Interval:
    """Return the percentile bootstrap interval over test items, of which `items[k]` were right k times of `of`.

    The bootstrap distribution is computed, as resampling without end would give it: the sum of n draws of an item has
    the n-fold convolution of the distribution of one draw, here by the Fourier transform over all likely sums.
    """
    n = int(items.sum())
    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    shares, times = items / n, np.arange(len(items))
    mean = float(shares @ times)
    spread = float(np.sqrt(n * float(shares @ (times - mean) ** 2)))
    size = 1 << (min(int(2 * _REACH * spread) + 4 * len(items) + 60, n * len(items)) - 1).bit_length()
    chances = np.fft.irfft(np.fft.rfft(np.bincount(times % size, shares, size)) ** n, size) if size > 1 else np.ones(1)
    first = max(0, int(n * mean) - size // 2)  # a sum stands at its remainder by `size`: count on from here
    cumulated = np.cumsum(np.concatenate([chances[first % size :], chances[: first % size]]))
    low, high = np.searchsorted(cumulated, np.array([(1 - level) / 2, (1 + level) / 2]) * cumulated[-1]) + first
    return Interval(mean / of, float(low) / (n * of), float(high) / (n * of), n)


def verdict(delta: float, p: float, higher_is_better: bool = True, alpha: float = 0.05) -> str:
    """Say what a difference with its (corrected) p amounts to: `better`, `worse`, `unclear`, or "" without a p."""
    if np.isnan(p):
        return ""
    if p > alpha:
        return "unclear"
    return "better" if (delta > 0) == higher_is_better else "worse"


def smallest_p(pairs: int) -> float:
    """Return the smallest two-sided p that an exact sign-flip or Wilcoxon test over `pairs` pairs can reach."""
    return min(1.0, 2.0 ** (1 - pairs))  # 0 where a float has no smaller number, beyond 1,075 pairs


def fewest_pairs(comparisons: int = 1, alpha: float = 0.05) -> int:
    """Return how many pairs an exact paired test needs to reach `alpha`, with Holm's correction for `comparisons`."""
    pairs = 1
    while smallest_p(pairs) * max(1, comparisons) > alpha:
        pairs += 1
    return pairs
