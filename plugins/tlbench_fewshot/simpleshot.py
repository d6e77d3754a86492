"""Classify transformed features by the nearest class mean."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Requirements, Strategy
from tlbench_fewshot.heads import NearestMean, class_means


@dataclass(frozen=True)
class SimpleShot(Strategy):
    """Transform frozen features, then classify by the nearest class mean (Wang et al., 2019, arXiv:1911.04623)."""

    name = "simpleshot"
    family = Family.FEWSHOT

    # UN leaves features as they are, L2N scales them to length 1, CL2N first subtracts the mean feature of the
    # base classes, for which it needs a source. CL2N is the paper's best; L2N works without a source.
    transform: Literal["UN", "L2N", "CL2N"] = "L2N"

    def needs(self):
        """Return the requirements: only centring needs a source."""
        return Requirements(source_labels=self.transform == "CL2N")

    def fit(self, task, bench):
        """Return the transformation and the class means of transformed features as a head."""
        features = bench.features(task.train.inputs)
        centre = torch.zeros_like(features[0])
        if self.transform == "CL2N":
            centre = bench.features(task.source.inputs).mean(dim=0)
        return bench.classifier(centroids(features, task.train.labels, centre, self.transform != "UN"))


def centroids(support: torch.Tensor, labels: torch.Tensor, centre: torch.Tensor, unit: bool) -> nn.Module:
    """Return features (N, D) to logits (N, C), by the means of support features (S, D) transformed alike."""
    transform = Transform(centre, unit)
    return nn.Sequential(transform, NearestMean(class_means(transform(support), labels)))


class Transform(nn.Module):
    """Subtract a centre (D,) from features (N, D), and scale them to length 1 where `unit` says so (section 3.2)."""

    def __init__(self, centre: torch.Tensor, unit: bool) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.unit = unit

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return transformed features."""
        centred = features - self.centre
        return F.normalize(centred, dim=1) if self.unit else centred
