"""Raw images to uint8 tensors: made grey or RGB, resized to a square, and inverted where asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tlbench.images import to_image


def encode_images(raw: Sequence[Any], side: int, channels: int, invert: bool) -> Tensor:
    """Return uint8 (N, channels, side, side); images that are not square are squeezed, as few-shot code does.

    Each of `raw` is what `to_image` takes; raises DataError for anything else.
    """
    encoded = torch.empty((len(raw), channels, side, side), dtype=torch.uint8)
    for position, example in enumerate(raw):
        # Grey before resizing: the 1-bit images of Omniglot would otherwise be resized without smoothing.
        image = to_image(example, position).convert("L" if channels == 1 else "RGB")
        pixels = np.array(image.resize((side, side), Image.Resampling.BILINEAR)).reshape(side, side, channels)
        encoded[position] = torch.from_numpy(255 - pixels if invert else pixels).permute(2, 0, 1)
    return encoded
