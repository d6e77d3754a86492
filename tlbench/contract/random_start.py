"""Take a backbone's weights from it: its network from a random start."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlbench.contract.backbone import Backbone

if TYPE_CHECKING:
    from torch import Tensor, nn


class RandomStart(Backbone):
    """Build a backbone's network from a random start: what `NAME(pretrained=false)` spells.

    Spec, version, encoding and seeds are the backbone's own, so that the two differ in their weights alone.
    """

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.name, self.feature_dim, self.modality = backbone.name, backbone.feature_dim, backbone.modality
        self.version, self.license, self.citation = backbone.version, backbone.license, backbone.citation

    def encode(self, raw: Sequence[Any]) -> "Tensor":
        """Return raw examples as the backbone encodes them."""
        return self.backbone.encode(raw)

    def build(self, weights: "Mapping[str, Tensor] | None") -> "nn.Module":
        """Return the backbone's network from a random start drawn from torch's global generator."""
        return self.backbone.build(None)

    @property
    def encoding(self) -> str:
        """Return the backbone's own encoding."""
        return self.backbone.encoding

    @property
    def spec(self) -> str:
        """Return the backbone's own spec, which names no weights."""
        return self.backbone.spec

    @property
    def label(self) -> str:
        """Return the backbone's label, and that it starts at random."""
        return f"{self.backbone.label} [random start]"

    def standalone(self) -> str | None:
        """Return what makes the backbone without tlbench: the weights are not part of it."""
        return self.backbone.standalone()

    def describe(self) -> Mapping[str, Any]:
        """Return what the backbone used, for the record."""
        return {**self.backbone.describe(), "random start of": self.backbone.label}
