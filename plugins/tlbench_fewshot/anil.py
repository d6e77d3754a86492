"""Meta-train features on which a few steps of the head suffice."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn import functional as F

from tlbench import Family
from tlbench_fewshot.meta_training import MetaTraining, embed, episode_features


@dataclass(frozen=True)
class Anil(MetaTraining):
    """Learn features in which a few gradient steps of the head suffice (Raghu et al., 2020, arXiv:1909.09157).

    The gradient of meta-training goes through the inner steps, second order included, as in MAML (Finn et al.,
    2017, arXiv:1703.03400). The head starts at zero (Kao et al., 2022, arXiv:2106.15367) and not at a learnt
    start: that has a row for each class of an episode, and a task here may have another number of classes.
    Features are standardised by the support's statistics, where MAML's batch norms use those of each batch: on
    data whose features lie elsewhere a few steps would move all weights alike, and one class would win.
    """

    name = "anil"
    family = Family.FEWSHOT
    version = "2"

    inner_lr: Annotated[float, Gt(0)] = 0.4  # of the head; MAML's for 5 ways of Omniglot
    inner_steps: Annotated[int, Ge(1)] = 5  # gradient steps of the head; MAML's for miniImageNet

    def episode_loss(self, learner, episode):
        """Return the cross-entropy of the queries under the head that the support has adapted."""
        support, queries = episode_features(learner, episode)
        scaling = Standardised(support)
        weight, bias = self._adapted(scaling(support), episode.support.labels)
        return F.cross_entropy(F.linear(scaling(queries), weight, bias), episode.query.labels)

    def fit(self, task, bench):
        """Return the adapted head on the trained backbone."""
        backbone = bench.prepared()
        support = embed(backbone, task.train.inputs, bench)
        scaling = Standardised(support)
        weight, bias = self._adapted(scaling(support), task.train.labels)
        head = nn.Linear(bench.feature_dim, len(task.classes))
        with torch.no_grad():
            head.weight.copy_(weight)
            head.bias.copy_(bias)
        return bench.classifier(nn.Sequential(scaling, head), backbone)

    def _adapted(self, support, labels):
        return adapted_head(support, labels, self.inner_lr, self.inner_steps)


class Standardised(nn.Module):
    """Subtract the support's mean from each feature, (N, D), and divide by its standard deviation."""

    def __init__(self, support: torch.Tensor) -> None:
        super().__init__()
        self.mean, self.scale = support.mean(dim=0), (support.var(dim=0, unbiased=False) + 1e-5).sqrt()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features, (N, D)."""
        return (features - self.mean) / self.scale


def adapted_head(
    support: torch.Tensor, labels: torch.Tensor, lr: float, steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weights (C, D) and biases (C,) after gradient steps on the cross-entropy of support features (S, D).

    The gradient of a linear head's cross-entropy is written out, so that autograd can differentiate the steps.
    """
    wanted = F.one_hot(labels.to(support.device)).to(support.dtype)
    weight, bias = support.new_zeros(wanted.shape[1], support.shape[1]), support.new_zeros(wanted.shape[1])
    for _ in range(steps):
        error = (F.linear(support, weight, bias).softmax(dim=1) - wanted) / len(support)
        weight, bias = weight - lr * error.T @ support, bias - lr * error.sum(dim=0)
    return weight, bias
