"""Scores of many blocks in one number or curve: interquartile means and performance profiles (Agarwal et al., 2021)."""

from collections.abc import Sequence

import numpy as np

from tlbench.results.stats import multiplier

RESAMPLES = 1_000
STEPS = 101  # thresholds of a profile


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
        drawn.append(wide[generator.integers(0, n, size=(RESAMPLES, n))])
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
