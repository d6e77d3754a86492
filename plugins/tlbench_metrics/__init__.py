"""Offer the metrics that come with tlbench: right answers, order, trust in probabilities, agreement of clusters."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Metric


@hookimpl
def tlbench_metrics() -> "Iterable[Metric]":
    """Return the metrics of this plugin."""
    from tlbench_metrics.calibration import ECE, NLL
    from tlbench_metrics.clusters import ARI, CLUSTERING_ACCURACY, NMI
    from tlbench_metrics.correctness import (
        ACCURACY,
        BALANCED_ACCURACY,
        MACRO_F1,
        SENSITIVITY,
        SPECIFICITY,
        WORST_CLASS_ACCURACY,
    )
    from tlbench_metrics.ranking import AUROC, AVERAGE_PRECISION

    of_labels = [ACCURACY, BALANCED_ACCURACY, MACRO_F1, WORST_CLASS_ACCURACY, SENSITIVITY, SPECIFICITY]
    return [*of_labels, AUROC, AVERAGE_PRECISION, NLL, ECE, CLUSTERING_ACCURACY, NMI, ARI]
