"""Put who leads at which label budget, and where one overtakes another, into a sentence."""

from collections.abc import Sequence

from tlbench.contract import Budget, BudgetKind
from tlbench.results.reigns import Crossing, Place, Reign
from tlbench.results.wording import names


def ranking_sentence(place: Place, reigns: list[Reign], crossings: Sequence[Crossing | None]) -> str:
    """Say who leads at which label budget, and where one overtakes another."""
    if not reigns:
        return "No strategy can be said to lead at any label budget"
    said = _said(place, reigns, crossings)
    return said if said.startswith(reigns[0].leader) else said[0].upper() + said[1:]


def _said(place: Place, reigns: list[Reign], crossings: Sequence[Crossing | None]) -> str:
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


def _of_one(place: Place, reign: Reign) -> str:
    leader, where = reign.leader, _range(place, reign.budgets)
    if reign.others:
        return f"which of {names((leader, *reign.others))} is ahead {where} is not clear"
    alone = [budget for budget in reign.budgets if len(place.tied(budget)) == 1]
    if all(place.best(budget) == leader for budget in reign.budgets):
        if len(alone) == len(reign.budgets):
            return f"{leader} is clearly best {where}"
        clearly = f"clearly at {_listed(place, alone)}" if alone else "nowhere clearly"
        return f"{leader} leads {where}, {clearly}"
    return f"{leader} is best or tied with the best {where}"


def _of_part(place: Place, reign: Reign) -> str:
    if reign.others:
        return f"{_range(place, reign.budgets)} {names((reign.leader, *reign.others))} cannot be told apart"
    return f"{reign.leader} {_range(place, reign.budgets)}"


def _of_crossings(place: Place, crossings: Sequence[Crossing]) -> str:
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


def _range(place: Place, budgets: Sequence[str]) -> str:
    """Say at which budgets: `at 5 labels per class`, `from 1 to 20 labels per class`, `from 1 label to full`."""
    first, last = _spoken(place, budgets[0]), _spoken(place, budgets[-1])
    if len(budgets) == 1:
        return f"at {first}{_unit(place, budgets[0])}"
    if _unit(place, budgets[0]) and _unit(place, budgets[-1]):
        return f"from {first} to {last} {place.unit}"
    return f"from {first}{_unit(place, budgets[0])} to {last}{_unit(place, budgets[-1])}"


def _unit(place: Place, budget: str) -> str:
    """Return the unit where a budget is spoken of as a number of it."""
    if Budget.parse(budget).kind in (BudgetKind.FULL, BudgetKind.FRACTION):
        return ""
    return f" {place.unit.replace('labels', 'label', 1) if place.labels[budget] == 1 else place.unit}"


def _spoken(place: Place, budget: str) -> str:
    kind = Budget.parse(budget).kind
    return budget if kind in (BudgetKind.FULL, BudgetKind.FRACTION) else _amount(place.labels[budget])


def _listed(place: Place, budgets: Sequence[str]) -> str:
    return names([_spoken(place, budget) for budget in budgets], most=len(budgets))


def _amount(labels: float) -> str:
    """Write a number of labels: whole, or below three with one digit more."""
    return f"{labels:,.0f}" if labels >= 3 or abs(labels - round(labels)) < 0.05 else f"{labels:.1f}"
