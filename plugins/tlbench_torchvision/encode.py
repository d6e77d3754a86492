"""Raw images to uint8 tensors, by torchvision's own resize and crop."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from tlbench import DataError
from tlbench_torchvision.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], settings: Preprocessing) -> Tensor:
    """Return uint8 (N, 3, input_size, input_size): shorter side resized, centre cropped, grey images repeated thrice.

    Each of `raw` is a PIL image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or
    (C, H, W). Raises DataError for anything else.
    """
    side = settings.input_size
    mode = InterpolationMode(settings.interpolation)
    encoded = torch.empty((len(raw), 3, side, side), dtype=torch.uint8)
    for position, example in enumerate(raw):
        resized = transforms.resize(_to_image(example, position), [settings.resize_size], mode)
        encoded[position] = transforms.pil_to_tensor(transforms.center_crop(resized, [side, side]))
    return encoded


def _to_image(example: Any, position: int) -> Image.Image:
    if isinstance(example, Image.Image):
        if example.mode.startswith(("I", "F")):  # a conversion to 8 bits would clip, not scale
            raise DataError(f"image {position} has mode {example.mode!r}; scale it to 8 bits a channel first.")
        return example.convert("RGB")
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
    return Image.fromarray(np.ascontiguousarray(array)).convert("RGB")
