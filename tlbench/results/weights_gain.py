"""Say what pretrained weights are worth: the same strategy and network, with them and from a random start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import Record, canonical
from tlbench.results import stats
from tlbench.results.comparisons import compare, holm
from tlbench.results.summary import GROUP, Summary, partition

_ALIKE = ("transfer", "budget", "setting", "source", "strategy", "selection", "tuned")
COLUMNS = (
    *GROUP, "source", "strategy", "selection", "tuned", "random_start", "mean", "mean_random", "delta", "delta_low",
    "delta_high", "n", "p", "p_holm", "verdict", "negative_transfer",
)  # fmt: skip


def weights_gain(summary: Summary, records: Sequence[Record]) -> pd.DataFrame:
    """Return a row for each summary row whose strategy was run on a random start of the same network too.

    `delta` is the score with the weights less that without, over the replicates that both have, and `p_holm` is
    corrected for all rows of one backbone, transfer, budget and setting. `negative_transfer` says that the weights do
    harm to this strategy on these data.
    """
    networks = _networks(records)
    pairs = []
    for rows in partition(summary.rows, _ALIKE):
        starts = {networks[row["backbone"]][0]: row for row in rows if not networks[row["backbone"]][1]}
        pairs += [
            (row, starts[network])
            for row in rows
            for network, trained in [networks[row["backbone"]]]
            if trained and network in starts and np.isfinite([row["mean"], starts[network]["mean"]]).all()
        ]
    found = [
        line
        for some in partition([row | {"start": start} for row, start in pairs], GROUP)
        for line in _of(summary, some)
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _networks(records: Sequence[Record]) -> dict[str, tuple[str, bool]]:
    """Return by a backbone's label what it shares with its random start, and whether it has weights."""
    found: dict[str, tuple[str, bool]] = {}
    for record in records:
        label = str(record.labels.get("backbone"))
        if label not in found:
            identity = record.identity.get("backbone")
            known = identity if isinstance(identity, dict) else {}
            network = canonical({key: value for key, value in known.items() if key != "weights"})
            found[label] = (network, known.get("weights") is not None)
    return found


def _of(summary: Summary, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of rows that stand together, each with its random start in `start`."""
    lines = []
    for row in rows:
        start = row["start"]
        overlap = max(row["overlap"], start["overlap"])
        paired = compare(summary.differences([row, start], np.array([0]), np.array([1])), overlap)
        delta, low, high = (float(each[0]) for each in (paired.delta, paired.low, paired.high))
        between = stats.Interval(delta, low, high, int(paired.n[0]))
        verdict = stats.verdict(between, summary.higher_is_better) if between.n else ""
        lines.append(
            {column: row[column] for column in COLUMNS if column in row}
            | {"random_start": start["backbone"], "mean_random": start["mean"], "n": between.n}
            | {"delta": between.mean, "delta_low": between.low, "delta_high": between.high}
            | {"p": float(paired.p[0]), "verdict": verdict, "negative_transfer": verdict == "worse"}
        )
    for line, p in zip(lines, holm(np.array([line["p"] for line in lines])), strict=True):
        line["p_holm"] = float(p)
    return lines
