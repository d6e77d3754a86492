"""Encode raw images as tensors: made grey or RGB, resized to a square, and inverted where asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tlbench import transform_images


def encode_images(raw: Sequence[Any], side: int, channels: int, invert: bool) -> Tensor:
    """Return (N, channels, side, side); images that are not square are squeezed, as few-shot code does.

    uint8, or float32 in 0..255 where one of `raw` is uint16 or float32. Raises DataError for anything else that
    `tlbench.transform_images` does not take, and for other than one or three channels.
    """

    def transformed(image: Image.Image, _: int) -> Tensor:
        # Grey before resizing: the 1-bit images of Omniglot would otherwise be resized without smoothing.
        pixels = np.array(image.resize((side, side), Image.Resampling.BILINEAR)).reshape(side, side, -1)
        return torch.from_numpy(255 - pixels if invert else pixels).permute(2, 0, 1)

    return transform_images(raw, channels, (side, side), transformed, _of_timm)


def _of_timm(offered: int) -> str:
    return f"conv4 takes grey or RGB; write a network of timm, such as resnet18(in_chans={offered})"
