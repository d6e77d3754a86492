"""Build the network of Conv4: four blocks between a normalisation and a pooling."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Conv4Network(nn.Module):
    """Normalise a uint8 or 0..255 float batch (N, C, H, W) and run four blocks: float32 (N, feature_dim).

    There is one block for each of `paddings`; `pools` counts those that end with a max-pooling from 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int,
        width: int,
        paddings: Sequence[int],
        pools: Sequence[int],
        average: bool,
        mean: float | tuple[float, ...],
        std: float | tuple[float, ...],
    ) -> None:
        super().__init__()
        self.average = average
        inputs = channels
        for number, padding in enumerate(paddings, start=1):  # named as in released weights
            setattr(self, f"layer{number}", _block(inputs, width, padding, number in pools))
            inputs = width
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (N, feature_dim)."""
        maps = (images.to(self.mean.dtype) / 255 - self.mean) / self.std
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        features: Tensor = maps.mean(dim=(2, 3)) if self.average else maps.flatten(1)
        return features.float()


def _block(inputs: int, width: int, padding: int, pool: bool) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, width, 3, padding=padding), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.MaxPool2d(2)] if pool else []))
