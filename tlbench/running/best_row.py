"""Choose the row of some results that somebody would use, and say why a row gives no classifier to use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tlbench.contract import INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, Budget, Record
from tlbench.errors import ParameterError
from tlbench.names import near_miss

if TYPE_CHECKING:
    from tlbench.results import Results

_NAMED_BY = ("label", "strategy", "backbone", "budget", "transfer")


def best_row(results: "Results", named: Sequence[str] = ()) -> dict[str, Any]:
    """Return the row that the answer says to take at the largest label budget, of several backbones the best.

    `named` are strategies, backbones, budgets or transfers, as tables show them, that the row must be of. Raises
    ParameterError, with a near miss, for a name that no row has, where the names leave several datasets open, and
    where the results give no answer and no row is named.
    """
    frames = [results.summary(metric) for metric in results.primaries]
    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for frame in frames for row in frame.to_dict("records")
    ]
    rows = [row for row in rows if row["mean"] == row["mean"]]
    for name in named:
        rows = _of(name, rows, named)
    usable = [row for row in rows if row["setting"] == INDUCTIVE and not row["upper_bound"]] or (rows if named else [])
    if not usable:
        raise ParameterError(f"{results.folder} holds no row that classifies each input alone. Name one with --row.")
    transfers = list(dict.fromkeys(row["transfer"] for row in usable))
    if len(transfers) > 1:
        raise ParameterError(
            f"{results.folder} holds several datasets, and a model is of one: add --row {transfers[0]!r}, or one of "
            f"{', '.join(transfers[1:4])}."
        )
    largest = max((Budget.parse(row["budget"]) for row in usable), key=Budget.order)
    usable = [row for row in usable if row["budget"] == str(largest)]
    best = [row for row in usable if row["best"]] or usable
    if not named:
        _refuse_without_answer(results, best[0])
        best = _taken(results, usable) or best
    sign = 1 if results.higher_is_better(results.metric) else -1
    return max(best, key=lambda row: float(sign * row["mean"]))


def _taken(results: "Results", rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that the answer says to take."""
    from tlbench.results import GROUP

    takes = {(*card.group, card.take) for card in results.answer().cards}
    return [row for row in rows if (*(row[key] for key in GROUP), row["label"]) in takes]


def _refuse_without_answer(results: "Results", row: dict[str, Any]) -> None:
    group = ("transfer", "budget", "setting")
    cards = [card for card in results.answer().cards if all(getattr(card, key) == row[key] for key in group)]
    if cards and all(card.no_answer for card in cards):
        raise ParameterError(f"there is no winner to take: {cards[0].no_answer} --row takes one all the same.")


def _of(name: str, rows: list[dict[str, Any]], named: Sequence[str]) -> list[dict[str, Any]]:
    found = [row for row in rows if name in {str(row.get(column, "")) for column in _NAMED_BY}]
    if found:
        return found
    known = dict.fromkeys(str(row[column]) for column in _NAMED_BY[1:] for row in rows)
    others = [each for each in named if each != name]
    among = f" with {' and '.join(others)}" if others else ""
    raise ParameterError(
        f"no row{among} is of {name!r}.{near_miss(name, known)} There are: {', '.join(list(known)[:12])}."
    )


def why_no_classifier(record: Record, combines: bool) -> str:
    """Say why what was measured is no classifier of one input at a time, or nothing; `combines` other rows."""
    labels = record.labels
    name = f"{labels['strategy']} on {labels['backbone']}"
    if combines:
        return f"{name} combines the predictions of other rows, so there is no network to keep. Name one of those."
    if Budget.parse(str(labels["budget"])).is_episodic:
        return (
            f"{name} was measured in episodes, each with classes of its own: no classifier of all classes was fitted."
        )
    if labels["setting"] == TRANSDUCTIVE or record.ledger.get("transductive"):
        return f"{name} is transductive: it answers all test inputs together, and none alone."
    if labels["setting"] == UNSUPERVISED:
        return f"{name} was given no label: it finds clusters, whose numbers name no classes."
    return ""
