"""Define what a metric is: a number from test logits and labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tlbench.contract.descriptors import FLAG, FUNCTION, TEXT, Wanted, check_descriptors
from tlbench.contract.parameters import check_identity
from tlbench.errors import PluginError

if TYPE_CHECKING:
    import numpy as np


PRIMARY = {"labels": "accuracy", "clusters": "clustering-accuracy"}  # what is shown of each kind unless asked


@dataclass(frozen=True)
class Metric:
    """Score predictions.

    `compute` takes logits, float32 (N, C), and labels, int64 (N,), as numpy arrays, and returns a float.
    A metric is of labels, or of clusters, whose numbers mean nothing; no row has scores of both kinds. Where it is
    undefined, as with test labels of one class alone, it returns NaN, and its description says when.
    """

    name: str
    compute: "Callable[[np.ndarray, np.ndarray], float]"
    higher_is_better: bool = True
    description: str = ""
    citation: str = ""
    version: str = "1"
    of: Literal["labels", "clusters"] = "labels"
    classes: int = 0  # the only number of classes that it is defined for; 0 for any
    positive: bool = False  # of two classes it is about the second, the positive one, which reports then name


_WANTED = {
    "compute": FUNCTION, "higher_is_better": FLAG, "description": TEXT, "citation": TEXT, "version": TEXT,
    "of": Wanted("'labels' or 'clusters'", lambda value: value in tuple(PRIMARY)),
}  # fmt: skip


def check_metric(metric: Any) -> None:
    """Raise PluginError where an object is not a usable metric."""
    if not isinstance(metric, Metric):
        raise PluginError(f"{metric!r} is not a tlbench.Metric.")
    check_identity(metric, "metric", ("name",))
    check_descriptors(metric, _WANTED, f"class Metric, {metric.name!r}")
