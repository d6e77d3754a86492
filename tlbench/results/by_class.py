"""Score each class by itself, from stored logits: recall, precision and F1 of every row of the summary."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.results import stats
from tlbench.results.side_by_side import side_by_side
from tlbench.results.store import Store

MANY = 5_000  # cells that a process reads at a time
MOST = 100_000  # lines of a table: rows times classes
COLUMNS = ("class", "test_items", "n", "recall", "recall_low", "recall_high", "precision", "f1")


def class_lines(store: Store, cells: Sequence[str], names: Sequence[str], overlap: float) -> list[dict[str, Any]]:
    """Return a line for each class of one row, from its cells: means over replicates, recall with its t interval.

    A class that is never predicted has a precision of 0, as scikit-learn has it. One without a test item in some
    replicate has no recall, precision and F1. `names` are those of the classes, `overlap` as `t_interval` takes it.
    """
    counted = [class_counts(store, cell) for cell in cells]
    if len({each.shape for each in counted}) != 1:
        return []
    hits, own, predicted = np.stack(counted).astype(float).transpose(1, 0, 2)  # each (replicates, classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / own
        precision = np.where(own > 0, np.where(predicted > 0, hits / predicted, 0.0), np.nan)
        f1 = np.where(own > 0, 2 * hits / (own + predicted), np.nan)
    lines = []
    for i in range(hits.shape[1]):
        spread = stats.t_interval(recall[:, i], overlap=overlap)
        lines.append(
            {
                "class": str(names[i]) if len(names) == hits.shape[1] else f"class {i}",
                "test_items": float(own[:, i].mean()),
                "n": len(cells),
                "recall": spread.mean,
                "recall_low": spread.low,
                "recall_high": spread.high,
                "precision": float(precision[:, i].mean()),
                "f1": float(f1[:, i].mean()),
            }
        )
    return lines


def class_counts(store: Store, cell: str) -> np.ndarray:
    """Return, int64 (3, classes), how many test items of each class were found, there were, and were predicted."""
    predictions = store.predictions(cell)
    labels, found = predictions.labels, predictions.logits.argmax(axis=1)
    classes = predictions.logits.shape[1]
    parts = (labels[labels == found], labels, found)
    return np.stack([np.bincount(part, minlength=classes)[:classes] for part in parts])


def by_class(
    frame: pd.DataFrame, columns: Sequence[str], store: Store, names: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return the lines of all classes of all rows, which `columns` tell apart, of the records' frame.

    Episodes have classes of their own each, and no line. Empty where there would be more than 100,000 lines.
    """
    done = frame[(frame["status"] == "ok") & frame["episodes"].isna()]
    rows = [(key, own) for key, own in done.groupby(list(columns), sort=False, dropna=False)]
    at = list(columns).index("transfer")
    if sum(len(names.get(str(key[at]), ())) or 1 for key, _ in rows) > MOST:
        return pd.DataFrame(columns=[*columns, *COLUMNS])

    def lines(part: Sequence[Any]) -> list[list[dict[str, Any]]]:
        found = []
        for key, own in part:
            folds = int(own["folds"].max())
            own_lines = class_lines(store, own["cell"].tolist(), names.get(str(key[at]), ()),
                                    1 / (folds - 1) if folds > 1 else 0.0)  # fmt: skip
            found.append([{**dict(zip(columns, key, strict=True)), **line} for line in own_lines])
        return found

    least = max(1, MANY * len(rows) // max(1, len(done)))
    found = [line for own in side_by_side(lines, rows, least) for line in own]
    return pd.DataFrame(found, columns=[*columns, *COLUMNS])
