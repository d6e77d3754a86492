"""Turn an array of images into uint8, (N, H, W) for grey and (N, H, W, C) otherwise, and tell what was converted.

What an array holds                        what is served
(N, H, W); (N, H, W, C); (N, C, H, W)      C is 1 (grey), 3 (RGB), 4 (with alpha: laid on white) or more channels
uint8, and integers within 0..255          the values themselves
booleans                                   0 and 255
uint16 beyond 255                          v / 257, rounded
floats within 0..1                         v * 255, rounded
floats within -1..1                        (v + 1) * 127.5, rounded
floats within 0..255, brightest over 128   rounded
anything else                              stretched: the least value becomes 0, the greatest 255

The range is that of all splits together, so that they are converted alike; 0.001 beyond an end is cut off.

At 16 bits uint16 stays what it is, and what would be rounded is float32 and not; a range LOW-HIGH takes the place of
these rules, and gives float32. With either of them four channels are four channels, without an alpha among them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError, plural, shown
from tlbench_datasets.reading import PLAIN, Reading
from tlbench_datasets.values import Scale, axis_of_channels, scale_of

_CHUNK = 4096  # images laid on white at a time


def pixels(
    images: Mapping[str, NDArray[Any]], place: str, reading: Reading = PLAIN
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return each array converted, with sentences on what was done; raise DataError where one holds no images."""
    arranged = {key: _channels_last(_numeric(array, key, place), key, place) for key, array in images.items()}
    scale = _scale(arranged, place)  # refuses NaN, whatever the reading
    scale = reading.window or scale
    if not reading.exact:
        return _eight_bits(arranged, scale)
    served = {key: scale.exact(array) for key, array in arranged.items()}
    kept = {str(array.dtype) for array in served.values()}
    if reading.window is not None:
        return served, [f"The images hold {scale.text}."]
    what = scale.text.partition(":")[0]
    return served, [f"The images hold {what}: kept at full precision, as {kept.pop()}."] if scale.text else []


def _eight_bits(arranged: Mapping[str, NDArray[Any]], scale: Scale) -> tuple[dict[str, NDArray[Any]], list[str]]:
    sentences = [f"The images hold {scale.text}."] if scale.text else []
    served = {key: scale.rounded(array) for key, array in arranged.items()}
    clear = sum(len(array) for array in served.values() if array.ndim == 4 and array.shape[-1] == 4)
    if clear:
        sentences.append(f"{plural(clear, 'image')} with an alpha channel, laid on white.")
    opaque = {key: _opaque(array) for key, array in served.items()}
    brightest = max(int(array.max()) for array in opaque.values())
    if brightest < 128:
        hint = " A range says what is white: add ?range=LOW-HIGH." if scale.text else ""
        sentences.append(f"The brightest value of all images is {brightest} of 255: they are dark.{hint}")
    return opaque, sentences


def _numeric(array: NDArray[Any], key: str, place: str) -> NDArray[Any]:
    if array.dtype.kind not in "buif":
        raise DataError(f"{place}: '{shown(key)}' holds {array.dtype}, no pixel values. Save it as uint8.")
    return array


def _channels_last(array: NDArray[Any], key: str, place: str) -> NDArray[Any]:
    """Return (N, H, W) or (N, H, W, C) with C of 2 or more."""
    where = f"{place}: '{shown(key)}' has the shape {array.shape}"
    if 0 in array.shape:
        raise DataError(f"{where} and so no image. Remove it, or fill it.")
    if array.ndim == 3:
        return array
    if array.ndim != 4:
        raise DataError(f"{where}. Reshape it to (N, H, W) for grey or (N, H, W, 3) for colour.")
    axis = axis_of_channels(array.shape[1:])
    if axis is None:
        raise DataError(
            f"{where}: which axis is that of the channels cannot be told. "
            "Reshape it to (N, H, W) for grey or (N, H, W, 3) for colour."
        )
    array = np.moveaxis(array, 1, 3) if axis == 0 else array
    return array[..., 0] if array.shape[3] == 1 else array


def _scale(images: Mapping[str, NDArray[Any]], place: str) -> Scale:
    """Return how to map all arrays' values to 0..255."""
    low = min(float(array.min()) for array in images.values())
    high = max(float(array.max()) for array in images.values())
    _require_finite(images, low, high, place)
    return scale_of({array.dtype for array in images.values()}, low, high)


def _require_finite(images: Mapping[str, NDArray[Any]], low: float, high: float, place: str) -> None:
    if not (np.isfinite(low) and np.isfinite(high)):
        key = next(key for key, array in images.items() if not np.isfinite(array).all())
        raise DataError(f"{place}: '{shown(key)}' holds NaN or infinite values. Replace them.")


def _opaque(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with alpha laid on white; others as they are."""
    if array.ndim == 3 or array.shape[-1] != 4:
        return array
    served = np.empty((*array.shape[:3], 3), dtype=np.uint8)
    for start in range(0, len(array), _CHUNK):
        part = array[start : start + _CHUNK].astype(np.float32)
        alpha = part[..., 3:] / 255
        served[start : start + _CHUNK] = np.rint(part[..., :3] * alpha + 255 * (1 - alpha))
    return served
