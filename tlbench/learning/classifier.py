"""Build classifiers from two modules: a backbone that never changes, and a head on a backbone."""

import torch
from torch import Tensor, nn


class Frozen(nn.Module):
    """Freeze a backbone: evaluation mode, no gradients, statistics as they were."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "Frozen":
        """Stay in evaluation mode whatever is asked."""
        super().train(mode)
        self.module.eval()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        """Return features, float32, (N, feature_dim)."""
        with torch.no_grad():
            features: Tensor = self.module(inputs)
        return features


class Classifier(nn.Module):
    """Apply a head to the features of a backbone."""

    def __init__(self, backbone: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits, (N, number of classes)."""
        logits: Tensor = self.head(self.backbone(inputs))
        return logits
