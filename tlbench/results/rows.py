"""Name rows that stand together: by the strategy, and by whatever else tells it from its neighbours."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tlbench.contract import ORACLE, Family

SOURCE, RULE, BACKBONE = "source", "selection", "backbone"
REFERENCE = "linear-probe"  # what a method is compared with where no baseline was run: the best known of the cheap ones


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
    """Tell whether a strategy among rows transfers from more than one source."""
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


Row = Mapping[str, Any]


def baselines(rows: Sequence[Row], chosen: str | None = None) -> list[int | None]:
    """Return for each row of one transfer, backbone and budget the position of its baseline, its own for a baseline.

    Without a choice it is the strategy that is marked so in the row's family, from the same source, or else the one of
    the family `scratch`; where there is none, what of that family there is, or else `linear-probe`. With a choice, it
    is the strategy of that name. Of several, the one under the same selection rule,
    tuned alike; an untuned one else. Nothing that test labels chose is the baseline of anything else.
    """
    return [_baseline(row, rows, chosen) for row in rows]


def _baseline(row: Row, rows: Sequence[Row], chosen: str | None) -> int | None:
    found = [
        i for i, other in enumerate(rows) if other["n"] and (other["setting"] != ORACLE or row["setting"] == ORACLE)
    ]
    if chosen is None:
        marked = [i for i in found if rows[i]["marked"]]
        found = _of_family(row, rows, marked) or ([] if marked else _reference(rows, found))
    else:
        found = [i for i in found if rows[i]["strategy"] == chosen]
    wanted = [(column, row[column]) for column in ("source", "selection", "tuned", "setting")]
    for column, value in (*wanted, ("tuned", ""), ("setting", "inductive")):
        found = [i for i in found if rows[i][column] == value] or found
    return found[0] if found else None


def _reference(rows: Sequence[Row], found: list[int]) -> list[int]:
    """Return the rows of the strategy that others are compared with where nothing is marked as a baseline."""
    without = [i for i in found if rows[i]["family"] == str(Family.SCRATCH)]
    return [i for i in without if rows[i]["strategy"] == rows[without[0]]["strategy"]] or [
        i for i in found if rows[i]["strategy"] == REFERENCE
    ]


def _of_family(row: Row, rows: Sequence[Row], marked: list[int]) -> list[int]:
    own = [i for i in marked if rows[i]["family"] == row["family"]]
    if not (row["upper_bound"] and len({rows[i]["source"] for i in own}) == 1):  # what an upper bound exceeds
        own = [i for i in own if rows[i]["source"] == row["source"]]
    found = own or [i for i in marked if rows[i]["family"] == str(Family.SCRATCH)]
    return [i for i in found if rows[i]["strategy"] == rows[found[0]]["strategy"]]
