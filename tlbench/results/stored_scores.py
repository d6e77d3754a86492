"""Score stored logits by a metric that their records do not hold, and say why a metric is undefined on them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tlbench.contract import Metric, Predictions
from tlbench.names import plural
from tlbench.results.side_by_side import side_by_side
from tlbench.results.store import Store

MANY = 2_000  # cells that a process scores at a time


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
