"""Build a trunk with a head per task."""

from torch import Tensor, nn


class SharedTrunk(nn.Module):
    """Compute logits of the target's classes; `source()` gives a module for those of the source's.

    The two tasks' batches go through the trunk one after the other: in one pass, batch norms that learn would
    standardise each by the statistics of the mixture.
    """

    def __init__(self, trunk: nn.Module, target_head: nn.Module, source_head: nn.Module) -> None:
        super().__init__()
        self.trunk, self.target_head, self.source_head = trunk, target_head, source_head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (N, number of target classes)."""
        logits: Tensor = self.target_head(self.trunk(inputs))
        return logits

    def source(self) -> nn.Module:
        """Return inputs to logits, (N, number of source classes), on the same trunk."""
        return nn.Sequential(self.trunk, self.source_head)
