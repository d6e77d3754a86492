"""Choose the rows whose charts would be too many for all: the leaders of one label budget, and their cells."""

from typing import TYPE_CHECKING, Any

from tlbench import ROW, row_labels
from tlbench_reports.once import once
from tlbench_reports.row import worth
from tlbench_reports.words import known

if TYPE_CHECKING:
    from pandas import DataFrame

    from tlbench import Predictions, Results

REPLICATES = 10  # whose predictions are read, of each row


def relabelled(rows: list[Any], **alike: str) -> list[Any]:
    """Return rows with labels that are the same for the same strategy wherever these rows stand together.

    The labels of a summary tell rows apart within one label budget of one place; they are kept as `group_label`. Of
    the columns `alike`, such as `backbone=""`, none is told.
    """
    labels = row_labels([{**row, **alike} for row in rows])
    return [{**row, "label": label, "group_label": row["label"]} for row, label in zip(rows, labels, strict=True)]


def is_baseline_of(row: Any, other: Any) -> bool:
    """Tell whether a row of the same place is what another is compared with."""
    names = (row["strategy"], row.get("group_label", row["label"]))
    return bool(row["is_baseline"]) and row["budget"] == other["budget"] and other["baseline"] in names


def best_budget(rows: list[Any]) -> list[Any]:
    """Return the scored rows of the label budget that has most of them; of several, of the largest."""
    by_budget: dict[str, list[Any]] = {}
    for row in rows:
        if known(row["mean"]):
            by_budget.setdefault(str(row["budget"]), []).append(row)
    return max(reversed(by_budget.values()), key=len) if by_budget else []


def leaders(rows: list[Any], most: int) -> list[Any]:
    """Return the best rows, upper bounds apart, and at the end the baseline of the best: `most` rows at most."""
    ranked = sorted((row for row in rows if not row["upper_bound"]), key=worth, reverse=True)
    if not ranked:
        return []
    wanted = [row for row in ranked if is_baseline_of(row, ranked[0])]
    baselines = wanted or [row for row in ranked if row["is_baseline"]]
    baseline = [row for row in baselines[:1] if row is not ranked[0]]
    return [row for row in ranked if row not in baseline][: most - len(baseline)] + baseline


def cells(results: "Results", row: Any) -> list[str]:
    """Return the ids of the scored cells of a row of the summary, by replicate."""
    own = _scored(results)
    for column in ROW:  # the transfer first, which leaves few
        if column in own and column in row:
            own = own[own[column].astype(str) == str(row[column])]
    return [str(cell) for cell in own.sort_values(["seed", "replicate"])["cell"]]


@once
def _scored(results: "Results") -> "DataFrame":
    frame = results.frame()
    columns = [*dict.fromkeys(("cell", "seed", "replicate", *(column for column in ROW if column in frame)))]
    return frame.loc[frame["status"] == "ok", columns]


def predictions(results: "Results", row: Any) -> "list[Predictions]":
    """Return what the classifiers of a row's first replicates said; nothing where a file of them cannot be read."""
    found = [readable(results, cell) for cell in cells(results, row)[:REPLICATES]]
    return [part for part in found if part is not None] if None not in found else []


def readable(results: "Results", cell: str) -> "Predictions | None":
    """Return a cell's predictions, or None where its file cannot be read: such results have fewer charts."""
    from tlbench import TlbenchError

    try:
        return results.store.predictions(cell)
    except TlbenchError:
        return None
