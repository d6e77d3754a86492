"""Say which strategy leads at which label budget, and where one overtakes another, with the interval of that place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench.contract import ORACLE, UNSUPERVISED, Budget, BudgetKind
from tlbench.results.crossing_words import ranking_sentence
from tlbench.results.reigns import Crossing, Place, Reign, reigns_of
from tlbench.results.rows import row_labels
from tlbench.results.stats import LEVEL, multiplier
from tlbench.results.summary import Summary
from tlbench.results.summary_row import is_candidate, partition

if TYPE_CHECKING:
    from tlbench.results.results import Results

RESAMPLES = 4_000
NORMAL = 1.959964  # standard errors to either side that hold 95 % of a normal distribution
_PLACE = ("transfer", "backbone", "setting")
_SAME = ("source", "family", "strategy", "selection", "tuned", "upper_bound")  # one strategy at several budgets


@dataclass(frozen=True)
class BudgetRanking:
    """Hold who leads at each label budget of one transfer, backbone and setting, budgets by their number of labels."""

    transfer: str
    backbone: str
    setting: str
    metric: str
    unit: str  # "labels per class", or "labels"
    budgets: tuple[str, ...]
    labels: tuple[float, ...]  # how many labels each budget is, in the unit
    best: tuple[str, ...]  # the row of each budget; "" where none is
    tied: tuple[tuple[str, ...], ...]  # rows that are not clearly below the best, which is one of them
    crossings: tuple[Crossing, ...]
    sentence: str


def budget_rankings(
    results: "Results", metric: str | None = None, places: Collection[tuple[str, str, str]] | None = None
) -> tuple[BudgetRanking, ...]:
    """Return one ranking for each transfer, backbone and setting with a score at two label budgets or more.

    With `places` of those alone. Episodes, clusterings and rows that test labels chose have none.
    """
    return rankings(results._summary(metric or results.metric), places)


def rankings(summary: Summary, places: Collection[tuple[str, str, str]] | None = None) -> tuple[BudgetRanking, ...]:
    """Return the rankings of a summary."""
    parts = partition((row for row in summary.rows if not Budget.parse(str(row["budget"])).is_episodic), _PLACE)
    found = [
        _ranking(summary, rows)
        for rows in parts
        if rows[0]["setting"] not in (ORACLE, UNSUPERVISED)
        and (places is None or tuple(str(rows[0][column]) for column in _PLACE) in places)
    ]
    return tuple(ranking for ranking in found if ranking is not None)


def budget_labels(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, float], str]:
    """Return how many labels each budget of rows of one place is, by the ledger, fewest first, and the unit.

    The unit is labels per class where a budget is counted so, and labels in all elsewhere. Budgets of which no row has
    a ledger are left out, and upper bounds are not asked: they were given more.
    """
    given: dict[str, list[float]] = {}
    for row in rows:
        if not row["upper_bound"]:
            given.setdefault(str(row["budget"]), []).append(
                _number(row["train_labels"]) + _number(row["val_labels"], 0)
            )
    known = {budget: [value for value in values if np.isfinite(value)] for budget, values in given.items()}
    counts = {budget: float(np.median(values)) for budget, values in known.items() if values}
    parsed = {budget: Budget.parse(budget) for budget in counts}
    classes = [
        counts[name] / budget.amount for name, budget in parsed.items()
        if budget.kind is BudgetKind.SHOTS and counts[name]
    ]  # fmt: skip
    unit = "labels per class" if classes else "labels"
    each = {budget: count / (classes[0] if classes else 1.0) for budget, count in counts.items()}
    return dict(sorted(each.items(), key=lambda pair: (pair[1], parsed[pair[0]].order()))), unit


def _number(value: Any, missing: float = float("nan")) -> float:
    return missing if value is None or value != value else float(value)


def crossing_point(differences: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return where each curve of differences, (m, budgets), turns from below 0 to above, on straight lines.

    Of several such places it is the one that best parts the curve into a lower half below 0 and an upper half above:
    the least of the integral from the first budget on. A curve that is better parted by no such place lies above 0
    everywhere (-inf) or below (inf).
    """
    low, high, steps = differences[:, :-1], differences[:, 1:], np.diff(places)
    areas = np.cumsum((low + high) / 2 * steps, axis=1)
    before = np.concatenate([np.zeros((len(low), 1)), areas[:, :-1]], axis=1)
    crosses = (low < 0) & (high >= 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(crosses, -low / (high - low), 0.0)
    inner = np.where(crosses, before + low * share * steps / 2, np.inf)
    candidates = np.concatenate([np.zeros((len(low), 1)), inner, areas[:, -1:]], axis=1)
    positions = np.concatenate(
        [np.full((len(low), 1), -np.inf), places[:-1] + share * steps, np.full((len(low), 1), np.inf)], axis=1
    )
    found: np.ndarray = positions[np.arange(len(low)), candidates.argmin(axis=1)]
    return found


def crossing_interval(
    differences: np.ndarray, places: np.ndarray, item_error: np.ndarray, seed: int = 0
) -> tuple[float, float, float]:
    """Return where a mean curve crosses 0 from below, and the ends of the 95 % interval of that place.

    `differences` is (replicates, budgets), `places` the budgets on the axis that is interpolated along, and
    `item_error`, (budgets,), the standard error that the choice of test items adds. A bootstrap over replicates, which
    keeps the budgets of one together, with deviations widened to what Student's t has more than the normal
    distribution, and test items that do better or worse at all budgets at once. An end is infinite where that many
    samples do not cross. One replicate has no interval.
    """
    n = len(differences)
    mean = differences.mean(axis=0)
    at = float(crossing_point(mean[None], places)[0])
    if n < 2:
        return at, float("nan"), float("nan")
    draw = np.random.default_rng(seed)
    shares = draw.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n
    widened = multiplier(n) / NORMAL * np.sqrt(n / (n - 1))
    samples = mean + widened * (shares @ differences - mean) + draw.normal(size=(RESAMPLES, 1)) * item_error
    found = crossing_point(samples, places)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return at, float(low), float(high)


def _ranking(summary: Summary, rows: list[dict[str, Any]]) -> BudgetRanking | None:
    labels, unit = budget_labels(rows)
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        first.setdefault(tuple(row[column] for column in _SAME), row)
    names = dict(zip(first, row_labels(list(first.values())), strict=True))
    named = {(str(row["budget"]), names[tuple(row[column] for column in _SAME)]): row for row in rows}
    scored = {budget for (budget, _), row in named.items() if is_candidate(row)}
    place = Place(summary, named, {budget: count for budget, count in labels.items() if budget in scored}, unit)
    if len(place.budgets) < 2:
        return None
    reigns = reigns_of(place)
    crossings = tuple(_crossing(place, one, next_) for one, next_ in pairwise(reigns))
    first_row = rows[0]
    return BudgetRanking(
        transfer=str(first_row["transfer"]),
        backbone=str(first_row["backbone"]),
        setting=str(first_row["setting"]),
        metric=summary.metric,
        unit=unit,
        budgets=tuple(place.budgets),
        labels=tuple(place.labels.values()),
        best=tuple(map(place.best, place.budgets)),
        tied=tuple(tuple(place.tied(budget)) for budget in place.budgets),
        crossings=tuple(crossing for crossing in crossings if crossing is not None),
        sentence=ranking_sentence(place, reigns, crossings),
    )


def _crossing(place: Place, one: Reign, other: Reign) -> Crossing | None:
    """Return where the leader of a reign is overtaken by that of the next, or None where they never met.

    Budgets at which both are tied with the best lie within the interval, and those at which one of them is best and the
    other clearly below it do not.
    """
    before, after = one.leader, other.leader
    common = [b for b in place.budgets if place.labels[b] > 0 and {before, after} <= set(place.scored(b))]
    clear_before = [budget for budget in one.budgets if after not in place.tied(budget)]
    clear_after = [budget for budget in other.budgets if before not in place.tied(budget)]
    if not (set(common) & set(one.budgets)) or not (set(common) & set(other.budgets)):
        return None
    if not clear_before or not clear_after:
        return None
    last, first = clear_before[-1], clear_after[0]
    at, low, high = _located(place, before, after, common)
    open_ = [place.labels[b] for b in common if place.labels[last] < place.labels[b] < place.labels[first]]
    low, high = min([low, *open_]), max([high, *open_])
    if place.best(last) == before:
        low = max(low, place.labels[last])
    if place.best(first) == after:
        high = min(high, place.labels[first])
    if not (np.isfinite([at, low, high]).all() and 0 < low <= at <= high):
        at = low = high = float("nan")
    return Crossing(before, after, at, low, high, last, first)


def _located(place: Place, before: str, after: str, budgets: list[str]) -> tuple[float, float, float]:
    """Return where two rows cross, in labels, with the interval, from the replicates that all these budgets have."""
    nowhere = float("nan"), float("nan"), float("nan")
    rows = [place.rows[budget, label] for label in (after, before) for budget in budgets]
    k = len(budgets)
    first, second = np.arange(k), np.arange(k, 2 * k)
    table = place.summary.matrix(rows)
    sign = 1 if place.summary.higher_is_better else -1
    differences = sign * (table[:k] - table[k:]).T
    differences = differences[np.isfinite(differences).all(axis=1)]
    if k < 2 or len(differences) < 2:
        return nowhere
    compared = place.summary.compared(rows, first, second)
    with np.errstate(invalid="ignore"):
        item_error = np.nan_to_num(np.sqrt(np.maximum(compared.by_item / compared.items, 0.0)))
    places = np.log([place.labels[budget] for budget in budgets])
    at, low, high = crossing_interval(differences, places, item_error)
    return float(np.exp(at)), float(np.exp(low)), float(np.exp(high))
