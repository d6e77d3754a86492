"""Learn how to combine other variants of the suite."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt, MinLen
from torch import nn
from torch.nn import functional as F

from tlbench import DataError, Family, Requirements, Strategy


@dataclass(frozen=True)
class Stacking(Strategy):
    """Learn on held-out labels how to combine other variants (Wolpert, 1992, doi:10.1016/S0893-6080(05)80023-1).

    A multinomial logistic regression on the members' log probabilities, pulled to their plain mean. It learns from
    the validation labels, where Wolpert has cross-validation: the members' stored predictions are used as they are.
    """

    name = "stacking"
    family = Family.ENSEMBLE
    requires = Requirements(validation=True)

    # The variants, as `-s` takes them; they are run beside this one.
    members: Annotated[tuple[str, ...], MinLen(1)] = ("linear-probe", "nearest-mean", "finetune")
    combine: Literal["weights", "matrix"] = "weights"  # a weight per member; or from each of its classes to each class
    strength: Annotated[float, Gt(0)] = 1.0  # inverse regularisation: weight of the likelihood, as scikit-learn's C

    def fit(self, task, bench):
        """Return the combination as a module of the members' logits."""
        logits, labels = validation(bench.members)
        count, classes = logits.shape[1:]
        start = torch.ones(count) if self.combine == "weights" else torch.eye(classes).expand(count, -1, -1)
        model = Combination(start / count)
        maximise(model, logits, labels, self.strength)
        if self.combine == "weights":
            bench.note("weights", dict(zip(self.members, model.weights.tolist(), strict=True)))
        return model


class Combination(nn.Module):
    """Combine logits of M members (N, M, C) into a weighted sum of their log probabilities, (N, C)."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights.clone())  # (M,), or (M, C, C) from a member's class to a class

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        rule = "nmc,m->nc" if self.weights.dim() == 1 else "nmc,mck->nk"
        return torch.einsum(rule, logits.log_softmax(dim=2), self.weights)


def maximise(model: Combination, logits: torch.Tensor, labels: torch.Tensor, strength: float) -> None:
    """Fit the weights to members' logits (N, M, C) with labels (N,), pulled to what they are.

    The log-likelihood times `strength`, less half the squared distance from the start, is concave: there is one
    answer, and L-BFGS in float64 finds it.
    """
    model.double()
    start = model.weights.detach().clone()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss():
        optimizer.zero_grad()
        error = F.cross_entropy(model(logits.double()), labels, reduction="sum")
        value = strength * error + (model.weights - start).square().sum() / 2
        value.backward()
        return value

    optimizer.step(loss)
    model.float()


def validation(members) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the members' logits on the validation labels, (N, M, C), and these labels, (N,)."""
    lacking = [member.variant for member in members if member.validation is None]
    if lacking:
        raise DataError(
            f"stacking learns from what its members predict for the validation labels, and {lacking[0]} stored none. "
            f"Leave it out: transductive variants and ensembles keep no such predictions."
        )
    labels = members[0].validation.labels
    if not all(torch.equal(member.validation.labels, labels) for member in members):
        raise DataError("the members of stacking were given different validation labels. Leave the upper bound out.")
    return torch.stack([member.validation.inputs for member in members], dim=1), labels
