"""A backbone that is not timm's, in a local file: the CIFAR ResNet-20 (He et al., 2015, arXiv:1512.03385, 4.2)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from tlbench import Backbone, hookimpl

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def small(image):
    """Return an image as the network sees it, uint8 (32, 32, 3)."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    return np.array(image.convert("RGB").resize((32, 32)))


class Block(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.grows = width != width_in

    def forward(self, inputs):
        hidden = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(inputs)))))
        if self.grows:  # shortcut A: every second pixel, zeros for the new planes
            planes = hidden.shape[1] // 4
            inputs = F.pad(inputs[:, :, ::2, ::2], (0, 0, 0, 0, planes, planes))
        return F.relu(hidden + inputs)


class ResNet20(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(Block(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, inputs):
        hidden = (inputs.float() / 255 - self.mean) / self.std
        hidden = F.relu(self.bn1(self.conv1(hidden)))
        return self.layer3(self.layer2(self.layer1(hidden))).mean(dim=(2, 3))


@dataclass(frozen=True)
class CifarResNet20(Backbone):
    """ResNet-20 for images of 32x32 pixels, which others are resized to; `cifar_resnet20@FILE` gives it weights."""

    name = "cifar_resnet20"
    feature_dim = 64
    pretrained_on = "CIFAR-10"
    weights: Path | None = None

    def encode(self, raw):
        return torch.stack([torch.from_numpy(small(image)).permute(2, 0, 1) for image in raw])

    def build(self, weights):
        network = ResNet20()
        if weights is not None:
            network.load_state_dict({key: value for key, value in weights.items() if not key.startswith("linear.")})
        return network


@hookimpl
def tlbench_backbones():
    return [CifarResNet20()]
