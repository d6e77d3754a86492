"""Raw images to uint8 tensors, by timm's own evaluation transform without its normalisation."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.data import create_transform
from torch import Tensor

from tlbench import DataError
from tlbench_timm.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], preprocessing: Preprocessing) -> Tensor:
    """Return uint8 (N, 3, height, width): resized and cropped as timm does, grey images repeated thrice.

    Each of `raw` is a PIL image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or
    (C, H, W). Raises DataError for anything else.
    """
    transform = _transform(preprocessing)
    encoded = torch.empty((len(raw), 3, *preprocessing.input_size), dtype=torch.uint8)
    for position, example in enumerate(raw):
        encoded[position] = transform(_to_image(example, position))
    return encoded


@lru_cache(maxsize=16)
def _transform(preprocessing: Preprocessing) -> Callable[[Image.Image], Tensor]:
    transform: Callable[[Image.Image], Tensor] = create_transform(
        (3, *preprocessing.input_size),
        is_training=False,
        interpolation=preprocessing.interpolation,
        mean=preprocessing.mean,
        std=preprocessing.std,
        crop_pct=preprocessing.crop_pct,
        crop_mode=preprocessing.crop_mode,
        normalize=False,
    )
    return transform


def _to_image(example: Any, position: int) -> Image.Image:
    if isinstance(example, Image.Image):
        if example.mode.startswith(("I", "F")):  # a conversion to 8 bits would clip, not scale
            raise DataError(f"image {position} has mode {example.mode!r}; scale it to 8 bits a channel first.")
        return example.convert("RGB")
    if isinstance(example, Tensor):
        array = (example.movedim(0, -1) if example.ndim == 3 else example).cpu().numpy()
    else:
        array = np.asarray(example)
    array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)
    if not is_image or array.dtype != np.uint8 or 0 in array.shape:
        raise DataError(
            f"image {position} is {array.dtype} of shape {tuple(array.shape)}; "
            f"uint8 (H, W) or (H, W, 3), a PIL image or a uint8 tensor (C, H, W) is needed."
        )
    return Image.fromarray(np.ascontiguousarray(array)).convert("RGB")
