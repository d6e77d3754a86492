"""Read `folder:PATH`: images in class folders on this machine."""

import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import ClassVar

from tlbench import DataError, shown
from tlbench_datasets.files import Files
from tlbench_datasets.folders.image_files import ImageFiles
from tlbench_datasets.listing import MOST_DEEP, Listing, Member, is_junk
from tlbench_datasets.place import reason, require_folder


@dataclass(frozen=True)
class Folder(ImageFiles):
    """Read class folders: PATH/<class>/*.jpg, PATH/{train,val,test}/<class>/*.jpg; ?domains: one more level."""

    name: ClassVar[str] = "folder"

    def _open(self) -> Files:
        path = self.path.expanduser()
        require_folder(path)
        return _FolderFiles(path, path.resolve())  # the working folder may change later


@dataclass(frozen=True)
class _FolderFiles:
    path: Path  # as typed
    root: Path

    @property
    def place(self) -> str:
        return f"folder '{shown(str(self.path))}'"

    def listing(self) -> Listing:
        walk = _Walk(self.root, self.place)
        walk.enter("", ())
        return Listing(
            *(self.place, tuple(walk.members), frozenset(walk.folders), tuple(walk.ignored)),
            *(tuple(walk.links), tuple(walk.unreadable)),
        )

    def read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise DataError(f"{self.place}: cannot read '{shown(path)}': {reason(error)}.") from None

    def stamp(self, path: str) -> Hashable:
        place = os.path.realpath(self.root / path)
        try:
            status = os.stat(place)
        except OSError as error:
            raise DataError(f"{self.place}: cannot read '{shown(path)}': {reason(error)}.") from None
        return place, status.st_size, status.st_mtime_ns


@dataclass
class _Walk:
    """One pass through a folder, following links but never in a circle."""

    root: Path
    place: str
    members: list[Member] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def enter(self, folder: str, above: tuple[tuple[int, int], ...]) -> None:
        """Take in a folder; `above` are the (device, inode) pairs of the folders it lies in."""
        status = self._status(self.root / folder, folder)
        here = (status.st_dev, status.st_ino)
        if here in above:
            raise DataError(f"{self.place}: link '{shown(folder)}' leads back to a folder it lies in. Remove it.")
        if len(above) > MOST_DEEP:
            raise DataError(f"{self.place}: '{shown(folder)}' lies more than {MOST_DEEP} folders deep. Flatten it.")
        for entry in self._entries(folder):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if is_junk(entry.name):
                self.ignored.append(path)
                continue
            if entry.is_symlink():
                self.links.append(path)
            self._take(entry, path, (*above, here))

    def _take(self, entry: os.DirEntry[str], path: str, above: tuple[tuple[int, int], ...]) -> None:
        try:
            status = os.stat(entry.path)
        except FileNotFoundError:
            self.unreadable.append((path, "is a link to nothing. Remove it"))
        except OSError as error:
            self.unreadable.append((path, f"cannot be read: {reason(error)}"))
        else:
            if entry.is_dir():
                self.folders.append(path)
                self.enter(path, above)
            elif S_ISREG(status.st_mode):
                self.members.append(Member(path, status.st_size))
            else:
                self.unreadable.append((path, "is no regular file (a pipe or device). Move it away"))

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return iter(sorted(entries, key=lambda entry: entry.name))
        except OSError as error:
            raise DataError(f"{self.place}: cannot list '{shown(folder or '.')}': {reason(error)}.") from None

    def _status(self, full: Path, path: str) -> os.stat_result:
        try:
            return os.stat(full)
        except OSError as error:
            raise DataError(f"{self.place}: cannot read '{shown(path)}': {reason(error)}.") from None
