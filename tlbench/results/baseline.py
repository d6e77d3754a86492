"""Which row each row is compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

from tlbench.contract.strategy import ORACLE, Family

Row = Mapping[str, Any]


def baselines(rows: Sequence[Row], chosen: str | None = None) -> list[int | None]:
    """Return for each row of one transfer, backbone and budget the position of its baseline, its own for a baseline.

    Without a choice it is the strategy that is marked so in the row's family, from the same source, or else the one of
    the family `scratch`; with one, it is the strategy of that name. Of several, the one under the same selection rule,
    tuned alike; an untuned one else. Nothing that test labels chose is the baseline of anything else.
    """
    return [_baseline(row, rows, chosen) for row in rows]


def _baseline(row: Row, rows: Sequence[Row], chosen: str | None) -> int | None:
    found = [
        i for i, other in enumerate(rows) if other["n"] and (other["setting"] != ORACLE or row["setting"] == ORACLE)
    ]
    if chosen is None:
        found = _of_family(row, rows, [i for i in found if rows[i]["marked"]])
    else:
        found = [i for i in found if rows[i]["strategy"] == chosen]
    wanted = [(column, row[column]) for column in ("source", "selection", "tuned", "setting")]
    for column, value in (*wanted, ("tuned", ""), ("setting", "inductive")):
        found = [i for i in found if rows[i][column] == value] or found
    return found[0] if found else None


def _of_family(row: Row, rows: Sequence[Row], marked: list[int]) -> list[int]:
    own = [i for i in marked if rows[i]["family"] == row["family"]]
    if not (row["upper_bound"] and len({rows[i]["source"] for i in own}) == 1):  # what an upper bound exceeds
        own = [i for i in own if rows[i]["source"] == row["source"]]
    found = own or [i for i in marked if rows[i]["family"] == str(Family.SCRATCH)]
    return [i for i in found if rows[i]["strategy"] == rows[found[0]]["strategy"]]
