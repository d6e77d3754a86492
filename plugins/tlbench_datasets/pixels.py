"""Turn an array of images into uint8, (N, H, W) for grey and (N, H, W, 3) for colour, and tell what was converted.

What an array holds                        what is served
(N, H, W); (N, H, W, C); (N, C, H, W)      C is 1 (grey), 3 (RGB) or 4 (with alpha: laid on white)
uint8, and integers within 0..255          the values themselves
booleans                                   0 and 255
uint16 beyond 255                          v / 257, rounded
floats within 0..1                         v * 255, rounded
floats within -1..1                        (v + 1) * 127.5, rounded
floats within 0..255, brightest over 128   rounded
anything else                              stretched: the least value becomes 0, the greatest 255

The range is that of all splits together, so that they are converted alike; 0.001 beyond an end is cut off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError
from tlbench.names import plural
from tlbench_datasets.wording import shown

_CHANNELS = (1, 3, 4)
_TOLERANCE = 1e-3
_CHUNK = 4096  # images converted at a time, so that floats need no second copy of everything


@dataclass(frozen=True)
class Scale:
    """A linear map to 0..255: (value - low) * factor."""

    low: float
    factor: float
    text: str  # for the findings; empty where nothing changes


def pixels(images: Mapping[str, NDArray[Any]], place: str) -> tuple[dict[str, NDArray[np.uint8]], list[str]]:
    """Return each array converted, with sentences on what was done; raise DataError where one holds no images."""
    arranged = {key: _channels_last(_numeric(array, key, place), key, place) for key, array in images.items()}
    scale = _scale(arranged, place)
    sentences = [f"The images hold {scale.text}."] if scale.text else []
    served = {key: _applied(array, scale) for key, array in arranged.items()}
    clear = sum(len(array) for array in served.values() if array.shape[-1] == 4)
    if clear:
        sentences.append(f"{plural(clear, 'image')} with an alpha channel, laid on white.")
    opaque = {key: _opaque(array) for key, array in served.items()}
    brightest = max(int(array.max()) for array in opaque.values())
    if brightest < 128:
        sentences.append(f"The brightest value of all images is {brightest} of 255: they are dark.")
    return opaque, sentences


def _numeric(array: NDArray[Any], key: str, place: str) -> NDArray[Any]:
    if array.dtype.kind not in "buif":
        raise DataError(f"{place}: '{shown(key)}' holds {array.dtype}, no pixel values. Save it as uint8.")
    return array


def _channels_last(array: NDArray[Any], key: str, place: str) -> NDArray[Any]:
    """Return (N, H, W) or (N, H, W, C) with C 3 or 4."""
    where = f"{place}: '{shown(key)}' has the shape {array.shape}"
    if 0 in array.shape:
        raise DataError(f"{where} and so no image. Remove it, or fill it.")
    if array.ndim == 3:
        return array
    if array.ndim != 4:
        raise DataError(f"{where}. Reshape it to (N, H, W) for grey or (N, H, W, 3) for colour.")
    first, last = array.shape[1] in _CHANNELS, array.shape[3] in _CHANNELS
    if first == last:
        doubt = "two axes that could be the channels" if first else "no axis of 1, 3 or 4 channels"
        raise DataError(f"{where}: {doubt}. Reshape it to (N, H, W) for grey or (N, H, W, 3) for colour.")
    array = np.moveaxis(array, 1, 3) if first else array
    return array[..., 0] if array.shape[3] == 1 else array


def _scale(images: Mapping[str, NDArray[Any]], place: str) -> Scale:
    """Return how to map all arrays' values to 0..255."""
    low = min(float(array.min()) for array in images.values())
    high = max(float(array.max()) for array in images.values())
    if not (np.isfinite(low) and np.isfinite(high)):
        key = next(key for key, array in images.items() if not np.isfinite(array).all())
        raise DataError(f"{place}: '{shown(key)}' holds NaN or infinite values. Replace them.")
    kinds = {array.dtype.kind for array in images.values()}
    return _scale_of_floats(low, high) if "f" in kinds else _scale_of_integers(low, high, images)


def _scale_of_integers(low: float, high: float, images: Mapping[str, NDArray[Any]]) -> Scale:
    types = {array.dtype for array in images.values()}
    if types == {np.dtype(bool)}:
        return Scale(0.0, 255.0, "booleans: read as 0 and 255")
    if low >= 0 and high <= 255:
        return Scale(0.0, 1.0, "")
    if types == {np.dtype(np.uint16)}:
        return Scale(0.0, 1 / 257, "16-bit values: scaled to 8 from the full range")
    return _stretch(low, high)


def _scale_of_floats(low: float, high: float) -> Scale:
    if low >= -_TOLERANCE and high <= 1 + _TOLERANCE:
        return Scale(0.0, 255.0, "floats from 0 to 1: multiplied by 255")
    if low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE:
        return Scale(-1.0, 127.5, "floats from -1 to 1: scaled to 0..255")
    if low >= -_TOLERANCE and 128 < high <= 255 + _TOLERANCE:
        return Scale(0.0, 1.0, "floats from 0 to 255: rounded")
    return _stretch(low, high)


def _stretch(low: float, high: float) -> Scale:
    text = f"values from {low:.6g} to {high:.6g}: stretched to 0..255"
    return Scale(low, 255.0 / max(high - low, np.finfo(float).tiny), text)


def _applied(array: NDArray[Any], scale: Scale) -> NDArray[np.uint8]:
    if not scale.text:
        return np.ascontiguousarray(array.astype(np.uint8, copy=False))
    served = np.empty(array.shape, dtype=np.uint8)
    for start in range(0, len(array), _CHUNK):
        part = (array[start : start + _CHUNK].astype(np.float64) - scale.low) * scale.factor
        served[start : start + _CHUNK] = np.clip(np.rint(part), 0, 255)
    return served


def _opaque(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with alpha laid on white; others as they are."""
    if array.ndim == 3 or array.shape[-1] == 3:
        return array
    served = np.empty((*array.shape[:3], 3), dtype=np.uint8)
    for start in range(0, len(array), _CHUNK):
        part = array[start : start + _CHUNK].astype(np.float32)
        alpha = part[..., 3:] / 255
        served[start : start + _CHUNK] = np.rint(part[..., :3] * alpha + 255 * (1 - alpha))
    return served
