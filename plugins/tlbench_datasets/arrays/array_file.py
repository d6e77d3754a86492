"""Read a numpy archive (.npz): find its images and labels by their names; never unpickle.

With splits:     x_train y_train x_test y_test [x_val y_val], also train_x, train_images and train_labels
Without:         X y, images labels, data labels or data target
Class names:     classes or class_names

Case does not matter. Other arrays are passed over.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError, shown, some
from tlbench_datasets.place import near, reason
from tlbench_datasets.zipped import checked, open_zip

_SPLITS = {"train": ("train",), "test": ("test",), "val": ("val", "valid", "validation")}
_WITH_SPLIT = (("x_{}", "y_{}"), ("{}_x", "{}_y"), ("{}_images", "{}_labels"))
_WITHOUT = (("x", "y"), ("images", "labels"), ("data", "labels"), ("data", "target"))
_NAMES = ("classes", "class_names")
_WANTED = "It needs x_train, y_train, x_test and y_test, or X and y"
_FAILURES: tuple[type[Exception], ...] = (ValueError, OSError, EOFError, KeyError, MemoryError, RuntimeError)
_FAILURES += (TypeError, SyntaxError, OverflowError, zlib.error, zipfile.BadZipFile)  # of damaged headers


@dataclass(frozen=True)
class ArrayFile:
    """Describe the arrays of one file. Without splits everything is `train`."""

    images: Mapping[str, NDArray[Any]]  # by split
    labels: Mapping[str, NDArray[Any]]  # by split
    keys: Mapping[str, tuple[str, str]]  # by split: what images and labels are called in the file
    names: NDArray[Any] | None
    passed_over: tuple[str, ...]


def read_arrays(path: Path, size: int, place: str) -> ArrayFile:
    """Return the arrays of a file of `size` bytes; raise DataError where they are missing, damaged or unsafe."""
    with open_zip(path, place) as archive:
        checked(archive.infolist(), size, place)
        if not any(name.endswith(".npy") for name in archive.namelist()):
            raise DataError(f"{place} holds no numpy arrays. Where it is an archive of images, write zip:PATH.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            return _chosen(stored, place)
    except _FAILURES as error:
        raise DataError(f"{place} cannot be read: {reason(error)}.") from None


def _chosen(stored: Any, place: str) -> ArrayFile:
    by_lower = {key.lower(): key for key in stored.files}
    if len(by_lower) < len(stored.files):
        raise DataError(f"{place} has arrays whose names differ in case only ({some(sorted(stored.files))}).")
    keys = _keys(by_lower, place)
    names = [by_lower[name] for name in _NAMES if name in by_lower]
    used = {key for pair in keys.values() for key in pair} | set(names)
    images = {split: _array(stored, pair[0], place) for split, pair in keys.items()}
    labels = {split: _array(stored, pair[1], place) for split, pair in keys.items()}
    for split, (image_key, label_key) in keys.items():
        _require_same_length(images[split], labels[split], image_key, label_key, place)
    passed_over = tuple(sorted(set(stored.files) - used))
    return ArrayFile(images, labels, keys, _array(stored, names[0], place) if names else None, passed_over)


def _keys(by_lower: Mapping[str, str], place: str) -> dict[str, tuple[str, str]]:
    """Return, by split, what the images and the labels are called."""
    found: dict[str, tuple[str, str]] = {}
    for split, words in _SPLITS.items():
        pairs = [(image.format(word), label.format(word)) for word in words for image, label in _WITH_SPLIT]
        pair = _pair(pairs, by_lower, place)
        if pair:
            found[split] = pair
    whole = _pair(_WITHOUT, by_lower, place)
    if found and whole:
        raise DataError(f"{place} has images both in '{whole[0]}' and in '{next(iter(found.values()))[0]}'. Keep one.")
    if whole:
        return {"train": whole}
    if "train" not in found:
        hint = near("x_train", by_lower) if by_lower else ""
        raise DataError(f"{place} has no training images among its arrays ({some(sorted(by_lower))}).{hint} {_WANTED}.")
    return found


def _pair(pairs: Any, by_lower: Mapping[str, str], place: str) -> tuple[str, str] | None:
    present = [(image, label) for image, label in pairs if image in by_lower]
    whole = [(by_lower[image], by_lower[label]) for image, label in present if label in by_lower]
    if len({image for image, _ in whole}) > 1 or len(whole) > 1:
        raise DataError(f"{place} has several arrays for one thing: {some([key for pair in whole for key in pair])}.")
    if present and not whole:
        image, label = present[0]
        raise DataError(f"{place} has '{by_lower[image]}' but no '{label}'. Add the labels. {_WANTED}.")
    return whole[0] if whole else None


def _array(stored: Any, key: str, place: str) -> NDArray[Any]:
    try:
        return np.asarray(stored[key])
    except _FAILURES as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{place}: '{shown(key)}' holds pickled objects, which could run code when read. Save it as a plain "
                "array: images as uint8 of one size, strings as np.array(names, dtype=str)."
            ) from None
        raise DataError(f"{place}: array '{shown(key)}' cannot be read: {reason(error)}. Save it again.") from None


def _require_same_length(images: NDArray[Any], labels: NDArray[Any], image: str, label: str, place: str) -> None:
    if images.ndim == 0 or labels.ndim == 0 or len(images) != len(labels):
        raise DataError(
            f"{place}: '{image}' has the shape {images.shape} and '{label}' {labels.shape}: lengths differ."
        )
