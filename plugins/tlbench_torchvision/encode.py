"""Encode raw images as tensors, by torchvision's own resize and crop."""

from collections.abc import Sequence
from typing import Any

from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from tlbench import transform_images
from tlbench_torchvision.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], settings: Preprocessing) -> Tensor:
    """Return (N, 3, input_size, input_size): shorter side resized, centre cropped, grey images repeated thrice.

    uint8, or float32 in 0..255 where one of `raw` is uint16 or float32. Raises DataError for anything else that
    `tlbench.transform_images` does not take, and for other than one or three channels.
    """
    side = settings.input_size
    mode = InterpolationMode(settings.interpolation)

    def transformed(image: Image.Image, _: int) -> Tensor:
        resized = transforms.resize(image, [settings.resize_size], mode)
        return transforms.pil_to_tensor(transforms.center_crop(resized, [side, side]))

    return transform_images(raw, 3, (side, side), transformed, _of_timm)


def _of_timm(channels: int) -> str:
    return f"torchvision's networks take no other; write one of timm's, such as resnet18(in_chans={channels})"
