"""Compare pairs over replicates: intervals, exact tests, Holm's correction, effect sizes, and which rows differ.

Differences come as rows, (m, n): m comparisons over up to n pairs, NaN where a pair is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from tlbench.results.stats import LEVEL

ALPHA = 0.05  # two-sided
POWER = 0.8
MOST_REPLICATES = 10_000  # beyond which `replicates_needed` names no number
FLIPS = 100_000  # drawn where there are too many to count
_LISTED = 12  # pairs up to which all flips are listed
_HALVED = 24  # pairs up to which they are counted from two halves
_MANY = 50  # pairs from which on power is that of a normal distribution
_AT_ONCE = 100_000  # pairs of rows, whose differences stand in memory together
_ROUNDING = 1e-9  # sums of equal scores may differ by this share of their size


@dataclass(frozen=True, eq=False)
class Paired:
    """Hold paired comparisons, an array (m,) for each statistic; NaN where there are too few pairs to say."""

    delta: np.ndarray  # mean difference
    low: np.ndarray  # of its t interval
    high: np.ndarray
    n: np.ndarray  # pairs
    p: np.ndarray  # exact sign-flip test; NaN under overlapping folds, which may not be flipped
    p_t: np.ndarray  # paired t test
    effect: np.ndarray  # Cohen's d_z
    needed: np.ndarray  # pairs for 80 % power


def compare(differences: np.ndarray, overlap: np.ndarray | float = 0.0, step: float = 0.0) -> Paired:
    """Compare by each row of `differences`, (m, n); `overlap`, one or (m,), as in `tlbench.results.stats.t_interval`.

    `step` as in `paired_t_p`.
    """
    differences = np.asarray(differences, dtype=float)
    overlap = np.broadcast_to(np.asarray(overlap, dtype=float), len(differences))
    n, mean, spread = _moments(differences)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = special.stdtrit(n - 1.0, (1 + LEVEL) / 2) * spread * np.sqrt(1 / n + overlap)
        effect = np.where((n > 1) & (spread > 0), mean / spread, np.nan)
    half[n < 2] = np.nan
    whole = overlap == 0
    exact = np.full(len(differences), np.nan)
    exact[whole] = sign_flip_p(differences[whole])
    needed = np.where(whole, replicates_needed(effect), np.nan)
    p_t = paired_t_p(differences, overlap, step)
    return Paired(mean, mean - half, mean + half, n, exact, p_t, effect, needed)


def _moments(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number, mean and standard deviation (n - 1) of each row; equal values have a deviation of 0."""
    there = np.isfinite(differences)
    n = there.sum(axis=1)
    values = np.where(there, differences, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=1) / n
        spread = np.sqrt((np.where(there, values - mean[:, None], 0.0) ** 2).sum(axis=1) / (n - 1))
    spread[spread <= _ROUNDING * np.abs(values).max(axis=1, initial=0.0)] = 0.0
    return n, mean, spread


def sign_flip_p(differences: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the two-sided p of the sign-flip test (Fisher, 1935) of each row: the share of flips with as large a sum.

    Without a true difference each pair is as likely to have either sign. All 2^n flips count up to 24 pairs, and
    100,000 random ones beyond, the observed one among them. NaN without a pair.
    """
    differences = np.asarray(differences, dtype=float)
    there = np.isfinite(differences)
    counts = there.sum(axis=1)
    p = np.full(len(differences), np.nan)
    for n in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == n)
        values = differences[rows][there[rows]].reshape(-1, n)
        least = np.abs(values.sum(axis=1)) - _ROUNDING * np.abs(values).sum(axis=1)
        if n <= _LISTED:
            p[rows] = (np.abs(values @ _signs(int(n))) >= least[:, None]).mean(axis=1)
        elif n <= _HALVED:
            p[rows] = [_halved(row, end) for row, end in zip(values, least, strict=True)]
        else:
            p[rows] = [_sampled(row, end, seed) for row, end in zip(values, least, strict=True)]
    return p


@cache
def _signs(n: int) -> np.ndarray:
    """Return all ways to choose signs, (n, 2^(n-1)), the first of them plus: the others are mirror images."""
    bits = np.arange(2 ** (n - 1))[None, :] >> np.arange(n)[:, None]
    signs: np.ndarray = 1.0 - 2.0 * (bits & 1)
    return signs


def _halved(values: np.ndarray, least: float) -> float:
    """Count flips without listing them: every sum is one of the first half and one of the second, which is sorted."""
    middle = len(values) // 2
    first, second = _sums(values[:middle]), np.sort(_sums(values[middle:]))
    above = len(second) - np.searchsorted(second, least - first, side="left")
    below = np.searchsorted(second, -least - first, side="right")
    return min(1.0, float(above.sum() + below.sum()) / 2.0 ** len(values))


def _sums(values: np.ndarray) -> np.ndarray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _sampled(values: np.ndarray, least: float, seed: int) -> float:
    generator = np.random.default_rng(seed)
    as_large, part = 1, 5_000
    for _ in range(FLIPS // part):
        signs = generator.integers(0, 2, size=(part, len(values))) * 2 - 1
        as_large += int(np.sum(np.abs(signs @ values) >= least))
    return as_large / (FLIPS + 1)


def paired_t_p(differences: np.ndarray, overlap: np.ndarray | float = 0.0, step: float = 0.0) -> np.ndarray:
    """Return the two-sided p of the paired t test of each row, NaN for fewer than two pairs.

    `step` is the smallest difference that two scores can have, 1/N for an accuracy on N items. Both scores of a pair
    are rounded to it, which adds step^2 / 6 to the variance (Sheppard, 1898): a few coarse differences that happen to
    be equal are no proof.
    """
    n, mean, spread = _moments(np.asarray(differences, dtype=float))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt((spread**2 + step**2 / 6) * (1 / n + overlap))
        p: np.ndarray = 2 * special.stdtr(n - 1.0, -np.abs(mean) / error)
    p[(n > 1) & (mean == 0)] = 1.0
    p[n < 2] = np.nan
    return p


def holm(p: np.ndarray) -> np.ndarray:
    """Return Holm's (1979) adjusted p values of one family of tests, (m,); NaN stays NaN and counts as no test."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    if len(tested):
        order = tested[np.argsort(p[tested], kind="stable")]
        steps = p[order] * np.arange(len(order), 0, -1)
        adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def replicates_needed(effect: np.ndarray) -> np.ndarray:
    """Return how many pairs a paired t test needs to find an effect d_z with 80 % power, two-sided at 5 %.

    NaN where the effect is not known, is 0, or is so small that 10,000 pairs would not do.
    """
    size = np.abs(np.asarray(effect, dtype=float))
    detectable = -_detectable_effects()  # grows with the pairs
    needed = np.searchsorted(detectable, -size) + 2.0
    needed[~np.isfinite(size) | (needed > MOST_REPLICATES)] = np.nan
    found: np.ndarray = needed
    return found


@cache
def _detectable_effects() -> np.ndarray:
    few = [detectable_effect(pairs) for pairs in range(2, _MANY + 1)]
    return np.concatenate([few, _by_normal(np.arange(_MANY + 1, MOST_REPLICATES + 1))])


def _by_normal(pairs: np.ndarray) -> np.ndarray:
    certain, enough = special.ndtri(1 - ALPHA / 2), special.ndtri(POWER)
    effects: np.ndarray = (certain + enough) / np.sqrt(pairs - certain**2 / 2)
    return effects


def detectable_effect(pairs: int) -> float:
    """Return the smallest d_z that a paired t test over so many pairs finds with 80 % power, two-sided at 5 %.

    Beyond 50 pairs by the normal approximation with its correction for the t test (Guenther, 1981).
    """
    if pairs > _MANY:
        return float(_by_normal(np.array(pairs)))
    freedom = pairs - 1
    least = float(special.stdtrit(freedom, 1 - ALPHA / 2))
    # The power is the mean over the spreads that a sample may have. (scipy's non-central t is wrong at three pairs.)
    shares = (np.arange(2_000) + 0.5) / 2_000
    ends = least * np.sqrt(2 * special.gammaincinv(freedom / 2, shares) / freedom)
    low, high = 0.0, 2 * least + 2  # of the non-centrality: bisection, for power grows with it
    for _ in range(30):
        middle = (low + high) / 2
        power = float(np.mean(special.ndtr(middle - ends) + special.ndtr(-middle - ends)))
        low, high = (low, middle) if power >= POWER else (middle, high)
    return high / float(np.sqrt(pairs))


def score_step(scores: np.ndarray, items: int = 0) -> float:
    """Return the smallest difference that scores can have: 1/items, or else the smallest between those seen."""
    if items:
        return 1 / items
    distinct = np.unique(scores[np.isfinite(scores)])
    return float(np.diff(distinct).min()) if len(distinct) > 1 else 0.0


def separated_from(
    best: int,
    rows: int,
    differences: Callable[[np.ndarray, np.ndarray], np.ndarray],
    overlap: float = 0.0,
    step: float = 0.0,
) -> np.ndarray:
    """Return which of some rows differ from row `best`: bool (rows,).

    `differences(first, second)` gives those of pairs of rows, (pairs, replicates). Paired t tests with Holm's
    correction over *all* pairs of rows: which one is the best is itself read off the data.
    """
    separated = np.zeros(rows, dtype=bool)
    if rows < 2:
        return separated
    first, second = np.triu_indices(rows, k=1)
    parts = np.array_split(np.arange(len(first)), len(first) // _AT_ONCE + 1)
    p = np.concatenate([paired_t_p(differences(first[part], second[part]), overlap, step) for part in parts])
    clear = holm(p) <= ALPHA
    separated[second[clear & (first == best)]] = True
    separated[first[clear & (second == best)]] = True
    return separated
