"""Find the channels of an array of one image, and bring its numbers to 0..255 by the range of a whole dataset."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

First: TypeAlias = bool | None  # whether the channels come first; None where that is not known

_TOLERANCE = 1e-3
_CHUNK = 2**22  # values converted at a time, so that floats need no second copy of everything


@dataclass(frozen=True)
class Scale:
    """Describe a linear map to 0..255: (value - low) * factor, cut off at both ends."""

    low: float
    factor: float
    text: str  # for the findings; empty where nothing changes

    @property
    def is_sixteen_bit(self) -> bool:
        """Tell whether it is that of uint16 over its whole range, which can be served as it is."""
        return self.factor == 1 / 257

    def rounded(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return uint8 of the same shape."""
        if not self.text:
            return np.ascontiguousarray(values.astype(np.uint8, copy=False))
        return self._applied(values, np.dtype(np.uint8))

    def exact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the same shape at full precision: uint16 as it is, whole numbers of 8 bits as uint8, else float32."""
        if self.is_sixteen_bit:
            return np.ascontiguousarray(values.astype(np.uint16, copy=False))
        if not self.text or values.dtype == bool:
            return self.rounded(values)
        return self._applied(values, np.dtype(np.float32))

    def _applied(self, values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        served = np.empty(values.shape, dtype=dtype)
        step = max(1, _CHUNK // max(1, values[:1].size))
        for start in range(0, len(values), step):
            part = np.clip((values[start : start + step].astype(np.float64) - self.low) * self.factor, 0, 255)
            served[start : start + step] = np.rint(part) if dtype == np.uint8 else part
        return served


def axis_of_channels(shape: tuple[int, ...]) -> Literal[0, 2] | None:
    """Return the axis, 0 or 2, of an image with three axes; None where it cannot be told.

    1, 3 or 4 at one end only are channels; else the two equal sides beside another are height and width; else
    the channels are fewer than the pixels of either side.
    """
    first, middle, last = shape
    usual = (1, 3, 4)
    if (first in usual) != (last in usual):
        return 0 if first in usual else 2
    if first == last:
        return None
    if middle in (first, last):
        return 0 if middle == last else 2
    return {first: 0, last: 2}.get(min(shape))  # type: ignore[return-value]


def window(low: float, high: float) -> Scale:
    """Return the scale at which `low` becomes 0 and `high` 255."""
    return Scale(low, 255.0 / (high - low), f"values from {low:g} to {high:g}, as ?range says: scaled to 0..255")


def scale_of(dtypes: Set[np.dtype[Any]], low: float, high: float) -> Scale:
    """Return how arrays of these types, with values from `low` to `high`, become 0..255."""
    if any(dtype.kind == "f" for dtype in dtypes):
        return _of_floats(low, high)
    if dtypes == {np.dtype(bool)}:
        return Scale(0.0, 255.0, "booleans: read as 0 and 255")
    if low >= 0 and high <= 255:
        return Scale(0.0, 1.0, "")
    if dtypes == {np.dtype(np.uint16)}:
        return Scale(0.0, 1 / 257, "16-bit values: scaled to 8 from the full range")
    return _stretched(low, high)


def _of_floats(low: float, high: float) -> Scale:
    if low >= -_TOLERANCE and high <= 1 + _TOLERANCE:
        return Scale(0.0, 255.0, "floats from 0 to 1: multiplied by 255")
    if low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE:
        return Scale(-1.0, 127.5, "floats from -1 to 1: scaled to 0..255")
    if low >= -_TOLERANCE and 128 < high <= 255 + _TOLERANCE:
        return Scale(0.0, 1.0, "floats from 0 to 255: rounded")
    return _stretched(low, high)


def _stretched(low: float, high: float) -> Scale:
    text = f"values from {low:.6g} to {high:.6g}: stretched to 0..255"
    return Scale(low, 255.0 / max(high - low, np.finfo(float).tiny), text)
