"""What rows are called where they stand together: the strategy, and whatever else tells it from its neighbours."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SOURCE, RULE, BACKBONE = "source", "selection", "backbone"


def row_labels(rows: Sequence[Mapping[str, Any]], tell_sources: bool | None = None) -> list[str]:
    """Return a name for each of some rows that stand together, unlike those of the others.

    A row has `strategy`, `source`, `selection`, `tuned`, `upper_bound` and `backbone`. The source is told where one
    strategy has several (`tell_sources` decides otherwise), the rule and the backbone where the rows have several, and
    a tuning always.
    """
    if tell_sources is None:
        tell_sources = has_several_sources(rows)
    several = {column: len({str(row[column]) for row in rows}) > 1 for column in (RULE, BACKBONE)}
    return [_label(row, tell_sources, several[RULE], several[BACKBONE]) for row in rows]


def has_several_sources(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a strategy among rows transfers from more than one source."""
    sources: dict[str, set[str]] = {}
    for row in rows:
        sources.setdefault(str(row["strategy"]), set()).add(str(row[SOURCE] or ""))
    return any(len(found) > 1 for found in sources.values())


def _label(row: Mapping[str, Any], source: bool, rule: bool, backbone: bool) -> str:
    parts = [str(row["strategy"])]
    if source and row[SOURCE]:
        parts.append(f"from {row[SOURCE]}")
    if backbone:
        parts.append(f"on {row[BACKBONE]}")
    if rule:
        parts.append(f"[{row[RULE]}]")
    if row["tuned"]:
        parts.append(f"[{row['tuned']}]")
    if row["upper_bound"]:
        parts.append("(upper bound)")
    return " ".join(parts)
