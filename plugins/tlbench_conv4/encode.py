"""Raw images to uint8 tensors: made grey or RGB, resized to a square, and inverted where asked."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tlbench import DataError


def encode_images(raw: Sequence[Any], side: int, channels: int, invert: bool) -> Tensor:
    """Return uint8 (N, channels, side, side); images that are not square are squeezed, as few-shot code does.

    Each of `raw` is a PIL image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or
    (C, H, W). Raises DataError for anything else.
    """
    encoded = torch.empty((len(raw), channels, side, side), dtype=torch.uint8)
    for position, example in enumerate(raw):
        # Grey before resizing: the 1-bit images of Omniglot would otherwise be resized without smoothing.
        image = _to_image(example, position).convert("L" if channels == 1 else "RGB")
        pixels = np.array(image.resize((side, side), Image.Resampling.BILINEAR)).reshape(side, side, channels)
        encoded[position] = torch.from_numpy(255 - pixels if invert else pixels).permute(2, 0, 1)
    return encoded


def _to_image(example: Any, position: int) -> Image.Image:
    if isinstance(example, Image.Image):
        if example.mode.startswith(("I", "F")):  # a conversion to 8 bits would clip, not scale
            raise DataError(f"image {position} has mode {example.mode!r}; scale it to 8 bits a channel first.")
        return example
    if isinstance(example, Tensor):
        example = (example.movedim(0, -1) if example.ndim == 3 else example).cpu().numpy()
    array = np.asarray(example)
    array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)
    if not is_image or array.dtype != np.uint8 or 0 in array.shape:
        raise DataError(
            f"image {position} is {array.dtype} of shape {tuple(array.shape)}; "
            f"uint8 (H, W) or (H, W, 3), a PIL image or a uint8 tensor (C, H, W) is needed."
        )
    return Image.fromarray(np.ascontiguousarray(array))
