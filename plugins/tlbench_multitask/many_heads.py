"""Build a trunk with a head for the target's labels and one for each further label column."""

from collections.abc import Mapping

from torch import Tensor, nn


class ManyHeads(nn.Module):
    """Compute logits of the target's classes; `column(name)` gives a module for the classes of a further column."""

    def __init__(self, trunk: nn.Module, target_head: nn.Module, column_heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.trunk, self.target_head = trunk, target_head
        self.names = tuple(column_heads)
        self.column_heads = nn.ModuleList(column_heads.values())  # not a ModuleDict: a column's name may hold a dot

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (N, number of target classes)."""
        logits: Tensor = self.target_head(self.trunk(inputs))
        return logits

    def column(self, name: str) -> nn.Module:
        """Return inputs to logits, (N, number of the column's classes), on the same trunk."""
        return nn.Sequential(self.trunk, self.column_heads[self.names.index(name)])
