"""Make the summary into a table of ten columns that a person reads."""

from typing import Any

import pandas as pd

from tlbench.contract import ORACLE
from tlbench.results.rows import row_labels

COLUMNS = ("transfer", "backbone", "budget", "strategy", "score", "low", "high", "gain", "verdict", "seconds")


def short_table(rows: list[list[dict[str, Any]]], higher_is_better: bool = True) -> pd.DataFrame:
    """Return one line for each row of the summary's groups, the best first in each group.

    `score` with its 95 % interval from `low` to `high`; `gain`: the paired difference to the baseline, where it is
    clear; `verdict`: best, tied (with the best), behind, worse (than the baseline, clearly), did not learn, upper bound
    (also where test labels chose) or failed; `seconds`: what fitting took.
    """
    lines = [line for group in rows for line in _lines(group, higher_is_better)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _lines(group: list[dict[str, Any]], higher_is_better: bool) -> list[dict[str, Any]]:
    lines = [
        {
            "transfer": row["transfer"],
            "backbone": row["backbone"],
            "budget": row["budget"],
            "strategy": label,
            "score": row["mean"],
            "low": row["low"],
            "high": row["high"],
            "gain": row["delta"] if row["verdict"] != "unclear" else float("nan"),
            "verdict": _verdict(row),
            "seconds": row["seconds"],
            "order": _order(row, higher_is_better),
        }
        for row, label in zip(group, row_labels(group), strict=True)
    ]
    ordered = sorted(lines, key=lambda line: line["order"])
    return [{name: line[name] for name in COLUMNS} for line in ordered]


def _order(row: dict[str, Any], higher_is_better: bool) -> tuple[bool, bool, float]:
    score = float(row["mean"])
    return (score != score, not row["best"], -score if higher_is_better else score)


def _verdict(row: dict[str, Any]) -> str:
    if not row["n"]:
        return "failed"
    if row["mean"] != row["mean"]:
        return "undefined"
    if row["upper_bound"] or row["setting"] == ORACLE:
        return "upper bound"
    if row["did_not_learn"]:
        return "did not learn"
    if row["best"]:
        return "best"
    if row["tied"]:
        return "tied"
    return "worse" if row["verdict"] == "worse" else "behind"
