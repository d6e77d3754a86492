"""Classify frozen features by the nearest class mean."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from tlbench import Family, OneOf, Strategy


@dataclass(frozen=True)
class NearestMean(Strategy):
    """Choose the class whose mean feature is nearest (Mensink et al., 2013, doi:10.1109/TPAMI.2013.83)."""

    name = "nearest-mean"
    family = Family.EXTRACT
    search_space = {"distance": OneOf(("euclidean", "cosine"))}

    distance: Literal["euclidean", "cosine"] = "euclidean"  # cosine: features and means are brought to length 1

    def fit(self, task, bench):
        """Return the class means as a head on the frozen backbone."""
        unit = self.distance == "cosine"
        features = bench.features(task.train.inputs)
        means = class_means(F.normalize(features, dim=1) if unit else features, task.train.labels, len(task.classes))
        return bench.classifier(DistanceToMeans(F.normalize(means, dim=1) if unit else means, unit))


def class_means(features: torch.Tensor, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Return the mean of each class, (C, D), of features (N, D) and labels 0 to C - 1 that all occur."""
    members = F.one_hot(labels.to(features.device), classes).to(features.dtype)
    return members.T @ features / members.sum(dim=0)[:, None]


class DistanceToMeans(nn.Module):
    """Compute minus half the squared distance of features (N, D) from each mean, (N, C), as in the paper's softmax."""

    def __init__(self, means: torch.Tensor, unit: bool) -> None:
        super().__init__()
        self.register_buffer("means", means)
        self.unit = unit  # whether features are brought to length 1 first: distances are then those of cosines

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        if self.unit:
            features = F.normalize(features, dim=1)
        # By differences: products of far-off features and means would cancel, and with them the last digits.
        return -torch.cdist(features, self.means, compute_mode="donot_use_mm_for_euclid_dist").square() / 2
