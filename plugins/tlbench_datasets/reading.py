"""Say how the values in image files become examples: eight bits, all that there are, or a window of them.

depth 8, the default    uint8; 16-bit values are v / 257, rounded
depth 16                uint16 where a file holds 16 bits, uint8 where it holds 8
a range LOW-HIGH        float32, LOW shown as 0 and HIGH as 255, neither rounded nor beyond the ends

Files are looked at one by one, and then `settle` says how all of one dataset are served: with the same type, and
arrays by the range of all of them together, never each by its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError, shown
from tlbench_datasets.damage import BadImageError
from tlbench_datasets.values import First, Scale, axis_of_channels, scale_of, window

Depth = Literal[8, 16]

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*(?:-|\.\.)\s*({_NUMBER})\s*")


@dataclass(frozen=True)
class Stored:
    """Describe the numbers in one .npy file."""

    dtype: str
    shape: tuple[int, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Reading:
    """Say how values become examples; the last three are settled by all files of a dataset together."""

    depth: Depth = 8
    window: Scale | None = None
    dtype: str = ""  # what all files are served as, where they would differ
    scale: Scale | None = None  # of .npy files
    first: First = None  # whether the channels of .npy files come first

    @property
    def exact(self) -> bool:
        """Tell whether more than 8 bits are kept."""
        return self.depth == 16 or self.window is not None

    def served(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the example for an image file's values; raise BadImageError where their black and white are unknown.

        uint8, uint16 or float32 (0..255), of the same shape.
        """
        if self.window is not None:
            return self.window.exact(values)
        if values.dtype == bool:
            values = values.astype(np.uint8) * np.uint8(255)
        if values.dtype == np.uint16 and self.depth == 8:
            values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
        if values.dtype not in (np.uint8, np.uint16):
            kind = "floating-point" if values.dtype.kind == "f" else str(values.dtype)
            raise BadImageError(f"holds {kind} values, of which black and white are unknown: add ?range=LOW-HIGH")
        return self.promoted(values)

    def promoted(self, example: NDArray[Any]) -> NDArray[Any]:
        """Return an example as what all of its dataset are served as."""
        wanted = np.dtype(self.dtype or example.dtype)
        if example.dtype == wanted:
            return np.ascontiguousarray(example)
        if wanted == np.uint16:
            return example.astype(np.uint16) * np.uint16(257)
        return example.astype(np.float32) / np.float32(257 if example.dtype == np.uint16 else 1)


PLAIN = Reading()


def reading(depth: Depth = 8, text: str | float | None = None) -> Reading:
    """Return what the options `?depth` and `?range` ask for; raise ValueError where the range is none."""
    return Reading(depth, None if text is None else window(*limits(text)))


def limits(text: str | float) -> tuple[float, float]:
    """Return LOW and HIGH of a text such as `0-4095`, `-1024-3071` or `0..1`; raise ValueError where it is none."""
    match = _RANGE.fullmatch(str(text))
    low, high = map(float, match.groups()) if match else (0.0, 0.0)
    if not low < high or not np.isfinite((low, high)).all():
        raise ValueError(f"range must be LOW-HIGH, such as 0-4095, with LOW below HIGH; got {text!r}.")
    return low, high


def settle(asked: Reading, told: Mapping[str, Any], place: str) -> Reading:
    """Return how all files of a dataset are served, by what reading each has told (`files.Seen`, by path).

    Raises DataError where they cannot be served alike.
    """
    arrays = {path: file.stored for path, file in told.items() if file.stored is not None}
    scale = None
    if arrays and asked.window is None:
        dtypes = {np.dtype(stored.dtype) for stored in arrays.values()}
        low, high = min(each.low for each in arrays.values()), max(each.high for each in arrays.values())
        scale = scale_of(dtypes, low, high)
    settled = replace(asked, scale=scale, first=_first(arrays, place))
    _require_one_count(settled, told, place)
    if asked.depth == 8 or asked.window is not None:
        return settled
    types = {"uint16" if "16-bit" in file.traits else "uint8" for file in told.values() if file.stored is None}
    if scale is not None:
        eight = not scale.text or dtypes == {np.dtype(bool)}
        types.add("uint8" if eight else "uint16" if scale.is_sixteen_bit else "float32")
    return replace(settled, dtype=max(types, key=("uint8", "uint16", "float32").index, default=""))


def _first(arrays: Mapping[str, Stored], place: str) -> First:
    """Return whether the channels come first in all arrays; None where none has three axes."""
    found = {path: axis_of_channels(stored.shape) for path, stored in arrays.items() if len(stored.shape) == 3}
    first = sorted(path for path, axis in found.items() if axis == 0)
    last = sorted(path for path, axis in found.items() if axis == 2)
    unclear = sorted(path for path, axis in found.items() if axis is None)
    if first and last:
        raise DataError(
            f"{place}: the channels of '{shown(first[0])}' {arrays[first[0]].shape} seem to come first and those of "
            f"'{shown(last[0])}' {arrays[last[0]].shape} last. Save all arrays as (H, W, C)."
        )
    if unclear and not (first or last):
        raise DataError(
            f"{place}: '{shown(unclear[0])}' has the shape {arrays[unclear[0]].shape}, and which axis is that of the "
            "channels cannot be told. Save (H, W, C) with as few channels as can be told from a side, or (H, W)."
        )
    return bool(first) if found else None


def _require_one_count(settled: Reading, told: Mapping[str, Any], place: str) -> None:
    """Raise DataError where images of several channels stand beside others; grey beside RGB is well."""
    examples: dict[str, str] = {}
    for path, file in told.items():
        count = file.channels
        if file.stored is not None:
            shape = file.stored.shape
            count = 1 if len(shape) == 2 else shape[0 if settled.first else 2]
        examples.setdefault("1 or 3" if count in (0, 1, 3) else str(count), path)
    if len(examples) > 1:
        listed = " and ".join(f"{count} ('{shown(path)}')" for count, path in sorted(examples.items()))
        raise DataError(f"{place} holds images of different numbers of channels: {listed}. Sort them apart.")
