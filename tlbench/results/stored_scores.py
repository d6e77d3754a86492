"""Score stored logits by a metric that their records do not hold, and say why a metric is undefined on them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np

from tlbench.contract import Metric, Predictions
from tlbench.names import plural
from tlbench.results.side_by_side import side_by_side
from tlbench.results.stats import Interval, multiplier, t_interval
from tlbench.results.store import Store

GROUPS = 20  # of test items, each left out once
MANY = 2_000  # cells that a process scores at a time


class Offers(Protocol):
    """Offer metrics, as `tlbench.host.Catalog` does."""

    def metric_list(self) -> list[Metric]:
        """Return all metrics."""
        ...


def installed_metrics() -> list[Metric]:
    """Return the metrics of all installed plugins that load; those of plugin files a catalog knows alone."""
    found: list[Metric] = []
    for point in entry_points(group="tlbench"):
        try:
            offer = getattr(point.load(), "tlbench_metrics", None)
            found += [metric for metric in (offer() if offer else ()) if isinstance(metric, Metric)]
        except Exception:  # `tlbench doctor` says what is broken: it is not what was asked for here
            continue
    return found


def scores_of(store: Store, cells: Sequence[str], metric: Metric) -> list[float]:
    """Return the score of each of these cells, the mean over its episodes; NaN where it is undefined.

    Raises StoreError where predictions cannot be read.
    """
    return side_by_side(lambda part: [score_of(store.predictions(cell), metric) for cell in part], cells, MANY)


def score_of(predictions: Predictions, metric: Metric) -> float:
    """Return the score of stored predictions as a run would have recorded it."""
    score = float(np.mean([metric.compute(each.logits, each.labels) for each in predictions.by_episode()]))
    return score if math.isfinite(score) else float("nan")


def why_undefined(every: Iterable[Predictions], metric: Metric | None, names: Sequence[str]) -> str:
    """Say what the predictions of a row's replicates lack, for a metric that is undefined on them.

    `names` are those of the classes, empty where they are not known.
    """
    counted = Counter(_lack(predictions, metric, names) for predictions in every)
    return "; ".join(f"{lack} ({plural(n, 'replicate')})" for lack, n in counted.items())


def _lack(predictions: Predictions, metric: Metric | None, names: Sequence[str]) -> str:
    classes = predictions.logits.shape[1]
    if metric is not None and metric.classes not in (0, classes):
        return f"it is of {metric.classes} classes, and these are {classes}"
    for each in predictions.by_episode():
        absent = np.setdiff1d(np.arange(classes), each.labels)
        if len(absent):
            shown = [str(names[i]) if len(names) == classes else f"class {i}" for i in absent[:3]]
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            where = "an episode's test labels" if predictions.episodes > 1 else "the test labels"
            return f"{where} lack {', '.join(shown)}{more}"
    if not np.isfinite(predictions.logits).all():
        return "the logits are not all finite"
    return "its formula gives no finite number"


def pseudo_values(predictions: Predictions, metric: Metric) -> np.ndarray | None:
    """Return the share that each of 20 groups of test items has in a score, (20,), the mean of which is the score.

    By leaving each group out (Tukey, 1958): items are dealt to them class by class. None where items are too few for
    any of it, or the score without a group is undefined.
    """
    labels = predictions.labels
    if len(labels) < GROUPS or predictions.episodes > 1:
        return None
    group = np.empty(len(labels), dtype=int)
    group[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % GROUPS
    without = np.array(
        [metric.compute(predictions.logits[group != left_out], labels[group != left_out]) for left_out in range(GROUPS)]
    )
    values: np.ndarray = GROUPS * score_of(predictions, metric) - (GROUPS - 1) * without
    return values if np.isfinite(values).all() else None


def item_interval(every: Sequence[Predictions], metric: Metric) -> Interval | None:
    """Return the interval over test items of the mean score of replicates that were tested on the same items.

    A jackknife over 20 groups. None where the items differ, or are too few for any of it.
    """
    labels = every[0].labels
    parts = [pseudo_values(each, metric) for each in every if np.array_equal(each.labels, labels)]
    known = [part for part in parts if part is not None]
    if len(known) < len(every):
        return None
    mean = float(np.mean([score_of(each, metric) for each in every]))
    error = float(np.mean(known, axis=0).std(ddof=1) / np.sqrt(GROUPS))
    half = multiplier(GROUPS) * error
    return Interval(mean, mean - half, mean + half, len(labels))


def episode_interval(every: Sequence[Predictions], metric: Metric) -> Interval:
    """Return Student's t interval of the mean score over the episodes of all replicates."""
    return t_interval(np.array([score_of(part, metric) for each in every for part in each.by_episode()]))
