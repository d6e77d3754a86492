"""Read `npz:PATH`: images and labels as arrays in one numpy archive."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tlbench import (
    TEST_SHARE,
    Content,
    DataError,
    Labelled,
    content_fingerprint,
    shown,
    some,
    sorted_by_content,
    with_test_split,
)
from tlbench_datasets.arrays.array_file import ArrayFile, read_arrays
from tlbench_datasets.arrays.array_labels import class_names
from tlbench_datasets.arrays.array_pixels import pixels
from tlbench_datasets.card import Carded
from tlbench_datasets.place import require_file, require_known
from tlbench_datasets.reading import PLAIN, Depth, Reading, reading
from tlbench_datasets.remarks import remarks


class _ClassOrder:
    """`fixed` where the file names its classes, which are then in its order; the class itself knows no file."""

    def __get__(self, instance: "Npz | None", owner: type) -> Literal["sorted", "fixed"]:
        return "fixed" if instance is not None and instance._contents.named else "sorted"


@dataclass(frozen=True)
class Npz(Carded):
    """Read a .npz file: x_train, y_train, x_test, y_test (x_val, y_val), or X and y; (N, H, W) or (N, H, W, C)."""

    name: ClassVar[str] = "npz"
    locator: ClassVar[str] = "path"
    class_order: ClassVar[Any] = _ClassOrder()

    path: Path
    depth: Depth = 8  # 16: more than 8 bits at full precision
    window: str | float | None = field(default=None, metadata={"option": "range"})  # LOW-HIGH of values for 0..255

    def __post_init__(self) -> None:
        """Refuse a range that is none with ValueError."""
        reading(self.depth, self.window)

    @cached_property
    def _contents(self) -> "_Contents":
        path = self.path.expanduser()
        status = require_file(path, "npz")
        return _read(path, path.resolve(), status.st_size, status.st_mtime_ns, self._asked)

    @property
    def _asked(self) -> Reading:
        return reading(self.depth, self.window)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names in `classes` or `class_names`, or else the distinct labels, sorted."""
        return self._contents.classes

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where the file has one."""
        self._require(domain, ("all",), "domain")
        return ("train", "test", *(["val"] if "val" in self._contents.images else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images, (N, H, W) or (N, H, W, C), in an order that depends on their content alone.

        They are uint8, unless more than 8 bits are asked for: uint16, or float32 from 0 to 255.
        """
        self._require(split, self.splits(domain), "split")
        return self._contents.part(split)

    def fingerprint(self) -> str:
        """Return a digest of splits, classes and pixels, whatever the order in the file."""
        asked = None if self._asked == PLAIN else (self._asked.depth, self._asked.window)
        return content_fingerprint(self.classes, self._contents.examples, asked)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each example's shape and pixels, in the order of `load`."""
        self._require(split, self.splits(domain), "split")
        return [example.digest for example in self._contents.of(split)]

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return where each example stands in the file, `x_train[12]`, in the order of `load`."""
        self._require(split, self.splits(domain), "split")
        return [example.source for example in self._contents.of(split)]

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return the arrays that are neither images nor labels."""
        return [(name, "neither images nor labels by its name") for name in self._contents.passed_over]

    def findings(self) -> tuple[str, ...]:
        """Return sentences on the split, copies, conversions and what was passed over."""
        return self._contents.findings

    def _require(self, name: str, known: Sequence[str], what: str) -> None:
        require_known(name, known, what, f"npz '{shown(str(self.path))}'")


@dataclass(frozen=True)
class _Contents:
    classes: tuple[str, ...]
    images: dict[str, NDArray[Any]]  # by split of the file
    examples: list[Content]  # by content, each in its final split
    findings: tuple[str, ...]
    named: bool  # whether the file names its classes
    passed_over: tuple[str, ...]

    def of(self, split: str) -> list[Content]:
        """Return the examples of one split."""
        return [example for example in self.examples if example.split == split]

    def part(self, split: str) -> Labelled:
        """Return one split; a chosen test split is taken from the file's `train`."""
        own = self.of(split)
        position = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([position[example.label] for example in own], dtype=np.int64)
        stored = split if split in self.images else "train"
        return Labelled(self.images[stored][[_row(example) for example in own]], labels)


@lru_cache(maxsize=2)  # a source and a target: a second instance need not read its file again
def _read(path: Path, _resolved: Path, size: int, _mtime_ns: int, asked: Reading) -> _Contents:
    place = f"npz '{shown(str(path))}'"
    stored = read_arrays(path, size, place)
    images, converted = pixels({stored.keys[split][0]: array for split, array in stored.images.items()}, place, asked)
    classes, labels = class_names(
        {stored.keys[split][1]: array for split, array in stored.labels.items()}, stored.names, place
    )
    by_split = {split: images[key] for split, (key, _) in stored.keys.items()}
    named = {split: labels[key] for split, (_, key) in stored.keys.items()}
    _require_same_classes(named, place)
    examples = with_test_split(_examples(by_split, named, stored), place)
    findings = (*_split_remarks(stored), *remarks(examples), *converted, *_passed_over(stored))
    return _Contents(classes, by_split, examples, findings, stored.names is not None, stored.passed_over)


def _examples(images: dict[str, NDArray[Any]], labels: dict[str, NDArray[np.str_]], stored: ArrayFile) -> list[Content]:
    return sorted_by_content(
        Content(_digest(image), "all", split, label, f"{stored.keys[split][0]}[{row}]")
        for split in images
        for row, (image, label) in enumerate(zip(images[split], labels[split].tolist(), strict=True))
    )


def _digest(image: NDArray[Any]) -> str:
    kind = "" if image.dtype == np.uint8 else image.dtype.str
    return hashlib.sha256((repr(image.shape) + kind).encode() + image.tobytes()).hexdigest()


def _row(example: Content) -> int:
    return int(example.source.rpartition("[")[2][:-1])


def _require_same_classes(labels: dict[str, NDArray[np.str_]], place: str) -> None:
    found = {split: set(array.tolist()) for split, array in labels.items()}
    for split, one, other in (("test", "test", "train"), ("test", "train", "test"), ("val", "val", "train")):
        if split in found and (extra := sorted(found[one] - found[other])):
            raise DataError(
                f"{place}: class '{shown(extra[0])}' is in {one} but not in {other}. Every class needs images in both."
            )


def _split_remarks(stored: ArrayFile) -> list[str]:
    if "test" in stored.keys:
        return []
    kept = "; val stays validation" if "val" in stored.keys else ""
    return [f"No test images: {TEST_SHARE:.0%} of each class, chosen by content, is the test split{kept}."]


def _passed_over(stored: ArrayFile) -> list[str]:
    if not stored.passed_over:
        return []
    return [f"Arrays passed over: {len(stored.passed_over)} ({some(stored.passed_over)})."]
