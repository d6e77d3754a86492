"""Build the network of Conv4: four blocks between a normalisation and a pooling."""

from collections.abc import Container, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor, nn


class Form(Protocol):
    """Describe a network of four blocks, as a backbone's own fields and properties do."""

    channels: int
    width: int
    pooling: Literal["flatten", "average"]
    paddings: Sequence[int]  # of each block
    pools: Container[int]  # the numbers of the blocks that end in a pooling
    mean: float | tuple[float, float, float]  # of images in [0, 1]: one for all channels, or one each
    std: float | tuple[float, float, float]


class Conv4Network(nn.Module):
    """Normalise a uint8 or 0..255 float batch (N, C, H, W) and run four blocks: float32 (N, feature_dim)."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Form) -> None:
        super().__init__()
        self.average = backbone.pooling == "average"
        inputs = backbone.channels
        for number, padding in enumerate(backbone.paddings, start=1):  # named as in released weights
            setattr(self, f"layer{number}", _block(inputs, backbone.width, padding, number in backbone.pools))
            inputs = backbone.width
        self.register_buffer("mean", torch.tensor(backbone.mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(backbone.std).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (N, feature_dim)."""
        maps = (images.to(self.mean.dtype) / 255 - self.mean) / self.std
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        features: Tensor = maps.mean(dim=(2, 3)) if self.average else maps.flatten(1)
        return features.float()


def _block(inputs: int, width: int, padding: int, pool: bool) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, width, 3, padding=padding), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))
