"""Sketches: what is kept of each example of a split so that copies and near-duplicates of it are found again."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.dataset import Dataset, example_digest
from tlbench.data.cache import Cache
from tlbench.data.perceptual_hash import SIDE, as_array, grey_of, perceptual_hashes, thumbnail
from tlbench.progress import track

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


def sketched(examples: Iterable[Any], count: int) -> Array:
    """Return the sketches of raw examples, a structured array (N,) of dtype `SKETCH`; one example is held at a time."""
    rows = np.zeros(count, dtype=SKETCH)
    grey = np.zeros((count, SIDE, SIDE), dtype=np.float32)
    least = np.full(count, np.inf)
    for position, example in enumerate(examples):
        array = example if isinstance(example, str) else as_array(example)
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


def sketches(dataset: Dataset, fingerprint: str, domain: str, split: str, cache: Cache) -> Array:
    """Return the sketches of a split in the order of `load`, from the cache where they are there."""
    key = (VERSION, fingerprint, domain, split)

    def make(path: Path) -> None:
        inputs = dataset.load(domain, split).inputs
        spans = [range(start, min(start + CHUNK, len(inputs))) for start in range(0, len(inputs), CHUNK)]
        with ThreadPoolExecutor(THREADS) as pool:
            work = pool.map(lambda span: sketched(map(inputs.__getitem__, span), len(span)), spans)
            found = np.concatenate([*track(work, f"hashing {split}", len(spans)), np.empty(0, dtype=SKETCH)])
        with path.open("wb") as file:
            np.save(file, found)

    return cache.array("copies", key, make)
