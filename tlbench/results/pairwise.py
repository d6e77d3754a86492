"""All pairs of rows that stand in one group, with their paired differences."""

import numpy as np
import pandas as pd

from tlbench.results.comparisons import ALPHA, compare, holm
from tlbench.results.summary import GROUP, Summary, step

COLUMNS = (*GROUP, "a", "b", "delta", "low", "high", "n", "p", "p_holm", "p_t", "separated", "effect", "needed")


def pairwise(summary: Summary) -> pd.DataFrame:
    """Return one row per pair of each group: `a` less `b`, replicate by replicate, `b` standing above `a`.

    `p` is of the exact sign-flip test and `p_holm` that with Holm's correction for all pairs of the group; `p_t` is of
    the paired t test, and `separated` whether that is at most 0.05 after the same correction, which decides who is
    tied with the best. Upper bounds take no part.
    """
    parts = []
    for group in summary.groups():
        rows = [row for row in group if np.isfinite(row["mean"]) and not row["upper_bound"]]
        if len(rows) < 2:
            continue
        b, a = np.triu_indices(len(rows), k=1)
        table, overlap = summary.matrix(rows), np.array([row["overlap"] for row in rows])
        found = compare(table[a] - table[b], np.maximum(overlap[a], overlap[b]), step(rows, table))
        labels = np.array([row["label"] for row in rows], dtype=object)
        part = pd.DataFrame({**vars(found), "a": labels[a], "b": labels[b], "p_holm": holm(found.p)})
        part["separated"] = holm(found.p_t) <= ALPHA
        parts.append(part.assign(**{column: rows[0][column] for column in GROUP}))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))
