"""Learn which examples are alike, as siamese networks do."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family
from tlbench_fewshot.heads import NearestMean, UnitLength, class_means
from tlbench_fewshot.meta_training import MetaTraining, embed


@dataclass(frozen=True)
class Siamese(MetaTraining):
    """Learn from the source which examples are alike, then classify by the nearest example (Koch et al., 2015).

    One network embeds both sides of a pair (Bromley et al., 1993), to vectors of length 1. An episode's examples,
    support and query together, make the pairs or triplets.
    """

    name = "siamese"
    family = Family.FEWSHOT

    # Contrastive: Hadsell, Chopra & LeCun, 2006, doi:10.1109/CVPR.2006.100. Triplet: Schroff et al., 2015,
    # arXiv:1503.03832. Koch et al. learn a weighted L1 distance by logistic regression instead.
    loss: Literal["contrastive", "triplet"] = "triplet"
    margin: Annotated[float, Gt(0)] | None = None  # 1 for contrastive, 0.2 for triplet (Schroff et al.) unless given
    nearest: Literal["example", "mean"] = "example"  # what a query is compared with: each example, or class means

    def episode_loss(self, learner, episode):
        """Return the loss of all pairs, or of one triplet for each positive pair, of an episode."""
        features = learner(torch.cat([episode.support.inputs, episode.query.inputs]))
        labels = torch.cat([episode.support.labels, episode.query.labels])
        distances = pairwise(F.normalize(features, dim=1))
        if self.loss == "contrastive":
            return contrastive_loss(distances, labels, self.margin or 1.0)
        return triplet_loss(distances, labels, self.margin or 0.2)

    def fit(self, task, bench):
        """Return the comparison with the labelled examples as a head on the trained backbone."""
        backbone = bench.prepared()
        features = F.normalize(embed(backbone, task.train.inputs, bench), dim=1)
        if self.nearest == "mean":
            head = nn.Sequential(UnitLength(), NearestMean(class_means(features, task.train.labels)))
        else:
            head = NearestExample(features, task.train.labels)
        return bench.classifier(head, backbone)


def pairwise(features: torch.Tensor) -> torch.Tensor:
    """Return squared distances (N, N) of rows of length 1, never below 0."""
    return (2 - 2 * features @ features.T).clamp(min=0)


def contrastive_loss(squared: torch.Tensor, labels: torch.Tensor, margin: float) -> torch.Tensor:
    """Return half the squared distance of like pairs, and half the squared lack of distance of unlike ones.

    Equation 4 of Hadsell et al.; both kinds weigh alike, as in Koch et al.'s batches, however many there are.
    """
    same = labels[:, None] == labels[None]
    like = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    distances = (squared + 1e-8).sqrt()  # the root of 0 has no gradient
    return 0.5 * squared[like].mean() + 0.5 * (margin - distances[~same]).clamp(min=0).square().mean()


def triplet_loss(squared: torch.Tensor, labels: torch.Tensor, margin: float) -> torch.Tensor:
    """Return the mean over all (anchor, positive) of max(0, d²(a, p) - d²(a, n) + margin).

    The negative is semi-hard (Schroff et al., section 3.2): the nearest one that is farther than the positive;
    where none is farther, the farthest.
    """
    same = labels[:, None] == labels[None]
    like = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    farther = ~same[:, None, :] & (squared[:, None, :] > squared[:, :, None])  # (anchor, positive, negative)
    nearest = squared[:, None, :].masked_fill(~farther, torch.inf).amin(dim=2)
    farthest = squared.masked_fill(same, -torch.inf).amax(dim=1)[:, None]
    negative = torch.where(farther.any(dim=2), nearest, farthest)
    return (squared - negative + margin).clamp(min=0)[like].mean()


class NearestExample(nn.Module):
    """Compute minus the squared distance of features (N, D) to each class's nearest example, (N, C), on unit length."""

    def __init__(self, support: torch.Tensor, labels: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("support", support)
        self.register_buffer("labels", labels.to(support.device))
        self.classes = int(labels.max()) + 1

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        similarity = F.normalize(features, dim=1) @ self.support.T
        start = similarity.new_full((len(features), self.classes), -torch.inf)
        closest = start.scatter_reduce(1, self.labels.expand(len(features), -1), similarity, "amax")
        return 2 * closest - 2
