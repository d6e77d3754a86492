"""Compare rows over replicates and test items at once: a crossed model with random effects of both.

What row A has on test item i in replicate r, less what row B has, is a mean plus an effect of the replicate, one of the
item and a rest (Cornfield & Tukey, 1956, doi:10.1214/aoms/1177728067; as readers and cases are crossed in studies of
diagnosis: Dorfman, Berbaum & Metz, 1992). docs/statistics.md has what this covers, by simulation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from tlbench.results.stats import LEVEL

_TRUSTED = 3.0  # replicates up to which their own spread is not believed to be below that of test items
_SURE = 1e6  # degrees of freedom of a normal distribution, near enough


@dataclass(frozen=True, eq=False)
class Crossed:
    """Hold for each of some differences, (m,), the variance of its mean and what that is made of."""

    variance: np.ndarray  # of the mean difference, over other replicates and other test items
    freedom: np.ndarray  # degrees of freedom of that variance, by Satterthwaite (1946)
    alone: np.ndarray  # the same over other replicates alone, which has one less than there are
    by_replicate: np.ndarray  # variance components of one observation
    by_item: np.ndarray
    rest: np.ndarray
    replicates: int
    items: int

    def half(self, level: float = LEVEL) -> np.ndarray:
        """Return by how much an interval reaches to either side: to where `p` is 1 - level."""
        variance, freedom = self.widest(level)
        reach: np.ndarray = special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance)
        return reach

    def widest(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Return the variance and the degrees of freedom that give the wider interval at a level.

        By luck the whole may look smaller than a part, above all far out, where corrected tests look: so nothing is
        narrower than Student's interval over the replicates alone.
        """
        least = max(1.0, self.replicates - 1.0)
        ends = (special.stdtrit(self.freedom, (1 + level) / 2), special.stdtrit(least, (1 + level) / 2))
        wider = ends[1] * np.sqrt(self.alone) > ends[0] * np.sqrt(self.variance)
        return np.where(wider, self.alone, self.variance), np.where(wider, least, self.freedom)

    def p_over_both(self, delta: np.ndarray) -> np.ndarray:
        """Return the two-sided p of mean differences by the crossed model; two replicates know too little for it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            p = 2 * special.stdtr(self.freedom, -np.abs(delta) / np.sqrt(self.variance))
            if self.replicates == 2:
                p = np.fmax(p, 2 * special.stdtr(1.0, -np.abs(delta) / np.sqrt(self.alone)))
        found: np.ndarray = np.where(delta == 0, 1.0, p)
        return found

    def p(self, delta: np.ndarray) -> np.ndarray:
        """Return the two-sided p of mean differences: the larger of that over both, and that over replicates alone."""
        with np.errstate(invalid="ignore", divide="ignore"):
            alone = 2 * special.stdtr(max(1.0, self.replicates - 1.0), -np.abs(delta) / np.sqrt(self.alone))
        found: np.ndarray = np.where(delta == 0, 1.0, np.fmax(self.p_over_both(delta), alone))
        return found


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
        return Crossed(total / items, np.full(len(b), max(1.0, items - 1.0)), none, none, b, none, 1, items)
    a = of_replicates / (replicates - 1)
    e = of_rest / max(1, (replicates - 1) * (items - 1))
    total = np.maximum.reduce([a + b - e, a, min(1.0, _TRUSTED / replicates) * b])
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total**2 / (a**2 / (replicates - 1) + (total - a) ** 2 / max(1, items - 1))
    freedom = np.clip(np.where(total > 0, freedom, _SURE), replicates - 1, _SURE)
    total = np.maximum(total, floor)
    return Crossed(
        total / (replicates * items),
        freedom,
        a / (replicates * items),
        np.maximum(a - e, 0.0) / items,
        np.maximum(b - e, 0.0) / replicates,
        e,
        replicates,
        items,
    )


def share_bounds(mean: float, crossed: Crossed, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of one mean share, which stays between 0 and 1.

    It is Wilson's (1927, doi:10.2307/2276774) for as many independent items as would have the same variance, and for
    the test items where that is 0; and reaches at least as far to either side as Student's, since replicates may be
    skewed the other way.
    """
    (variance,), (freedom,) = crossed.widest(level)
    spread = mean * (1 - mean)
    n = spread / variance if variance > 0 and spread > 0 else float(crossed.items)
    reach = float(special.stdtrit(freedom, (1 + level) / 2))
    middle = (mean + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half = reach / (1 + reach**2 / n) * np.sqrt(spread / n + reach**2 / (4 * n**2))
    plain = float(crossed.half(level)[0])
    low, high = min(mean - plain, float(middle - half)), max(mean + plain, float(middle + half))
    return min(mean, max(0.0, low)), max(mean, min(1.0, high))
