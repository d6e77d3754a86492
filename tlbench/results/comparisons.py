"""Compare pairs over replicates: intervals, Holm's correction, effect sizes, and what it takes to tell two rows apart.

Differences come as rows, (m, n): m comparisons over up to n pairs, NaN where a pair is missing.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from tlbench.results.crossed import Crossed
from tlbench.results.stats import LEVEL

ALPHA = 0.05  # two-sided
POWER = 0.8
MOST_REPLICATES = 10_000  # beyond which `replicates_needed` names no number
MOST_ITEMS = 10_000_000  # likewise `items_needed`
_MANY = 50  # pairs from which on power is that of a normal distribution
_ROUNDING = 1e-9  # sums of equal scores may differ by this share of their size
OVER_REPLICATES, OVER_ITEMS, OVER_BOTH = "replicates", "test items", "replicates and test items"


@dataclass(eq=False)
class Paired:
    """Hold paired comparisons, an array (m,) for each statistic; NaN where there are too few pairs to say."""

    delta: np.ndarray  # mean difference
    low: np.ndarray  # of its interval
    high: np.ndarray
    n: np.ndarray  # pairs
    p: np.ndarray  # of the t test that belongs to the interval, two-sided
    p_over_both: np.ndarray  # by the crossed model alone, which a few replicates may make too small far out
    effect: np.ndarray  # Cohen's d_z over replicates
    over: np.ndarray  # what the interval is over, in words
    by_replicate: np.ndarray  # variance components of one observation on one test item
    by_item: np.ndarray
    rest: np.ndarray
    items: np.ndarray  # observations that a replicate has; 1 where only its score is known
    variance: np.ndarray  # of the mean difference, over all that the interval is over
    freedom: np.ndarray  # degrees of freedom of that variance
    alone: np.ndarray  # the same variance over replicates alone
    sole: np.ndarray  # and its degrees of freedom

    def half(self, level: float | np.ndarray = LEVEL, least: bool = True) -> np.ndarray:
        """Return by how much the interval at a level reaches to either side: to where `p` is 1 - level.

        Without `least` to where `p_over_both` is.
        """
        share = (1 + np.asarray(level)) / 2
        with np.errstate(invalid="ignore"):
            reach: np.ndarray = special.stdtrit(self.freedom, share) * np.sqrt(self.variance)
            alone = special.stdtrit(self.sole, share) * np.sqrt(self.alone)
        return np.where(least | (self.n == 2), np.fmax(reach, alone), reach)

    def clear_ends(self, corrected: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of intervals that leave out 0 exactly where a corrected p is at most 0.05.

        `most` is the number of comparisons that p was corrected for: by so much where it is 0.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            times = np.where(self.p > 0, corrected / self.p, float(most))
            half = self.half(1 - ALPHA / times)
        return self.delta - half, self.delta + half

    def put(self, at: np.ndarray, crossed: Crossed) -> None:
        """Replace what is said of some comparisons by what replicates and test items say together."""
        half = crossed.half()
        self.low[at], self.high[at] = self.delta[at] - half, self.delta[at] + half
        self.p[at], self.p_over_both[at] = crossed.p(self.delta[at]), crossed.p_over_both(self.delta[at])
        self.over[at] = OVER_BOTH if crossed.replicates > 1 else OVER_ITEMS
        self.by_replicate[at], self.by_item[at] = crossed.by_replicate, crossed.by_item
        self.rest[at], self.items[at] = crossed.rest, crossed.items
        self.variance[at], self.freedom[at] = crossed.variance, crossed.freedom
        self.alone[at], self.sole[at] = crossed.alone, max(1.0, crossed.replicates - 1.0)

    def only(self, k: int) -> "Paired":
        """Return one of the comparisons."""
        return Paired(**{name: values[[k]] for name, values in vars(self).items()})


def compare(differences: np.ndarray, overlap: np.ndarray | float = 0.0) -> Paired:
    """Compare by each row of `differences`, (m, n), over replicates alone, by Student's t.

    `overlap`, one or (m,), as in `tlbench.results.stats.t_interval`.
    """
    differences = np.asarray(differences, dtype=float)
    overlap = np.broadcast_to(np.asarray(overlap, dtype=float), len(differences))
    n, mean, spread = _moments(differences)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = spread * np.sqrt(1 / n + overlap)
        half = special.stdtrit(n - 1.0, (1 + LEVEL) / 2) * error
        effect = np.where((n > 1) & (spread > 0), mean / spread, np.nan)
        p = 2 * special.stdtr(n - 1.0, -np.abs(mean) / error)
    p[(n > 1) & (mean == 0)] = 1.0
    p[n < 2] = half[n < 2] = np.nan
    none = np.zeros(len(n))
    over = np.full(len(n), OVER_REPLICATES, dtype=object)
    over[n < 2] = ""
    variance = np.where(overlap == 0, spread**2, np.nan)  # of more folds a mean is not as certain as one likes
    ends, of_mean, freedom = (mean - half, mean + half), error**2, n - 1.0
    return Paired(
        mean, *ends, n, p, p.copy(), effect, over, variance, none, none.copy(), none + 1,
        of_mean, freedom, of_mean.copy(), freedom.copy(),
    )  # fmt: skip


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


def replicates_needed(paired: Paired, alpha: np.ndarray | float = ALPHA) -> np.ndarray:
    """Return how many replicates on as many test items would show each difference with 80 % power, two-sided.

    By the non-central t over replicates. NaN where the difference is not known, is 0, or where 10,000 replicates would
    not do, as where only more test items would help.
    """
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), len(paired.delta))
    found = np.full(len(paired.delta), np.nan)
    for level in np.unique(alpha):
        at = np.flatnonzero(alpha == level)
        effects = _detectable_effects(float(level))
        of_one = paired.by_replicate[at] + paired.rest[at] / paired.items[at]  # variances of a replicate's difference
        of_all = paired.by_item[at] / paired.items[at]
        low, high = np.full(len(at), 2), np.full(len(at), MOST_REPLICATES + 1)
        while (low < high).any():  # bisection: what can be shown shrinks as replicates grow
            middle = np.minimum((low + high) // 2, MOST_REPLICATES)
            shown = np.abs(paired.delta[at]) >= effects[middle - 2] * np.sqrt(of_one + middle * of_all)
            low, high = np.where(shown | (low == high), low, middle + 1), np.where(shown, middle, high)
        sure = (paired.n[at] > 1) & (paired.delta[at] != 0) & (of_one + of_all > 0)
        found[at] = np.where(sure & (high <= MOST_REPLICATES), high, np.nan)
    return found


def items_needed(paired: Paired, alpha: np.ndarray | float = ALPHA) -> np.ndarray:
    """Return how many test items, with as many replicates, would show each difference with 80 % power.

    NaN where only scores are known, or more test items alone would not do.
    """
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), len(paired.delta))
    certain = special.ndtri(1 - alpha / 2) + special.ndtri(POWER)
    for level in np.unique(alpha):
        effects = _detectable_effects(float(level))
        several = np.flatnonzero((alpha == level) & (paired.n > 1))
        n = np.minimum(paired.n[several], MOST_REPLICATES)
        certain[several] = effects[n - 2] * np.sqrt(n)
    n = np.maximum(paired.n, 1)
    left = paired.delta**2 - certain**2 * paired.by_replicate / n
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.ceil(certain**2 * (paired.by_item + paired.rest / n) / left)
    found[~(left > 0) | ~(paired.items > 1) | ~(found <= MOST_ITEMS) | (found < 1)] = np.nan
    needed: np.ndarray = found
    return needed


@cache
def _detectable_effects(alpha: float) -> np.ndarray:
    few = [detectable_effect(pairs, alpha) for pairs in range(2, _MANY + 1)]
    return np.concatenate([few, _by_normal(np.arange(_MANY + 1, MOST_REPLICATES + 1), alpha)])


def _by_normal(pairs: np.ndarray, alpha: float) -> np.ndarray:
    certain, enough = special.ndtri(1 - alpha / 2), special.ndtri(POWER)
    effects: np.ndarray = (certain + enough) / np.sqrt(np.maximum(pairs - certain**2 / 2, 1.0))
    return effects


def detectable_effect(pairs: int, alpha: float = ALPHA) -> float:
    """Return the smallest d_z that a paired t test over so many pairs finds with 80 % power, two-sided at `alpha`.

    Beyond 50 pairs by the normal approximation with its correction for the t test (Guenther, 1981).
    """
    if pairs > _MANY:
        return float(_by_normal(np.array(pairs), alpha))
    freedom = pairs - 1
    least = float(special.stdtrit(freedom, 1 - alpha / 2))
    # The power is the mean over the spreads that a sample may have. (scipy's non-central t is wrong at three pairs.)
    shares = (np.arange(2_000) + 0.5) / 2_000
    ends = least * np.sqrt(2 * special.gammaincinv(freedom / 2, shares) / freedom)
    low, high = 0.0, 2 * least + 2  # of the non-centrality: bisection, for power grows with it
    for _ in range(30):
        middle = (low + high) / 2
        power = float(np.mean(special.ndtr(middle - ends) + special.ndtr(-middle - ends)))
        low, high = (low, middle) if power >= POWER else (middle, high)
    return high / float(np.sqrt(pairs))
