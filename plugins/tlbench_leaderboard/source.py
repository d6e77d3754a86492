"""Read a submission's files: a results folder, or a pack of one. Nothing in it is run and no link is followed."""

import os
import re
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from tlbench import near_miss
from tlbench.errors import StoreError

MARKER = "tlbench.json"
PLAN = "plan.json"
ABOUT = "submission.json"  # of a pack: who submits it, and the digest of the rest
JOINED = "submissions.json"  # of a merge: whose each record is
ROUND = "round.json"  # of results of a round: its seed, and what was committed

RECORD_BYTES = 16 * 2**20
PREDICTIONS_BYTES = 2**30
OTHER_BYTES = 64 * 2**20
PACK_BYTES = 16 * 2**30  # of all files of a pack, unpacked
PACK_FILES = 500_000

_TOP = {MARKER, PLAN, ABOUT, JOINED, ROUND}
_RECORDS = re.compile(r"(?:submissions/[a-z0-9][a-z0-9-]{0,63}/)?records/[^/]+\.(?:json|safetensors)")
_BESIDE = re.compile(r"splits/[0-9a-f]{20}\.csv|submissions/[a-z0-9][a-z0-9-]{0,63}/tlbench\.json")


class Source(ABC):
    """Read the files of a submission by their paths within it, with `/` between folders."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.sizes: dict[str, int] = {}
        self.strange: list[str] = []  # sentences on files that no submission has

    def read(self, place: str) -> bytes:
        """Return a file's content; raise StoreError where it is missing, too large or damaged."""
        if place not in self.sizes:
            raise StoreError(f"{self.name} holds no {place}.")
        limit = _limit(place)
        if self.sizes[place] > limit:
            size, most = self.sizes[place] / 2**20, limit // 2**20
            raise StoreError(f"{place} has {size:,.0f} MiB; nothing of its kind may have more than {most:,}.")
        try:
            content = self._read(place, limit)
        except (
            OSError,
            zipfile.BadZipFile,
            zipfile.LargeZipFile,
            NotImplementedError,
            RuntimeError,
            EOFError,
        ) as error:
            raise StoreError(f"cannot read {place}: {getattr(error, 'strerror', None) or error}.") from None
        except Exception as error:  # zlib, lzma and bz2 each raise their own
            raise StoreError(f"cannot read {place}: it is damaged ({error}).") from None
        if len(content) > limit:
            raise StoreError(f"{place} unpacks to more than the {limit // 2**20:,} MiB that its kind may have.")
        return content

    @abstractmethod
    def _read(self, place: str, limit: int) -> bytes:
        """Return the first `limit` bytes and one more of a file, as far as there are so many."""

    def records(self) -> list[str]:
        """Return the paths of all records, those of further submissions after the first ones."""
        found = [place for place in self.sizes if place.endswith(".json") and _RECORDS.fullmatch(place)]
        return sorted(found, key=lambda place: (not place.startswith("records/"), place))


class _Folder(Source):
    """A results folder; what stands beside its records (tables, charts, pages) is no part of a submission."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for place, entry in _walk(path):
            if entry.is_symlink():
                self.strange.append(f"{place} is a link, and links are not followed")
            elif _is_known(place):
                self.sizes[place] = entry.stat(follow_symlinks=False).st_size
            elif "records/" in place and not entry.name.startswith("."):
                self.strange.append(f"{place} is neither a record (.json) nor its predictions (.safetensors)")

    def _read(self, place: str, limit: int) -> bytes:
        with (self.path / place).open("rb") as file:
            return file.read(limit + 1)


def _walk(folder: Path) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Yield the files, and the links, of the folders that a submission has, by their paths."""
    inner = ["", "records", "splits", "submissions"]
    while inner:
        prefix = inner.pop(0)
        place = folder / prefix
        if not place.is_dir() or (prefix and place.is_symlink()):
            continue
        for entry in sorted(os.scandir(place), key=lambda each: each.name):
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                inner += [path, f"{path}/records"] if prefix == "submissions" else []
            elif prefix or path in _TOP or (entry.is_symlink() and path in ("records", "splits", "submissions")):
                yield path, entry


class _Pack(Source):
    """A zip file. It is read file by file and never unpacked, so that no path in it can lead outside."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise StoreError(
                f"{path} is not a pack: {error}. `tlbench submit` makes one of a results folder."
            ) from None
        members = self.archive.infolist()
        if len(members) > PACK_FILES or sum(member.file_size for member in members) > PACK_BYTES:
            raise StoreError(
                f"{path} holds more than {PACK_FILES:,} files or {PACK_BYTES // 2**30} GiB; it is not opened."
            )
        for member in members:
            self._take(member)

    def _take(self, member: zipfile.ZipInfo) -> None:
        place, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
        if place.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", place) or ":" in place:
            self.strange.append(f"the path {place!r} leads outside the pack")
        elif kind == stat.S_IFLNK:
            self.strange.append(f"{place} is a link, and links are not followed")
        elif place in self.sizes:
            self.strange.append(f"{place} is in the pack twice")
        elif _is_known(place):
            self.sizes[place] = member.file_size
        elif not member.is_dir():
            self.strange.append(f"{place} is nothing that a submission holds")

    def _read(self, place: str, limit: int) -> bytes:
        with self.archive.open(place) as file:
            return file.read(limit + 1)


def _is_known(place: str) -> bool:
    return place in _TOP or bool(_RECORDS.fullmatch(place) or _BESIDE.fullmatch(place))


def _limit(place: str) -> int:
    if place.endswith(".safetensors"):
        return PREDICTIONS_BYTES
    return RECORD_BYTES if _RECORDS.fullmatch(place) else OTHER_BYTES


def open_source(path: Path) -> Source:
    """Open a results folder or a pack; raise StoreError where it is neither."""
    if not path.exists():
        around = path.parent if path.parent.is_dir() else Path()
        hint = near_miss(path.name, [each.name for each in around.iterdir()])
        raise StoreError(f"{path} does not exist.{hint} Give a results folder, or a pack of `tlbench submit`.")
    source: Source = _Folder(path) if path.is_dir() else _Pack(path)
    if MARKER not in source.sizes:
        raise StoreError(f"{path} is not a results folder: it holds no {MARKER}. `tlbench run --out` makes one.")
    return source
