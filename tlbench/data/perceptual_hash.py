"""Perceptual hashes: 64 bits of an image that hardly change when it is stored anew, resized or brightened.

The DCT hash of Zauner (2010, "Implementation and benchmarking of perceptual image hash functions"): the image as a
small grey thumbnail, the lowest frequencies of its cosine transform, and for each whether it lies above their median.
"""

from functools import lru_cache
from typing import Any

import numpy as np

SIDE = 32  # pixels of a thumbnail
BITS = 64
_LOW = 8  # frequencies of each axis
_LUMINANCE = np.array((0.299, 0.587, 0.114), dtype=np.float32)  # as Pillow's own grey (ITU-R BT.601)


def grey_of(example: Any) -> "np.ndarray[Any, np.dtype[np.float32]] | None":
    """Return an image as grey, float32 (H, W), 0 to 255; None for what is none.

    Takes what `Dataset.load` serves: (H, W) or (H, W, C) of uint8, of uint16 (65535 is white) or of floats. Red, green
    and blue are weighed as the eye does, any other number of channels alike. A torch tensor's channels come first.
    """
    array = as_array(example)
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "buif":
        return None
    values = array.astype(np.float32)
    if array.ndim == 3:
        values = values @ _LUMINANCE if array.shape[2] == 3 else values.mean(axis=2, dtype=np.float32)
    if array.dtype == np.uint16:
        values /= np.float32(257)
    return values if np.isfinite(values).all() else np.nan_to_num(values, posinf=255, neginf=0)


def as_array(example: Any) -> "np.ndarray[Any, Any]":
    """Return an example as an array; a tensor's channels go last."""
    if type(example).__module__.partition(".")[0] == "torch":
        example = (example.movedim(0, -1) if example.ndim == 3 else example).cpu().numpy()
    return np.asarray(example)


def thumbnail(grey: "np.ndarray[Any, np.dtype[np.float32]]") -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return a grey image, float32 (H, W), as (32, 32): means of areas, or interpolated where it is smaller."""
    if grey.shape == (SIDE, SIDE):
        return grey
    squeezed: np.ndarray[Any, np.dtype[np.float32]] = _weights(grey.shape[0]) @ grey @ _weights(grey.shape[1]).T
    return squeezed


@lru_cache(maxsize=256)
def _weights(length: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return what each of `length` pixels in a row weighs in each of the 32 of its thumbnail, float32 (32, length)."""
    place = np.arange(length)
    if length >= SIDE:
        ends = np.arange(SIDE + 1) * (length / SIDE)
        overlap = np.minimum(ends[1:, None], place + 1) - np.maximum(ends[:-1, None], place)
    else:
        centres = ((np.arange(SIDE) + 0.5) * (length / SIDE) - 0.5).clip(0, length - 1)
        overlap = 1 - np.abs(centres[:, None] - place)
    weights = overlap.clip(min=0)
    shares: np.ndarray[Any, np.dtype[np.float32]] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def perceptual_hashes(
    thumbnails: "np.ndarray[Any, Any]",
) -> "tuple[np.ndarray[Any, np.dtype[np.uint64]], np.ndarray[Any, np.dtype[np.uint64]]]":
    """Return the hashes of thumbnails (N, 32, 32), uint64 (N,), and those of their mirror images."""
    from scipy.fft import dctn

    low = dctn(thumbnails.astype(np.float32), axes=(1, 2), norm="ortho")[:, :_LOW, :_LOW]
    mirror = np.where(np.arange(_LOW) % 2, -1, 1).astype(np.float32)  # left to right, odd waves change their sign
    return _bits(low), _bits(low * mirror)


def _bits(low: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.uint64]]":
    values = low.reshape(len(low), BITS)
    above = values > np.median(values[:, 1:], axis=1, keepdims=True)
    above[:, 0] = False  # the mean brightness
    return np.packbits(above, axis=1).view(">u8")[:, 0].astype(np.uint64)


_ONES = np.array([value.bit_count() for value in range(1 << 16)], dtype=np.uint8)


def distances(
    one: "np.ndarray[Any, np.dtype[np.uint64]]", other: "np.ndarray[Any, np.dtype[np.uint64]]"
) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return in how many bits each of one's hashes (N,) differs from each of the other's (M,): uint8 (N, M)."""
    different = one[:, None] ^ other[None, :]
    if hasattr(np, "bitwise_count"):  # since numpy 2
        counted: np.ndarray[Any, np.dtype[np.uint8]] = np.bitwise_count(different)
        return counted
    words = different.view(np.uint16).reshape(*different.shape, 4)
    summed: np.ndarray[Any, np.dtype[np.uint8]] = _ONES[words].sum(axis=-1, dtype=np.uint8)
    return summed
