"""Sketch the examples of a split, so that copies and near-duplicates of them are found again.

A sketch holds a digest, a thumbnail and a perceptual hash: 64 bits that hardly change when an image is stored anew,
resized or brightened. It is the DCT hash of Zauner (2010, "Implementation and benchmarking of perceptual image hash
functions"): a small grey thumbnail, the lowest frequencies of its cosine transform, and for each whether it lies above
their median.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract import Dataset, example_digest
from tlbench.data.cache import Cache
from tlbench.progress import track

SIDE = 32  # pixels of a thumbnail
BITS = 64
_LOW = 8  # frequencies of each axis
_LUMINANCE = np.array((0.299, 0.587, 0.114), dtype=np.float32)  # as Pillow's own grey (ITU-R BT.601)


def grey_of(example: Any) -> "np.ndarray[Any, np.dtype[np.float32]] | None":
    """Return an image as grey, float32 (H, W), 0 to 255; None for what is none.

    Takes what `Dataset.load` serves: (H, W) or (H, W, C) of uint8, of uint16 (65535 is white) or of floats. Red, green
    and blue are weighed as the eye does, any other number of channels alike. A torch tensor's channels come first.
    """
    array = example_array(example)
    if array.ndim not in (2, 3) or 0 in array.shape or array.dtype.kind not in "buif":
        return None
    values = array.astype(np.float32)
    if array.ndim == 3:
        values = values @ _LUMINANCE if array.shape[2] == 3 else values.mean(axis=2, dtype=np.float32)
    if array.dtype == np.uint16:
        values /= np.float32(257)
    return values if np.isfinite(values).all() else np.nan_to_num(values, posinf=255, neginf=0)


def example_array(example: Any) -> "np.ndarray[Any, Any]":
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


VERSION = 1  # raised whenever a sketch of the same example would differ
CHUNK = 512  # examples hashed at a time
THREADS = 4  # that decode: image libraries release the interpreter's lock

Array = np.ndarray[Any, Any]

# `content`: the first half of the SHA-256 of values, shape and dtype. `side`: pixels of the shorter side.
# `is_plain`: a drawing on an empty ground, or tiny. `is_blank`: nothing to be seen, or no image; it has no hash.
SKETCH = np.dtype([
    ("content", "V16"), ("hash", "<u8"), ("mirrored", "<u8"), ("side", "<u2"), ("is_plain", "?"), ("is_blank", "?"),
    ("thumbnail", "u1", (SIDE, SIDE)),
])  # fmt: skip

# Letters, digits and line drawings stand on a ground of one tone, and those of one class look alike without being
# copies of each other. Share of the commonest tone in a thumbnail, 1 % and 99 % quantile: handwritten digits 0.20 and
# 0.46, USPS 0.23 and 0.76, MNIST 0.63 and 0.88, Omniglot 0.78 and 0.95; CIFAR-10 0.02 and 0.42 (90 %: 0.15), flowers
# 0.02 and 0.31 (90 %: 0.09).
_GROUND = 0.1
_TINY = 16  # pixels: too few for two photographs of one thing to differ in
_RANGE = {"B": 2.0}  # least distance from dark to bright, of 255, for anything to be seen, by dtype
_LEAST_RANGE = 0.02  # where there are more than 8 bits


def sketch_examples(examples: Iterable[Any], count: int) -> Array:
    """Return the sketches of raw examples, a structured array (N,) of dtype `SKETCH`; one example is held at a time."""
    rows = np.zeros(count, dtype=SKETCH)
    grey = np.zeros((count, SIDE, SIDE), dtype=np.float32)
    least = np.full(count, np.inf)
    for position, example in enumerate(examples):
        array = example if isinstance(example, str) else example_array(example)
        rows["content"][position] = bytes.fromhex(example_digest(array)[:32])
        whole = None if isinstance(array, str) else grey_of(array)
        if whole is not None and not isinstance(array, str):
            grey[position] = thumbnail(whole)
            rows["side"][position] = min(*whole.shape, 65535)
            least[position] = _RANGE.get(array.dtype.char, _LEAST_RANGE)
    low, high = grey.min(axis=(1, 2)), grey.max(axis=(1, 2))
    rows["is_blank"] = high - low < least
    scale = 255 / np.where(rows["is_blank"], 1, high - low)
    # Stretched from black to white, so that a brighter or darker copy has the same.
    rows["thumbnail"] = np.rint((grey - low[:, None, None]) * scale[:, None, None]).clip(0, 255)
    rows["is_plain"] = (rows["side"] < _TINY) | (_grounds(rows["thumbnail"]) >= _GROUND)
    rows["hash"], rows["mirrored"] = perceptual_hashes(rows["thumbnail"])
    return rows


def _grounds(thumbnails: Array) -> Array:
    """Return each thumbnail's share of pixels at its commonest tone; compression moves a tone by one or two levels."""
    tones = thumbnails.reshape(len(thumbnails), SIDE * SIDE) + 256 * np.arange(len(thumbnails))[:, None]
    counts = np.bincount(tones.reshape(-1), minlength=256 * len(thumbnails)).reshape(-1, 256)
    around = np.pad(counts, ((0, 0), (1, 1)))
    commonest = counts.argmax(axis=1)[:, None] + np.arange(3)
    shares: Array = np.take_along_axis(around, commonest, axis=1).sum(axis=1) / SIDE**2
    return shares


def split_sketches(dataset: Dataset, fingerprint: str, domain: str, split: str, cache: Cache) -> Array:
    """Return the sketches of a split in the order of `load`, from the cache where they are there."""
    key = (VERSION, fingerprint, domain, split)

    def make(path: Path) -> None:
        inputs = dataset.load(domain, split).inputs
        spans = [range(start, min(start + CHUNK, len(inputs))) for start in range(0, len(inputs), CHUNK)]
        with ThreadPoolExecutor(THREADS) as pool:
            work = pool.map(lambda span: sketch_examples(map(inputs.__getitem__, span), len(span)), spans)
            found = np.concatenate([*track(work, f"hashing {split}", len(spans)), np.empty(0, dtype=SKETCH)])
        with path.open("wb") as file:
            np.save(file, found)

    return cache.array("copies", key, make)
