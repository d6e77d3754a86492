"""Prototypical networks."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Episodes, Family, Requirements, Strategy


@dataclass(frozen=True)
class Prototypes(Strategy):
    """Classify by the nearest class mean in feature space (Snell et al., 2017, arXiv:1703.05175).

    With `meta_train` the backbone first learns on episodes of the source, whose classes need not be the target's.
    """

    name = "prototypes"
    family = Family.FEWSHOT

    meta_train: bool = False  # learn the feature space on source episodes first
    n_way: Annotated[int, Ge(2)] = 20  # classes of a training episode; all where the source has fewer
    k_shot: Annotated[int, Ge(1)] = 1  # support examples per class of a training episode
    n_query: Annotated[int, Ge(1)] = 5  # query examples per class of a training episode
    episodes: Annotated[int, Gt(0)] | None = None  # training episodes; as many as the recipe has steps unless given
    lr: Annotated[float, Gt(0)] = 1e-3  # the paper's rate

    def needs(self):
        """Only meta-training needs a source."""
        return Requirements(source_labels=self.meta_train)

    @property
    def prepares(self):
        """Whether there is meta-training to do."""
        return self.meta_train

    def prepare(self, source, bench):
        """Return the backbone, trained so that queries fall near the mean of their class."""
        n_way = min(self.n_way, len(source.classes))
        recipe = bench.recipe.but(lr=self.lr, steps=self.episodes)
        stream = Episodes(source.train, n_way, self.k_shot, self.n_query)
        return bench.train(bench.backbone(), episode_loss, stream, recipe=recipe, select_on=None)

    def fit(self, task, bench):
        """Return the class means as a head on the frozen backbone, or on the meta-trained one."""
        if not self.meta_train:
            return bench.classifier(NearestMean(class_means(bench.features(task.train.inputs), task.train.labels)))
        backbone = bench.prepared()
        with torch.no_grad():
            features = backbone(task.train.inputs.to(bench.device)).float()
        return bench.classifier(NearestMean(class_means(features, task.train.labels)), backbone)


def class_means(features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean of each class, (C, D), of features (N, D) and labels 0 to C - 1 that all occur."""
    member = F.one_hot(labels.to(features.device)).to(features.dtype)
    return member.T @ features / member.sum(dim=0)[:, None]


def episode_loss(backbone: nn.Module, episode) -> torch.Tensor:
    """Return the cross-entropy of the queries under the means of the support (Snell et al., equation 2)."""
    count = len(episode.support)
    features = backbone(torch.cat([episode.support.inputs, episode.query.inputs]))
    means = class_means(features[:count], episode.support.labels)
    return F.cross_entropy(-squared_distances(features[count:], means), episode.query.labels)


def squared_distances(features: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Return squared Euclidean distances, (N, C)."""
    return (features[:, None] - means[None]).square().sum(dim=2)


class NearestMean(nn.Module):
    """Features (N, D) to minus the squared distance from each mean, (N, C)."""

    def __init__(self, means: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("means", means)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return -squared_distances(features, self.means)
