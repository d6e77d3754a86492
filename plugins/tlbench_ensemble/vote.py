"""Combine other variants of the suite by a vote."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import MinLen
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Strategy
from tlbench_ensemble.averaging import log_mean


@dataclass(frozen=True)
class Vote(Strategy):
    """Let the stored predictions of other variants vote (Kittler et al., 1998, doi:10.1109/34.667881).

    `soft` is their sum rule, the mean of the probabilities; `hard` their majority vote. Nothing is learnt. Members
    whose logits are far apart are surer of themselves than others, and weigh more in a soft vote.
    """

    name = "vote"
    family = Family.ENSEMBLE

    # The variants, as `-s` takes them; they are run beside this one.
    members: Annotated[tuple[str, ...], MinLen(1)] = ("linear-probe", "nearest-mean", "finetune")
    rule: Literal["soft", "hard"] = "soft"

    def fit(self, task, bench):
        """Return the rule as a module of the members' logits."""
        return Soft() if self.rule == "soft" else Hard()


class Soft(nn.Module):
    """Combine logits of M members (N, M, C) into the logarithm of the mean of their probabilities, (N, C)."""

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Return log probabilities."""
        return log_mean(logits)


class Hard(nn.Module):
    """Combine logits of M members (N, M, C) into the logarithm of each class's share of the votes, (N, C).

    To the votes comes a tenth of one, shared out as the mean of the probabilities says. It decides between classes
    with equally many votes, and leaves none without a share.
    """

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Return log shares."""
        members, classes = logits.shape[1:]
        votes = F.one_hot(logits.argmax(dim=2), classes).sum(dim=1).to(logits.dtype)
        return torch.logaddexp(votes.log(), log_mean(logits) + math.log(0.1)) - math.log(members + 0.1)
