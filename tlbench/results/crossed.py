"""Compare rows over replicates and test items at once: a crossed model with random effects of both.

What row A has on test item i in replicate r, less what row B has, is a mean plus an effect of the replicate, one of the
item and a rest (Cornfield & Tukey, 1956, doi:10.1214/aoms/1177728067; as readers and cases are crossed in studies of
diagnosis: Dorfman, Berbaum & Metz, 1992). Three replicates know their own spread so badly that no number of degrees of
freedom makes up for it, least of all far out, where tests that are corrected for many comparisons look. So the interval
is over all values that this spread may have: a generalized interval (Tsui & Weerahandi, 1989, JASA 84:602-607).
docs/statistics.md has what this covers, by simulation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from tlbench.results.stats import LEVEL

_TRUSTED = 3.0  # replicates up to which their own spread is not believed to be below that of test items
_SURE = 1e6  # degrees of freedom of a normal distribution, near enough
_NODES = 40  # values that the spread of replicates is integrated over
_CLOSE = 1e-9  # to which share ends of intervals are computed


@dataclass(frozen=True, eq=False)
class Crossed:
    """Hold for each of some differences, (m,), the variance of its mean and what that is made of."""

    variance: np.ndarray  # of the mean difference, over other replicates and other test items
    may_be: np.ndarray  # what that variance may be, (m, nodes)
    freedom: np.ndarray  # degrees of freedom of each, for test items are not without number, (m, nodes)
    chance: np.ndarray  # of each node, (nodes,)
    by_replicate: np.ndarray  # variance components of one observation
    by_item: np.ndarray
    rest: np.ndarray
    replicates: int
    items: int

    def p(self, delta: np.ndarray) -> np.ndarray:
        """Return the two-sided p of mean differences."""
        with np.errstate(invalid="ignore", divide="ignore"):
            beyond = special.stdtr(self.freedom, -np.abs(delta)[:, None] / np.sqrt(self.may_be))
        p: np.ndarray = np.where(delta == 0, 1.0, 2 * beyond @ self.chance)
        return p

    def half(self, level: float = LEVEL) -> np.ndarray:
        """Return by how much an interval reaches to either side: to where p is 1 - level."""
        ends = special.stdtrit(self.freedom, (1 + level) / 2) * np.sqrt(self.may_be)
        low, high = ends.min(axis=1), ends.max(axis=1)
        while (high - low > _CLOSE * high).any():  # bisection, of the logarithm
            middle = np.sqrt(low * high)
            outside = self.p(middle) > 1 - level
            low, high = np.where(outside, middle, low), np.where(outside, high, middle)
        reach: np.ndarray = high
        return reach


def cross(
    outcomes: Callable[[int], np.ndarray], replicates: int, first: np.ndarray, second: np.ndarray, step: float = 0.0
) -> Crossed:
    """Compare rows `first` with rows `second`, positions (m,) each.

    `outcomes(r)` is what every row has on every test item in replicate r, (rows, items): right or wrong, or a share
    of a score. `step` is the smallest difference that two scores can have, 1/N for an accuracy on N items: no standard
    error of one replicate is taken to be below it.
    """
    found = outcomes(0)
    sums, squares = np.zeros(found.shape), np.zeros(len(first))
    means = np.empty((len(found), replicates))
    for replicate in range(replicates):
        found = outcomes(replicate)
        sums += found
        squares += _apart(found, first, second)
        means[:, replicate] = found.mean(axis=1, dtype=np.float64)
    items = found.shape[1]
    return _components(means[first] - means[second], _apart(sums, first, second), squares, items, step)


def _apart(table: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the squared distance of rows, (m,), by way of one product of matrices."""
    products = table @ table.T
    own = products.diagonal().astype(np.float64)
    apart: np.ndarray = np.maximum(own[first] + own[second] - 2.0 * products[first, second], 0.0)
    return apart


def _components(over: np.ndarray, items_apart: np.ndarray, squares: np.ndarray, items: int, step: float) -> Crossed:
    """Return what mean differences by replicate, (m, replicates), and squared distances come to."""
    replicates = over.shape[1]
    mean = over.mean(axis=1)
    whole = replicates * items * mean**2
    of_replicates = items * ((over - mean[:, None]) ** 2).sum(axis=1)
    of_items = np.maximum(items_apart / replicates - whole, 0.0)
    of_rest = np.maximum(squares - whole - of_replicates - of_items, 0.0)
    b = of_items / max(1, items - 1)
    floor = step**2 * items
    if replicates == 1:  # nothing is known of others
        none = np.zeros_like(b)
        total = np.maximum(b, floor)
        sure = np.full((len(b), 1), max(1.0, items - 1.0))
        return Crossed(total / items, total[:, None] / items, sure, np.ones(1), none, b, none, 1, items)
    a = of_replicates / (replicates - 1)
    e = of_rest / max(1, (replicates - 1) * (items - 1))
    more, chance = _inflations(replicates - 1)

    def of_mean(a: np.ndarray) -> np.ndarray:
        shape = (slice(None), *[None] * (a.ndim - 1))
        found: np.ndarray = np.maximum(a + (b - e)[shape], np.maximum(a, min(1.0, _TRUSTED / replicates) * b[shape]))
        return found

    may_be = of_mean(a[:, None] * more)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = max(1, items - 1) * (may_be / (may_be - a[:, None] * more)) ** 2
    freedom = np.where(may_be > 0, np.minimum(freedom, _SURE), _SURE)
    return Crossed(
        np.maximum(of_mean(a), floor) / (replicates * items),
        np.maximum(may_be, floor) / (replicates * items),
        freedom,
        chance,
        np.maximum(a - e, 0.0) / items,
        np.maximum(b - e, 0.0) / replicates,
        e,
        replicates,
        items,
    )


@cache
def _inflations(freedom: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much a variance with so many degrees of freedom may be above its estimate, and with what chance.

    That is freedom / chi-squared, at the nodes of a quadrature that is finest where it is large.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    part = ((nodes + 1) / 2) ** 6
    below, above = part * (2 - part), (1 - part) ** 2  # of the distribution, at each node
    half = freedom / 2
    squared = 2 * np.where(below < 0.5, special.gammaincinv(half, below), special.gammainccinv(half, above))
    return freedom / squared, 6 * (1 - part) * ((nodes + 1) / 2) ** 5 * weights


def share_bounds(mean: float, crossed: Crossed, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of one mean share, which stays between 0 and 1 (Wilson, 1927, doi:10.2307/2276774).

    It is that of as many independent items as would have the same variance, and of the test items where that is 0.
    """
    variance, spread = float(crossed.variance[0]), mean * (1 - mean)
    n = spread / variance if variance > 0 and spread > 0 else float(crossed.items)
    reach = float(crossed.half(level)[0]) / np.sqrt(variance) if variance > 0 else float(special.ndtri((1 + level) / 2))
    middle = (mean + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half = reach / (1 + reach**2 / n) * np.sqrt(spread / n + reach**2 / (4 * n**2))
    return min(mean, max(0.0, float(middle - half))), max(mean, min(1.0, float(middle + half)))
