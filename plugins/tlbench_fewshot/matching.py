"""Classify by attention to the support, as matching networks do."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family
from tlbench_fewshot.meta_training import OptionalMetaTraining, episode_features


@dataclass(frozen=True)
class Matching(OptionalMetaTraining):
    """Let all labelled examples vote by a softmax over their cosines (Vinyals et al., 2016, arXiv:1606.04080).

    Each example is embedded by itself: the paper's full context embeddings, LSTMs over the support, are left out.
    """

    name = "matching"
    family = Family.FEWSHOT

    scale: Annotated[float, Gt(0)] = 10.0  # multiplies the cosines; at the paper's 1 no vote can win clearly

    def episode_loss(self, learner, episode):
        """Return the cross-entropy of the queries under the attention over the support (equation 6)."""
        support, queries = episode_features(learner, episode)
        return F.nll_loss(Attention(support, episode.support.labels, self.scale)(queries), episode.query.labels)

    def fit(self, task, bench):
        """Return the attention as a head on the frozen backbone, or on the meta-trained one."""
        features, backbone = self.support(task, bench)
        return bench.classifier(Attention(features, task.train.labels, self.scale), backbone)


class Attention(nn.Module):
    """Compute log votes (N, C) of support features (S, D) with labels (S,) for features (N, D); equations 1 and 2."""

    def __init__(self, support: torch.Tensor, labels: torch.Tensor, scale: float) -> None:
        super().__init__()
        self.register_buffer("support", F.normalize(support, dim=1))
        self.register_buffer("votes", F.one_hot(labels.to(support.device)).to(support.dtype))
        self.scale = scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return log shares; a class without a vote gets that of 1e-6."""
        attention = (self.scale * F.normalize(features, dim=1) @ self.support.T).softmax(dim=1)
        return (attention @ self.votes + 1e-6).log()
