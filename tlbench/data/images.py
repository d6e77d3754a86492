"""Turn raw examples into PIL images, and normalise encoded batches.

For authors of image backbones, whose `encode` and `build` stand between the two.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tlbench.errors import DataError
from tlbench.names import plural

_LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), which Pillow's own grey is made of
_TOLERANCE = 1e-3


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


def transform_images(
    raw: Sequence[Any],
    channels: int,
    size: tuple[int, int],
    transform: Callable[[Image.Image, int], Tensor],
    mend: Callable[[int], str],
) -> Tensor:
    """Return images for a network of so many channels, (N, channels, height, width): uint8, or float32 in 0..255.

    `transform(image, channel)` makes a tensor (C, height, width) of a PIL image: of an RGB image for three channels,
    of a grey one for one, of mode `L` for each channel of any other 8-bit image. Where one of `raw` is uint16 (shown
    as v / 257) or float32 (0..255), all are float32, and it is called with mode `F` for each of its channels. Grey is
    repeated for three channels, RGB becomes grey for one. Raises DataError for what is no image and for another
    number of channels, of which `mend(number)` says what to write.
    """
    exact = any(_is_exact(example) for example in raw)
    encoded = torch.empty((len(raw), channels, *size), dtype=torch.float32 if exact else torch.uint8)
    for position, example in enumerate(raw):
        planes = [transform(image, index) for index, image in enumerate(_planes(example, position, channels, mend))]
        image = torch.cat(planes) if len(planes) > 1 else planes[0]
        encoded[position] = image.clamp(0, 255) if image.is_floating_point() else image  # bicubic goes beyond
    return encoded


def _is_exact(example: Any) -> bool:
    return str(getattr(example, "dtype", "")).removeprefix("torch.") in ("uint16", "float32")


def _planes(example: Any, position: int, channels: int, mend: Callable[[int], str]) -> list[Image.Image]:
    """Return what is transformed one by one: a whole RGB or grey image, or each channel by itself."""
    if _is_exact(example):
        values = _values(example, position)
    elif channels in (1, 3) and (isinstance(example, Image.Image) or _channels_of(example) in (1, 3)):
        return [to_image(example, position).convert("L" if channels == 1 else "RGB")]
    else:
        values = _bytes(example, position)
    offered = values.shape[2]
    if offered == 3 and channels == 1:
        values = values @ np.array(_LUMINANCE, dtype=np.float32)[:, None]
    elif offered == 1 and channels == 3:
        values = values.repeat(3, axis=2)
    elif offered != channels:
        raise DataError(f"images have {plural(offered, 'channel')} and the backbone takes {channels}: {mend(offered)}.")
    return [Image.fromarray(np.ascontiguousarray(values[..., index])) for index in range(values.shape[2])]


def _channels_of(example: Any) -> int:
    """Return the channels of an array or tensor; 1 where it has none, and for what `to_image` will refuse."""
    shape = tuple(getattr(example, "shape", ()))
    return 1 if len(shape) != 3 or 0 in shape else int(shape[0 if isinstance(example, Tensor) else 2])


def _bytes(example: Any, position: int) -> np.ndarray:
    """Return an 8-bit image as uint8 (H, W, C)."""
    if isinstance(example, Image.Image):
        image = to_image(example, position)
        example = np.asarray(image.convert("RGB") if image.mode in ("P", "PA", "1") else image)
    array = _channels_last(example)
    if array.ndim not in (2, 3) or array.dtype != np.uint8 or 0 in array.shape:
        to_image(example, position)  # says what is needed
    return array if array.ndim == 3 else array[..., None]


def _values(example: Any, position: int) -> np.ndarray:
    """Return an image of more than 8 bits as float32 (H, W, C) in 0..255."""
    array = _channels_last(example)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise DataError(
            f"image {position} is {array.dtype} of shape {tuple(array.shape)}; (H, W) or (H, W, C) is needed."
        )
    values = array.astype(np.float32) / np.float32(257 if array.dtype == np.uint16 else 1)
    low, high = float(values.min()), float(values.max())
    if not -_TOLERANCE <= low <= high <= 255 + _TOLERANCE:
        raise DataError(
            f"image {position} is float32 with values from {low:g} to {high:g}; float images go from 0 to 255."
        )
    return values if values.ndim == 3 else values[..., None]


def _channels_last(example: Any) -> np.ndarray:
    if isinstance(example, Tensor):
        example = (example.movedim(0, -1) if example.ndim == 3 else example).cpu().numpy()
    return np.asarray(example)


class ImageNetwork(nn.Module):
    """Normalise a uint8 or 0..255 float batch (N, C, H, W) and run a model: float32 (N, outputs).

    `mean` and `std` are those of the C channels, of images in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (N, outputs): features, or logits where the model has kept its head."""
        # Division first, as where these models were trained: the same numbers to the last bit.
        outputs: Tensor = self.model((images.to(self.mean.dtype) / 255 - self.mean) / self.std)
        return outputs.float()
