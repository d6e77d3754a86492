"""Say what pretrained weights are worth: the same strategy and network, with them and from a random start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlbench.contract import Family, Record, canonical
from tlbench.results import stats
from tlbench.results.comparisons import holm
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, partition

_ALIKE = ("transfer", "budget", "setting", "source", "strategy", "selection", "tuned")
COLUMNS = (
    *GROUP, "source", "strategy", "selection", "tuned", "random_start", "mean", "mean_random", "delta", "delta_low",
    "delta_high", "n", "p", "p_holm", "verdict", "negative_transfer",
)  # fmt: skip


def weights_gain(summary: Summary, records: Sequence[Record]) -> pd.DataFrame:
    """Return a row for each summary row whose strategy was run on a random start of the same network too.

    `delta` is the score with the weights less that without, over the replicates that both have, and `p_holm`, which
    the verdict goes by, is corrected for all of these rows. `negative_transfer` says that the weights do
    harm to this strategy on these data.
    """
    known = networks(records)
    pairs = []
    with_weights = [row for row in summary.rows if row["family"] != str(Family.SCRATCH)]  # which use none
    for rows in partition(with_weights, _ALIKE):
        starts = {known[row["backbone"]][0]: row for row in rows if not known[row["backbone"]][1]}
        pairs += [
            (row, starts[network])
            for row in rows
            for network, trained in [known[row["backbone"]]]
            if trained and network in starts and np.isfinite([row["mean"], starts[network]["mean"]]).all()
        ]
    found = _of(summary, [row | {"start": start} for row, start in pairs])
    return pd.DataFrame(found, columns=list(COLUMNS))


def networks(records: Sequence[Record]) -> dict[str, tuple[str, bool]]:
    """Return by a backbone's label what it shares with its random start, and whether it has weights."""
    found: dict[str, tuple[str, bool]] = {}
    for record in records:
        label = str(record.labels.get("backbone"))
        if label not in found:
            identity = record.identity.get("backbone")
            told = identity if isinstance(identity, dict) else {}
            network = canonical({key: value for key, value in told.items() if key != "weights"})
            found[label] = (network, told.get("weights") is not None)
    return found


def _of(summary: Summary, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of rows, each with its random start in `start`."""
    lines = []
    for row in rows:
        start = row["start"]
        paired = summary.compared([row, start], np.array([0]), np.array([1]))
        lines.append(
            {column: row[column] for column in COLUMNS if column in row}
            | {"random_start": start["backbone"], "mean_random": start["mean"], "n": int(paired.n[0])}
            | {"delta": float(paired.delta[0]), "delta_low": float(paired.low[0]), "delta_high": float(paired.high[0])}
            | {"p": float(paired.p[0])}
        )
    corrected = holm(np.array([line["p"] for line in lines]))
    for line, p in zip(lines, corrected, strict=True):
        verdict = stats.verdict(line["delta"], float(p), summary.higher_is_better)
        line |= {"p_holm": float(p), "verdict": verdict, "negative_transfer": verdict == "worse"}
    return lines
