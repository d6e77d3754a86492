"""Raw images to uint8 tensors, by torchvision's own resize and crop."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from tlbench.images import to_image
from tlbench_torchvision.preprocessing import Preprocessing


def encode_images(raw: Sequence[Any], settings: Preprocessing) -> Tensor:
    """Return uint8 (N, 3, input_size, input_size): shorter side resized, centre cropped, grey images repeated thrice.

    Each of `raw` is what `to_image` takes; raises DataError for anything else.
    """
    side = settings.input_size
    mode = InterpolationMode(settings.interpolation)
    encoded = torch.empty((len(raw), 3, side, side), dtype=torch.uint8)
    for position, example in enumerate(raw):
        resized = transforms.resize(to_image(example, position).convert("RGB"), [settings.resize_size], mode)
        encoded[position] = transforms.pil_to_tensor(transforms.center_crop(resized, [side, side]))
    return encoded
