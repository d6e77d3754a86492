"""Compare every two rows of a group."""

import numpy as np
import pandas as pd

from tlbench.results.comparisons import ALPHA, holm, items_needed, replicates_needed
from tlbench.results.summary import Summary
from tlbench.results.summary_row import GROUP, is_candidate

COLUMNS = (
    *GROUP, "a", "b", "delta", "low", "high", "n", "over", "p", "p_holm", "separated", "effect", "needed",
    "needed_items",
)  # fmt: skip


def pairwise(summary: Summary) -> pd.DataFrame:
    """Return one row per pair of each group: `a` less `b`, replicate by replicate, `b` standing above `a`.

    `p` is that of the test that belongs to the interval, over replicates and test items, `p_holm` that with Holm's
    correction for all pairs of the group, though no less than verdicts and ties go by, and `separated` whether that is
    at most 0.05: no pair is separated of which the table says `unclear` or `tied`. `needed` and `needed_items` are how
    many replicates, or test items, would separate those that are not. Upper bounds take no part.
    """
    parts = []
    for group in summary.groups():
        rows = [row for row in group if is_candidate(row)]
        if len(rows) < 2:
            continue
        b, a = np.triu_indices(len(rows), k=1)
        found = summary.compared(rows, a, b)
        labels = np.array([row["label"] for row in rows], dtype=object)
        corrected = np.maximum(holm(found.p), np.minimum(1.0, found.p * (len(rows) - 1)))
        tests = np.full(len(found.p), max(1, np.isfinite(found.p).sum()))
        places = {row["position"]: place for place, row in enumerate(rows)}
        for place, row in enumerate(rows):
            other = places.get(row["reference"])
            if other is not None and np.isfinite(row["p_holm"]):
                pair = (b == min(place, other)) & (a == max(place, other))
                corrected[pair] = np.maximum(corrected[pair], row["p_holm"])
                tests[pair] = np.maximum(tests[pair], summary.comparisons)
        apart, level = corrected <= ALPHA, ALPHA / tests
        shown = {name: getattr(found, name) for name in ("delta", "low", "high", "n", "over", "p", "effect")}
        part = pd.DataFrame({**shown, "a": labels[a], "b": labels[b], "p_holm": corrected, "separated": apart})
        part["needed"] = np.where(apart, np.nan, replicates_needed(found, level))
        part["needed_items"] = np.where(apart, np.nan, items_needed(found, level))
        parts.append(part.assign(**{column: rows[0][column] for column in GROUP}))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))
