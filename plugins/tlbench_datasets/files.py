"""Image files, wherever they lie: looked at once per process, and decoded when asked for."""

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError
from tlbench.names import plural
from tlbench_datasets.examples import Example
from tlbench_datasets.images import BadImageError, decode, traits
from tlbench_datasets.listing import Listing
from tlbench_datasets.wording import shown, some


class Files(Protocol):
    """Where image files lie."""

    @property
    def place(self) -> str:
        """How messages call it: folder 'flowers'."""

    def listing(self) -> Listing:
        """Return what lies there."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raise DataError where that fails."""

    def stamp(self, path: str) -> Hashable:
        """Return what changes whenever the file's bytes may have changed."""


@dataclass(frozen=True)
class Seen:
    """What one reading of a file told."""

    digest: str
    traits: tuple[str, ...]
    problem: str  # empty for an image


_SEEN: dict[Hashable, Seen] = {}  # of this process, so that a second instance need not read everything again


def seen(files: Files, paths: Iterable[str]) -> dict[str, Seen]:
    """Return what reading each file told, by path; raise DataError where some are no images."""
    told = {}
    for path in paths:
        key = files.stamp(path)
        if key not in _SEEN:
            _SEEN[key] = _look(files.read(path))
        told[path] = _SEEN[key]
    broken = sorted(path for path, file in told.items() if file.problem)
    if broken:
        raise DataError(
            f"{files.place}: {plural(len(broken), 'file')} cannot be read as an image: {some(broken)} "
            f"({told[broken[0]].problem}). Replace or delete what is broken."
        )
    return told


def _look(data: bytes) -> Seen:
    digest = hashlib.sha256(data).hexdigest()
    try:
        return Seen(digest, traits(data), "")
    except BadImageError as problem:
        return Seen(digest, (), str(problem))


class Images(Sequence[NDArray[np.uint8]]):
    """Images that are decoded when asked for, uint8, (H, W) or (H, W, 3)."""

    def __init__(self, files: Files, examples: Sequence[Example]) -> None:
        self._files = files
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> "Images": ...
    def __getitem__(self, index: int | slice) -> "NDArray[np.uint8] | Images":
        """Return one image; raise DataError, naming the file, where it cannot be decoded or has changed."""
        if isinstance(index, slice):
            return Images(self._files, self._examples[index])
        example = self._examples[index]
        data = self._files.read(example.source)
        where = f"{self._files.place}: image '{shown(example.source)}'"
        if hashlib.sha256(data).hexdigest() != example.digest:
            raise DataError(f"{where} has changed since it was first read. Start again.")
        try:
            return decode(data)
        except BadImageError as problem:
            raise DataError(f"{where} cannot be decoded ({problem}). Replace or delete it.") from None
