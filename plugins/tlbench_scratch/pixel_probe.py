"""Fit a logistic regression on the pixels themselves."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn

from tlbench import Family, Strategy, linear_layer, logistic_regression


@dataclass(frozen=True)
class PixelProbe(Strategy):
    """Fit a multinomial logistic regression on shrunken images (Alain & Bengio, 2016, arXiv:1610.01644, figure 1).

    It sees what the backbone sees, and uses none of it: features that `linear-probe` does no better on than this does
    on pixels are worth nothing on these data.
    """

    name = "pixel-probe"
    family = Family.SCRATCH

    size: Annotated[int, Ge(1)] = 16  # height and width, in pixels, that images are shrunk to by averaging
    strength: Annotated[float, Gt(0)] = 1.0  # inverse regularisation, scikit-learn's C

    def unsuitable(self, backbone, dataset, budget):
        """Refuse what has no pixels."""
        return None if dataset.modality == "image" else f"{self.name} reads images; {dataset.label} is no image data."

    def fit(self, task, bench):
        """Return the linear layer on shrunken images."""
        shrink = Shrink(self.size)
        pixels = shrink(task.train.inputs).cpu().double().numpy()
        weight, bias = logistic_regression(pixels, task.train.labels.cpu().numpy(), self.strength)
        return nn.Sequential(shrink, linear_layer(weight, bias)).to(bench.device)


class Shrink(nn.Module):
    """Average images, uint8 (N, C, H, W), over a grid of size by size: float32 (N, C * size * size)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return shares of full brightness."""
        return nn.functional.adaptive_avg_pool2d(inputs.float() / 255, self.size).flatten(1)
