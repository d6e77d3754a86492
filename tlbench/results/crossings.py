"""Say which strategy leads at which label budget, and where one overtakes another, with the interval of that place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench.contract import ORACLE, UNSUPERVISED, Budget, BudgetKind
from tlbench.results.rows import row_labels
from tlbench.results.stats import LEVEL, multiplier
from tlbench.results.summary import Summary, is_candidate, partition

if TYPE_CHECKING:
    from tlbench.results.results import Results

RESAMPLES = 4_000
NORMAL = 1.959964  # standard errors to either side that hold 95 % of a normal distribution
_PLACE = ("transfer", "backbone", "setting")
_SAME = ("source", "family", "strategy", "selection", "tuned", "upper_bound")  # one strategy at several budgets
_NAMED = 3  # strategies that a sentence names, of those that cannot be told apart


@dataclass(frozen=True)
class Crossing:
    """Hold where one leading strategy overtakes another, in the unit of its `BudgetRanking`.

    `at`, `low` and `high` are NaN where their curves cannot be said to cross between two budgets.
    """

    before: str
    after: str
    at: float
    low: float
    high: float
    last: str  # the largest budget at which `before` is clearly the better
    first: str  # the smallest at which `after` is

    @property
    def is_certain(self) -> bool:
        """Tell whether the place has an interval that ends within the budgets that were run."""
        return bool(np.isfinite([self.at, self.low, self.high]).all())


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


@dataclass(frozen=True, eq=False)
class _Place:
    """Hold the rows of one transfer, backbone and setting by budget and name."""

    summary: Summary
    rows: dict[tuple[str, str], dict[str, Any]]  # by budget and label
    labels: dict[str, float]
    unit: str

    @property
    def budgets(self) -> list[str]:
        return list(self.labels)

    def scored(self, budget: str) -> list[str]:
        return [label for (own, label), row in self.rows.items() if own == budget and is_candidate(row)]

    def best(self, budget: str) -> str:
        return next((label for label in self.scored(budget) if self.rows[budget, label]["best"]), "")

    def tied(self, budget: str) -> list[str]:
        tied = [label for label in self.scored(budget) if self.rows[budget, label]["tied"]]
        return sorted(tied, key=lambda label: label != self.best(budget))

    def worth(self, label: str, budgets: Sequence[str]) -> tuple[int, float]:
        """Return at how many budgets a row is best, and its mean over them as a number of which more is better."""
        means = [self.rows[budget, label]["mean"] for budget in budgets if label in self.scored(budget)]
        sign = 1 if self.summary.higher_is_better else -1
        return sum(self.best(budget) == label for budget in budgets), sign * float(np.mean(means))


@dataclass(frozen=True)
class _Reign:
    """Hold neighbouring budgets at all of which a row is best, or tied with the best."""

    leader: str
    others: tuple[str, ...]  # of which the same is true
    budgets: tuple[str, ...]


def _ranking(summary: Summary, rows: list[dict[str, Any]]) -> BudgetRanking | None:
    labels, unit = budget_labels(rows)
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        first.setdefault(tuple(row[column] for column in _SAME), row)
    names = dict(zip(first, row_labels(list(first.values())), strict=True))
    named = {(str(row["budget"]), names[tuple(row[column] for column in _SAME)]): row for row in rows}
    scored = {budget for (budget, _), row in named.items() if is_candidate(row)}
    place = _Place(summary, named, {budget: count for budget, count in labels.items() if budget in scored}, unit)
    if len(place.budgets) < 2:
        return None
    reigns = _reigns(place)
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
        sentence=_sentence(place, reigns, crossings),
    )


def _reigns(place: _Place) -> list[_Reign]:
    """Part the budgets into reigns, from the fewest labels on, each as long as it can be.

    A row reigns where it is best, or tied with the best, at all of the budgets, and best at one of them at least.
    """
    tied = {budget: place.tied(budget) for budget in place.budgets if place.tied(budget)}
    found, rest = [], list(tied)
    while rest:
        for length in range(len(rest), 0, -1):
            own = tuple(rest[:length])
            covering = [label for label in tied[own[0]] if all(label in tied[budget] for budget in own)]
            if any(place.best(budget) in covering for budget in own):
                break
        leader, *others = sorted(covering, key=lambda label: place.worth(label, own), reverse=True)
        found.append(_Reign(leader, tuple(others), own))
        rest = rest[length:]
    return found


def _crossing(place: _Place, one: _Reign, other: _Reign) -> Crossing | None:
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


def _located(place: _Place, before: str, after: str, budgets: list[str]) -> tuple[float, float, float]:
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


def _sentence(place: _Place, reigns: list[_Reign], crossings: Sequence[Crossing | None]) -> str:
    if not reigns:
        return "No strategy can be said to lead at any label budget"
    said = _said(place, reigns, crossings)
    return said if said.startswith(reigns[0].leader) else said[0].upper() + said[1:]


def _said(place: _Place, reigns: list[_Reign], crossings: Sequence[Crossing | None]) -> str:
    if len(reigns) == 1:
        return _of_one(place, reigns[0])
    certain = [crossing for crossing in crossings if crossing is not None and crossing.is_certain]
    if len(certain) == len(reigns) - 1:
        return _of_crossings(place, certain)
    parts = [_of_part(place, reign) for reign in reigns]
    for crossing in crossings:
        if crossing is not None:
            parts.append(f"where {crossing.after} overtakes {crossing.before} is not clear")
    return "; ".join(parts)


def _of_one(place: _Place, reign: _Reign) -> str:
    leader, where = reign.leader, _range(place, reign.budgets)
    if reign.others:
        return f"which of {_some((leader, *reign.others))} is ahead {where} is not clear"
    alone = [budget for budget in reign.budgets if len(place.tied(budget)) == 1]
    if all(place.best(budget) == leader for budget in reign.budgets):
        if len(alone) == len(reign.budgets):
            return f"{leader} is clearly best {where}"
        clearly = f"clearly at {_listed(place, alone)}" if alone else "nowhere clearly"
        return f"{leader} leads {where}, {clearly}"
    return f"{leader} is best or tied with the best {where}"


def _of_part(place: _Place, reign: _Reign) -> str:
    if reign.others:
        return f"{_range(place, reign.budgets)} {_some((reign.leader, *reign.others))} cannot be told apart"
    return f"{reign.leader} {_range(place, reign.budgets)}"


def _of_crossings(place: _Place, crossings: Sequence[Crossing]) -> str:
    first, *others = crossings
    parts = [f"below about {_amount(first.at)} {place.unit} {first.before}"]
    parts += [f"from there to about {_amount(crossing.at)} {crossing.before}" for crossing in others]
    said = ", ".join([*parts, f"above that {crossings[-1].after}"])
    unclear = [
        budget for budget in place.budgets
        if any(crossing.low <= place.labels[budget] <= crossing.high for crossing in crossings)
        and budget not in {end for crossing in crossings for end in (crossing.last, crossing.first)}
    ]  # fmt: skip
    between = " and ".join(f"{_amount(crossing.low)} to {_amount(crossing.high)}" for crossing in crossings)
    said += f" (95% interval{'s' if others else ''} of the crossing{'s' if others else ''}: {between})"
    return f"{said}; who is ahead at {_listed(place, unclear)} is not clear" if unclear else said


def _range(place: _Place, budgets: Sequence[str]) -> str:
    """Say at which budgets: `at 5 labels per class`, `from 1 to 20 labels per class`, `from 1 label to full`."""
    first, last = _spoken(place, budgets[0]), _spoken(place, budgets[-1])
    if len(budgets) == 1:
        return f"at {first}{_unit(place, budgets[0])}"
    if _unit(place, budgets[0]) and _unit(place, budgets[-1]):
        return f"from {first} to {last} {place.unit}"
    return f"from {first}{_unit(place, budgets[0])} to {last}{_unit(place, budgets[-1])}"


def _unit(place: _Place, budget: str) -> str:
    """Return the unit where a budget is spoken of as a number of it."""
    if Budget.parse(budget).kind in (BudgetKind.FULL, BudgetKind.FRACTION):
        return ""
    return f" {place.unit.replace('labels', 'label', 1) if place.labels[budget] == 1 else place.unit}"


def _spoken(place: _Place, budget: str) -> str:
    kind = Budget.parse(budget).kind
    return budget if kind in (BudgetKind.FULL, BudgetKind.FRACTION) else _amount(place.labels[budget])


def _listed(place: _Place, budgets: Sequence[str]) -> str:
    *most, last = [_spoken(place, budget) for budget in budgets]
    return f"{', '.join(most)} and {last}" if most else last


def _some(names: Sequence[str]) -> str:
    shown = list(names if len(names) <= _NAMED + 1 else names[:_NAMED])
    rest = len(names) - len(shown)
    *most, last = [*shown, f"{rest} more"] if rest else shown
    return f"{', '.join(most)} and {last}"


def _amount(labels: float) -> str:
    """Write a number of labels: whole, or below three with one digit more."""
    return f"{labels:,.0f}" if labels >= 3 or abs(labels - round(labels)) < 0.05 else f"{labels:.1f}"
