"""Images on their way into a network: raw examples become PIL images, encoded batches are normalised.

For authors of image backbones, whose `encode` and `build` stand between the two.
"""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tlbench.errors import DataError


def to_image(example: Any, position: int) -> Image.Image:
    """Return a raw example as a PIL image of its own mode; `position` is its number in the batch, for the error.

    Takes a PIL image, a uint8 array (H, W), (H, W, 1) or (H, W, 3), or a uint8 tensor (H, W) or (C, H, W). Raises
    DataError for anything else.
    """
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


class ImageNetwork(nn.Module):
    """Normalise a uint8 or 0..255 float batch (N, 3, H, W) and run a model: float32 (N, outputs).

    `mean` and `std` are those of the three channels, of images in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (N, outputs): features, or logits where the model has kept its head."""
        # Division first, as where these models were trained: the same numbers to the last bit.
        outputs: Tensor = self.model((images.to(self.mean.dtype) / 255 - self.mean) / self.std)
        return outputs.float()
