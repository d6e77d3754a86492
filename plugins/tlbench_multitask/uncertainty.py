"""Weigh tasks by how uncertain each is."""

import torch
from torch import Tensor, nn


class UncertaintyWeights(nn.Module):
    """Weigh losses (T,) as L exp(-s) + s / 2, (T,), with one learned s = log sigma² per task.

    That is L / sigma² + log sigma, the form for classification (Kendall et al., 2018, arXiv:1705.07115,
    section 3.2). Log variances start at 0, where all weights are 1, and cannot make a weight negative.
    """

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses: Tensor) -> Tensor:
        """Return weighted losses; their sum is what is minimised."""
        return losses * torch.exp(-self.log_variances) + self.log_variances / 2
