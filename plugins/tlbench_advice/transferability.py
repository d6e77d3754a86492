"""Score the transferability of each backbone, on the labelled examples at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from tlbench import Budget
from tlbench.contract import BudgetKind
from tlbench_advice.h_score import h_score
from tlbench_advice.leep import leep
from tlbench_advice.logme import logme
from tlbench_advice.neighbour import neighbour_accuracy
from tlbench_advice.sample import Sample, draw
from tlbench_advice.target import Place

if TYPE_CHECKING:
    import torch

    from tlbench.data import BackboneEntry

SCORES = ("logme", "h_score", "leep", "knn")  # of each more is better


@dataclass(frozen=True)
class Scored:
    """Hold the scores of one backbone; NaN for a score that does not apply."""

    backbone: str  # as `-b` takes it
    label: str
    logme: float
    h_score: float
    leep: float
    knn: float


def score(name: str, entry: "BackboneEntry", sample: Sample, source: Place | None, device: "torch.device") -> Scored:
    """Return all scores of one backbone."""
    nothing = float("nan")
    if len(sample.rows) == 0:
        return Scored(name, entry.backbone.label, nothing, nothing, nothing, nothing)
    features, labels = sample.features(entry, device), sample.labels
    probabilities = None if source is None else _source_probabilities(entry, source, features, device)
    return Scored(
        name,
        entry.backbone.label,
        logme(features, labels),
        h_score(features, labels),
        nothing if probabilities is None else leep(probabilities, labels),
        neighbour_accuracy(features, labels),
    )


def _source_probabilities(
    entry: "BackboneEntry", source: Place, features: np.ndarray, device: "torch.device"
) -> np.ndarray | None:
    """Return the probabilities (N, classes) that a linear probe on the source gives, or None where it has one class."""
    from scipy.special import softmax

    from tlbench import logistic_regression

    known = draw(source, Budget(BudgetKind.FULL))
    names, positions = np.unique(known.labels, return_inverse=True)
    if len(names) < 2:
        return None
    weight, bias = logistic_regression(known.features(entry, device), positions)
    found: np.ndarray = softmax(features @ weight.T + bias, axis=1)
    return found


def preferred(scored: Sequence[Scored]) -> Scored | None:
    """Return the backbone that LogME and kNN agree on, or None.

    LogME alone misleads where labels are fewest: with one label per class it preferred the wider features on nine of
    nine targets, and these were worse on six. H-score grows with the width too, and has no say.
    """
    known = [each for each in scored if not np.isnan([each.logme, each.knn]).any()]
    if len(known) < max(2, len(scored)):
        return None
    by_evidence, by_neighbours = (max(known, key=attrgetter(name)) for name in ("logme", "knn"))
    return by_evidence if by_evidence.knn == by_neighbours.knn else None


def why_not(sample: Sample, source: Place | None) -> tuple[str, ...]:
    """Say which scores do not apply, and why."""
    said = []
    if len(sample.rows) == 0:
        said.append("Without target labels there is nothing to compute a score on.")
        return tuple(said)
    if np.unique(sample.labels, return_counts=True)[1].max() < 2:
        said.append("H-score and kNN do not apply: they need two labels of a class.")
    if source is None:
        said.append(
            "LEEP does not apply: it needs the class probabilities of a source classifier. With a source, as "
            "'DATASET[SOURCE->TARGET]', a linear probe on the source gives them."
        )
    return tuple(said)
