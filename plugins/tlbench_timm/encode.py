"""Raw images to uint8 tensors, by timm's own evaluation transform without its normalisation."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from PIL import Image
from timm.data import create_transform
from torch import Tensor

from tlbench.images import to_image
from tlbench_timm.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], preprocessing: Preprocessing) -> Tensor:
    """Return uint8 (N, 3, height, width): resized and cropped as timm does, grey images repeated thrice.

    Each of `raw` is what `to_image` takes; raises DataError for anything else.
    """
    transform = _transform(preprocessing)
    encoded = torch.empty((len(raw), 3, *preprocessing.input_size), dtype=torch.uint8)
    for position, example in enumerate(raw):
        encoded[position] = transform(to_image(example, position).convert("RGB"))
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
