"""Measure how well each selection rule ranks training steps, by rank correlation with the unseen test accuracy."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from tlbench.contract import ORACLE, Record
from tlbench.results.stats import t_interval

COLUMNS = ("transfer", "backbone", "budget", "rule", "correlation", "low", "high", "n", "candidates")
PLACE = COLUMNS[:3]
_FEWEST = 3  # candidates that make an order


def validator_correlations(records: Iterable[Record]) -> pd.DataFrame:
    """Return Spearman's rank correlation of each rule's values with the test accuracy, over the looks of records.

    A candidate is a checkpoint that a selection looked at, of any variant; the same checkpoint in several records
    (of two rules, or of the first trial of a tuning) counts once, known by its scores. The correlation is over the
    candidates of one replicate and source; `correlation` is the mean over n replicates (sources of one replicate are
    averaged first), with a 95 % t interval cut at -1 and 1, and `candidates` how many there were for each, on average.
    Fewer than three, or equal values, have no correlation.
    """
    looks: dict[tuple[Any, ...], dict[tuple[Any, ...], dict[str, Any]]] = {}
    for record in records:
        labels = record.labels
        for look in record.looks:
            place = tuple(str(labels.get(key)) for key in PLACE)
            replicate = (labels.get("seed"), labels.get("replicate"))
            unit = (place, replicate, str(labels.get("source") or ""))
            scores = {rule: value for rule, value in look["scores"].items() if rule != ORACLE}
            candidate = (str(labels.get("strategy")), *sorted(scores.items(), key=str))
            looks.setdefault(unit, {}).setdefault(candidate, {"accuracy": look.get("accuracy")}).update(scores)
    found: dict[tuple[Any, ...], dict[tuple[Any, ...], list[tuple[float, int]]]] = {}
    for (place, replicate, _), candidates in looks.items():
        for rule in sorted({name for look in candidates.values() for name in look} - {"accuracy"}):
            pairs = [(look.get(rule), look["accuracy"]) for look in candidates.values()]
            correlation, used = _spearman(pairs)
            if np.isfinite(correlation):
                found.setdefault((*place, rule), {}).setdefault(replicate, []).append((correlation, used))
    rows = []
    for key, replicates in found.items():
        units = [np.mean(each, axis=0) for each in replicates.values()]
        between = t_interval(np.array([unit[0] for unit in units]))
        low, high = (float(np.clip(end, -1, 1)) for end in (between.low, between.high))
        candidates_each = float(np.mean([unit[1] for unit in units]))
        rows.append(dict(zip(COLUMNS, (*key, between.mean, low, high, between.n, candidates_each), strict=True)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _spearman(pairs: list[tuple[Any, Any]]) -> tuple[float, int]:
    known = [(value, accuracy) for value, accuracy in pairs if value is not None and accuracy is not None]
    table = np.array(known, dtype=float).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < _FEWEST or (table == table[0]).all(axis=0).any():
        return float("nan"), len(table)
    return float(scipy_stats.spearmanr(table[:, 0], table[:, 1]).statistic), len(table)
