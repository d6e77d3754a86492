"""Encode raw images as tensors, by timm's own evaluation transform without its normalisation."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from PIL import Image
from timm.data import create_transform
from torch import Tensor

from tlbench import transform_images
from tlbench_timm.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], preprocessing: Preprocessing, mend: Callable[[int], str]) -> Tensor:
    """Return (N, in_chans, height, width), resized and cropped as timm does: uint8, or float32 in 0..255.

    Float32 where one of `raw` is uint16 or float32: each channel is then resized by itself, unrounded. Grey images
    are repeated for three channels, RGB becomes grey for one. Raises DataError for what is no image, and for another
    number of channels, of which `mend` says what to write.
    """

    def transformed(image: Image.Image, channel: int) -> Tensor:
        whole = image.mode == "RGB" or preprocessing.in_chans == 1
        return _transform(preprocessing, None if whole else channel)(image)

    return transform_images(raw, preprocessing.in_chans, preprocessing.input_size, transformed, mend)


@lru_cache(maxsize=64)
def _transform(preprocessing: Preprocessing, channel: int | None) -> Callable[[Image.Image], Tensor]:
    """Return timm's transform for images of all channels, or for one channel by itself."""
    own = slice(None) if channel is None else slice(channel, channel + 1)
    transform: Callable[[Image.Image], Tensor] = create_transform(
        (len(preprocessing.mean[own]), *preprocessing.input_size),
        is_training=False,
        interpolation=preprocessing.interpolation,
        mean=preprocessing.mean[own],
        std=preprocessing.std[own],
        crop_pct=preprocessing.crop_pct,
        crop_mode=preprocessing.crop_mode,
        normalize=False,
    )
    return transform
