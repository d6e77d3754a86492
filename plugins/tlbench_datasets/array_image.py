"""Read images of any number of channels in .npy files: (H, W), (H, W, C) or (C, H, W); never unpickled."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench_datasets.damage import BadImageError, guarded, require_size
from tlbench_datasets.reading import Reading, Stored
from tlbench_datasets.values import axis_of_channels

_MAGIC = b"\x93NUMPY"


def is_array(data: bytes) -> bool:
    """Tell whether bytes are those of a .npy file."""
    return data.startswith(_MAGIC)


def stored(data: bytes) -> Stored:
    """Return what numbers the file holds; raise BadImageError where it is damaged or holds no image."""
    array = _array(data)
    return Stored(array.dtype.newbyteorder("=").str, array.shape, float(array.min()), float(array.max()))


def decode_array(data: bytes, reading: Reading) -> NDArray[Any]:
    """Return the image, (H, W) or (H, W, C); raise BadImageError where that cannot be done.

    A reading that no dataset has settled serves integers of 8 and 16 bits alone.
    """
    array = _channels_last(_array(data), reading)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if reading.scale is None or reading.window is not None:
        return reading.served(array)
    return reading.promoted(reading.scale.exact(array) if reading.exact else reading.scale.rounded(array))


def _array(data: bytes) -> NDArray[Any]:
    array: NDArray[Any] = guarded(lambda: _loaded(data))
    if array.dtype.kind not in "buif":
        raise BadImageError(f"holds {array.dtype}, no pixel values")
    if array.ndim not in (2, 3):
        raise BadImageError(f"has the shape {array.shape}, and an image is (H, W) or (H, W, C)")
    require_size(array.shape[0], array.shape[1], 1 if array.ndim == 2 else array.shape[2])
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadImageError("holds NaN or infinite values")
    return array


def _loaded(data: bytes) -> NDArray[Any]:
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise BadImageError("holds pickled objects, which could run code when read") from None
        raise


def _channels_last(array: NDArray[Any], reading: Reading) -> NDArray[Any]:
    if array.ndim == 2:
        return array
    first = reading.first
    if first is None:
        axis = axis_of_channels(array.shape)
        if axis is None:
            raise BadImageError(f"has the shape {array.shape}, in which the channels cannot be told")
        first = axis == 0
    array = np.moveaxis(array, 0, 2) if first else array
    return array[..., 0] if array.shape[2] == 1 else array
