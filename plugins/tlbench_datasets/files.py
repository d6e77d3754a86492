"""Read image files, wherever they lie: looked at once per process, and decoded when asked for."""

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, overload

from numpy.typing import NDArray

from tlbench import Content, DataError, plural, shown, some, track
from tlbench_datasets.images import CONVERSIONS, BadImageError, decode, look
from tlbench_datasets.listing import Listing
from tlbench_datasets.reading import PLAIN, Reading, Stored

_DECODERS = 4  # threads that try to decode: image libraries release the interpreter's lock


class Files(Protocol):
    """Say where image files lie."""

    @property
    def place(self) -> str:
        """Return how messages call it: folder 'flowers'."""

    def listing(self) -> Listing:
        """Return what lies there."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raise DataError where that fails."""

    def stamp(self, path: str) -> Hashable:
        """Return what changes whenever the file's bytes may have changed."""


@dataclass(frozen=True)
class Seen:
    """Hold what one reading of a file told."""

    digest: str
    traits: tuple[str, ...]
    problem: str  # empty for an image
    channels: int = 0  # 0 for grey and RGB
    stored: Stored | None = None  # of .npy files


_SEEN: dict[Hashable, Seen] = {}  # of this process, so that a second instance need not read everything again


def seen(files: Files, paths: Iterable[str], reading: Reading = PLAIN) -> dict[str, Seen]:
    """Return what reading each file told, by path; raise DataError where some are no images."""
    listed = list(paths)
    told = {path: _once(files, path, reading, False) for path in track(listed, "reading images", len(listed))}
    broken = sorted(path for path, file in told.items() if file.problem)
    if broken:
        raise DataError(
            f"{files.place}: {plural(len(broken), 'file')} cannot be read as an image: {some(broken)} "
            f"({told[broken[0]].problem}). Replace or delete what is broken, or add ?skip to leave it out."
        )
    return told


def tried(files: Files, paths: Iterable[str], reading: Reading = PLAIN) -> dict[str, Seen]:
    """Return what reading each file told, by path, with its problem where it cannot be decoded in full."""
    listed = list(paths)
    with ThreadPoolExecutor(_DECODERS) as pool:
        told = pool.map(lambda path: _once(files, path, reading, True), listed)
        return dict(zip(listed, track(told, "reading images", len(listed)), strict=True))


def _once(files: Files, path: str, reading: Reading, whole: bool) -> Seen:
    """Look at a file, and decode it where that is wanted, unless this process has done so before."""
    try:
        key = (files.stamp(path), reading, whole)
        if key not in _SEEN:
            _SEEN[key] = _look(files.read(path), reading, whole)
        return _SEEN[key]
    except DataError as error:
        if not whole:
            raise
        return Seen("", (), str(error).removeprefix(f"{files.place}: ").rstrip("."))


def _look(data: bytes, reading: Reading, whole: bool) -> Seen:
    digest = hashlib.sha256(data).hexdigest()
    try:
        found = look(data, reading)
        if whole and found.stored is None:  # arrays were read to the end already
            decode(data, reading)
    except BadImageError as problem:
        return Seen(digest, (), str(problem))
    return Seen(digest, found.traits, "", found.channels, found.stored)


def conversions(told: Mapping[str, Seen], settled: Reading) -> list[str]:
    """Return sentences on what is converted when images are decoded, by what reading each file has told."""
    sentences = []
    for trait, text in CONVERSIONS.items():
        paths = sorted(path for path, file in told.items() if trait in file.traits)
        if paths and not (trait == "16-bit" and settled.exact):
            sentences.append(f"{text}: {plural(len(paths), 'image')} ({some(paths)}).")
    if settled.window is not None:
        sentences.append(f"All images hold {settled.window.text}.")
    elif settled.dtype in ("uint16", "float32"):
        sentences.append(f"Values kept at full precision, as {settled.dtype}.")
    elif settled.scale is not None and settled.scale.text:
        sentences.append(f"The .npy files hold {settled.scale.text}.")
    return sentences


class Images(Sequence[NDArray[Any]]):
    """Hold images that are decoded when asked for: (H, W) or (H, W, C), uint8 unless `reading` says otherwise."""

    def __init__(self, files: Files, examples: Sequence[Content], reading: Reading = PLAIN) -> None:
        self._files = files
        self._examples = examples
        self._reading = reading

    def __len__(self) -> int:
        return len(self._examples)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> "Images": ...
    def __getitem__(self, index: int | slice) -> "NDArray[Any] | Images":
        """Return one image; raise DataError, naming the file, where it cannot be decoded or has changed."""
        if isinstance(index, slice):
            return Images(self._files, self._examples[index], self._reading)
        example = self._examples[index]
        data = self._files.read(example.source)
        where = f"{self._files.place}: image '{shown(example.source)}'"
        if hashlib.sha256(data).hexdigest() != example.digest:
            raise DataError(f"{where} has changed since it was first read. Start again.")
        try:
            return decode(data, self._reading)
        except BadImageError as problem:
            raise DataError(
                f"{where} cannot be decoded ({problem}). Replace or delete it, or add ?skip to leave it out."
            ) from None
