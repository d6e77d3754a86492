"""The metrics that come with tlbench: shares of right answers, and how far the probabilities can be trusted."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Metric


@hookimpl
def tlbench_metrics() -> "Iterable[Metric]":
    """Return the metrics of this plugin."""
    from tlbench_metrics.calibration import ECE, NLL
    from tlbench_metrics.correctness import ACCURACY, BALANCED_ACCURACY, MACRO_F1, WORST_CLASS_ACCURACY

    return [ACCURACY, BALANCED_ACCURACY, MACRO_F1, WORST_CLASS_ACCURACY, NLL, ECE]
