"""Compare candidates over blocks: ranks and who cannot be told apart (Demšar, 2006, JMLR 7:1-30), interquartile means
and performance profiles (Agarwal et al., 2021, arXiv:2108.13264).
"""

import warnings
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats as scipy_stats

from tlbench.results.comparisons import ALPHA
from tlbench.results.stats import LEVEL, multiplier

FEWEST_BLOCKS = 5  # that an interval of ranks is taken over
IQM_RESAMPLES = 1_000
STEPS = 101  # thresholds of a profile


def block_ranks(scores: np.ndarray, higher_is_better: bool = True) -> np.ndarray:
    """Return the rank of each candidate in each block, 1 for the best, from scores (candidates, blocks); ties share."""
    ranks: np.ndarray = scipy_stats.rankdata(-scores if higher_is_better else scores, axis=0)
    return ranks


def rank_intervals(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of a 95 % interval of each mean rank over blocks, from ranks (candidates, blocks).

    The mean rank ± t(n-1) standard errors ± 1/n, one place in one block, for ranks are whole numbers; cut at the first
    and the last rank. A rank that is the same in all n blocks could still differ by two places in 1 - 0.025^(1/n) of
    all others (Clopper & Pearson, 1934), and its interval reaches that far. NaN below five blocks, too few to say.
    """
    candidates, blocks = ranks.shape
    if blocks < FEWEST_BLOCKS:
        return np.full(candidates, np.nan), np.full(candidates, np.nan)
    mean, error = ranks.mean(axis=1), ranks.std(axis=1, ddof=1) / np.sqrt(blocks)
    unseen = min(2, candidates - 1) * (1 - ((1 - LEVEL) / 2) ** (1 / blocks))
    half = np.maximum(multiplier(blocks) * error + 1 / blocks, unseen)
    return np.clip(mean - half, 1, candidates), np.clip(mean + half, 1, candidates)


def friedman_p(scores: np.ndarray) -> float:
    """Return the p of Friedman's test that no candidate differs, from scores (candidates, blocks).

    NaN for fewer than three candidates or two blocks, and where every score of a block is the same in all blocks.
    """
    candidates, blocks = scores.shape
    if candidates < 3 or blocks < 2 or (scores == scores[0]).all():
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(scipy_stats.friedmanchisquare(*scores).pvalue)


@cache
def critical_difference(candidates: int, blocks: int, alpha: float = ALPHA) -> float:
    """Return Nemenyi's critical difference: mean ranks that lie further apart differ (two-sided, all pairs)."""
    quantile = float(scipy_stats.studentized_range.ppf(1 - alpha, candidates, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(candidates * (candidates + 1) / (6 * blocks)))


def inseparable(mean_ranks: np.ndarray, difference: float) -> list[tuple[int, ...]]:
    """Return the largest sets of candidates whose mean ranks lie within a critical difference, as positions."""
    order = [int(i) for i in np.argsort(mean_ranks, kind="stable")]
    found: list[tuple[int, ...]] = []
    reached = 0
    for start, first in enumerate(order):
        end = start
        while end < len(order) and mean_ranks[order[end]] - mean_ranks[first] <= difference:
            end += 1
        if end - start > 1 and end > reached:
            found.append(tuple(order[start:end]))
            reached = end
    return found


def beating(scores: np.ndarray, higher_is_better: bool = True) -> np.ndarray:
    """Return in which share of blocks each candidate beats each other, (candidates, candidates); NaN against itself.

    From scores (candidates, blocks). An equal score is no win for either.
    """
    signed = scores if higher_is_better else -scores
    shares = np.array([(row > signed).mean(axis=1) for row in signed])
    np.fill_diagonal(shares, np.nan)
    return shares


def interquartile_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the middle half along the last axis (arXiv:2108.13264): a quarter is cut at each end."""
    ordered = np.sort(values, axis=-1)
    cut = ordered.shape[-1] // 4
    middle: np.ndarray = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    return middle


def iqm_interval(blocks: Sequence[np.ndarray], seed: int = 0) -> tuple[float, float, float]:
    """Return the interquartile mean of all runs of all blocks, with a 95 % stratified bootstrap interval.

    `blocks` holds the scores of a candidate's replicates, (n,), for each block. Replicates are resampled within their
    block, 1,000 times: the interval says what other replicates of the same blocks would give, not other blocks. With
    few replicates percentiles are far too narrow, so it is the estimate ± t standard errors of the bootstrap: distances
    to a block's mean are widened by sqrt(n / (n - 1)), and t counts half of the degrees of freedom, for half of
    the runs make the estimate. No interval where a block has one replicate.
    """
    runs = np.concatenate(list(blocks))
    if not len(runs):
        return float("nan"), float("nan"), float("nan")
    middle = float(interquartile_mean(runs))
    freedom = [len(block) - 1 for block in blocks]
    if min(freedom) < 1:
        return middle, float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    drawn = []
    for block in blocks:
        n = len(block)
        wide = block.mean() + (block - block.mean()) * np.sqrt(n / (n - 1))
        drawn.append(wide[generator.integers(0, n, size=(IQM_RESAMPLES, n))])
    error = float(interquartile_mean(np.concatenate(drawn, axis=1)).std(ddof=1))
    half = error * multiplier(1 + max(min(freedom), sum(freedom) // 2))
    return middle, middle - half, middle + half


def thresholds(runs: np.ndarray) -> np.ndarray:
    """Return the thresholds of a profile: from 0 to 1 where all scores lie there, else over what they span."""
    low, high = float(runs.min()), float(runs.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return np.linspace(low, high, STEPS)


def profile(blocks: Sequence[np.ndarray], at: np.ndarray, higher_is_better: bool = True) -> np.ndarray:
    """Return the share of a candidate's runs that score better than each threshold, every block counting alike."""
    shares = [
        (block[:, None] > at if higher_is_better else block[:, None] < at).mean(axis=0)
        for block in blocks
        if len(block)
    ]
    mean: np.ndarray = np.mean(shares, axis=0)
    return mean
