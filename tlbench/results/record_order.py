"""Order records by what they are, whatever their folder and their ids."""

from functools import cache
from typing import Any

from tlbench.contract import SETTINGS, Budget, Family, Record
from tlbench.results.records_frame import is_upper_bound, selection

_SETTINGS = {setting: place for place, setting in enumerate(SETTINGS)}
_FAMILIES = {str(family): place for place, family in enumerate(Family)}


def record_order(record: Record) -> tuple[Any, ...]:
    """Return what records are sorted by: place, budget, setting, family, strategy, replicate."""
    labels = record.labels
    return (
        str(labels.get("transfer")),
        str(labels.get("backbone")),
        _budget_order(str(labels.get("budget"))),
        _SETTINGS.get(str(labels.get("setting")), 0),
        _FAMILIES.get(str(labels.get("family")), len(_FAMILIES)),
        is_upper_bound(record),
        str(labels.get("source")),
        str(labels.get("strategy")),
        selection(record),
        str(labels.get("tuned") or ""),
        labels.get("seed", 0),
        labels.get("replicate", 0),
        record.cell,
    )


@cache
def _budget_order(budget: str) -> tuple[Any, ...]:
    return Budget.parse(budget).order()
