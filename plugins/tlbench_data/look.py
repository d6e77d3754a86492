"""Measure an example in one look: its size, its values and a digest of its content. The example is let go."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench.contract import example_digest
from tlbench.data import example_array, sketch_examples

_BLOCK = 1 << 20  # values at a time: a large image must not be copied as float64 at once
_TO_EIGHT_BITS = {"uint16": 1 / 257}  # 65535 is shown as 255


@dataclass(frozen=True, slots=True)
class Look:
    """Hold facts of one example; `problem` says why there are none."""

    kind: str = ""  # image, text, or the type of something else
    height: int = 0
    width: int = 0  # of a text: its characters
    channels: int = 0
    dtype: str = ""
    low: float = math.nan  # raw values
    high: float = math.nan
    mean: float = math.nan  # 0 to 255, whatever the dtype
    deviation: float = math.nan  # likewise
    is_grey: bool = False  # one channel, or three that are equal
    content: str = ""  # a digest of the values with shape and dtype
    sketch: Any = None  # of an image: a row of dtype tlbench.data.image_hashes.SKETCH, by which copies of it are known
    problem: str = ""

    @property
    def is_image(self) -> bool:
        """Tell whether this is an array of (H, W) or (H, W, C)."""
        return self.kind == "image"

    @property
    def size(self) -> str:
        """Return `640x480`, width first, or a text's number of characters."""
        if self.problem:
            return ""
        return f"{self.width}x{self.height}" if self.is_image else str(self.width)

    @property
    def colour(self) -> str:
        """Return how tables call the channels."""
        return {1: "grey", 3: "RGB"}.get(self.channels, f"{self.channels} channels")


def look_at(example: Any) -> Look:
    """Return the facts of an example."""
    if isinstance(example, str):
        return Look("text", 1, len(example), dtype="str", content=example_digest(example))
    array = example_array(example)
    if array.dtype == object:
        return Look(type(example).__name__, problem=f"is a {type(example).__name__}, neither an array nor a text")
    digest = example_digest(array)
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "buif":
        return Look("array", 1, array.size, dtype=f"{array.dtype} {array.shape}", content=digest)
    height, width, *rest = array.shape
    low, high, mean, deviation = _values(array)
    scale = _TO_EIGHT_BITS.get(str(array.dtype), 1.0)
    return Look(
        "image", height, width, rest[0] if rest else 1, str(array.dtype), low, high, mean * scale, deviation * scale,
        _is_grey(array), digest, sketch_examples([array], 1)[0],
    )  # fmt: skip


def _values(array: np.ndarray) -> tuple[float, float, float, float]:
    """Return the least, the greatest, the mean and the standard deviation of the values."""
    flat = array.reshape(-1)
    total = squares = 0.0
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK].astype(np.float64)
        total += float(block.sum())
        squares += float(np.dot(block, block))
    mean = total / flat.size
    return float(flat.min()), float(flat.max()), mean, math.sqrt(max(0.0, squares / flat.size - mean * mean))


def _is_grey(array: np.ndarray) -> bool:
    if array.ndim == 2 or array.shape[2] == 1:
        return True
    first = array[..., :1]
    return array.shape[2] == 3 and bool((array == first).all())
