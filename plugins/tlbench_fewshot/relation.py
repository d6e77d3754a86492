"""Learn a relation score of queries and classes, as relation networks do."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family
from tlbench_fewshot.heads import class_means
from tlbench_fewshot.meta_training import MetaTraining, embed, episode_features


@dataclass(frozen=True)
class Relation(MetaTraining):
    """Learn on source episodes how a query relates to a class (Sung et al., 2018, arXiv:1711.06025).

    The relation module reads two feature vectors side by side, so it is a small perceptron and not the paper's
    convolutions over feature maps; and a class is the mean of its examples, not their sum, whatever their number.
    """

    name = "relation"
    family = Family.FEWSHOT

    hidden: Annotated[int, Gt(0)] = 64  # width of the relation module

    def learner(self, bench):
        """Return the backbone beside a fresh relation module."""
        return nn.ModuleDict(
            {"backbone": bench.backbone(), "relation": relation_module(bench.feature_dim, self.hidden)}
        )

    def episode_loss(self, learner, episode):
        """Return the mean squared error of relation scores in [0, 1] against 1 for the own class (equation 2)."""
        support, queries = episode_features(learner["backbone"], episode)
        means = class_means(support, episode.support.labels)
        scores = related(learner["relation"], means, queries).sigmoid()
        return F.mse_loss(scores, F.one_hot(episode.query.labels, len(means)).to(scores.dtype))

    def fit(self, task, bench):
        """Return the relation to each class mean as a head on the trained backbone."""
        learner = bench.prepared()
        features = embed(learner["backbone"], task.train.inputs, bench)
        return bench.classifier(
            Relations(learner["relation"], class_means(features, task.train.labels)), learner["backbone"]
        )


def relation_module(width: int, hidden: int) -> nn.Sequential:
    """Return a fresh perceptron: pairs of features, (N, 2 * width), to log-odds, (N, 1).

    It starts by comparing: hidden units see the difference of both features, and each counts against a relation.
    From an ordinary start it stays near chance for as many episodes as a small recipe has.
    """
    first, last = nn.Linear(2 * width, hidden), nn.Linear(hidden, 1)
    with torch.no_grad():
        first.weight[:, width:] = -first.weight[:, :width]
        last.weight.copy_(-last.weight.abs())
    return nn.Sequential(first, nn.BatchNorm1d(hidden), nn.ReLU(), last)


def related(relation: nn.Module, means: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Return the relation module's output for each query and class, (N, C): the log-odds of belonging together."""
    pairs = torch.cat([means.expand(len(queries), -1, -1), queries[:, None].expand(-1, len(means), -1)], dim=2)
    return relation(pairs.flatten(0, 1)).view(len(queries), len(means))


class Relations(nn.Module):
    """Compute log-odds of each class, (N, C), of features (N, D); their sigmoid is the paper's relation score."""

    def __init__(self, relation: nn.Module, means: torch.Tensor) -> None:
        super().__init__()
        self.relation = relation
        self.register_buffer("means", means)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return related(self.relation, self.means, features)
