"""Read `zip:PATH`: images in class folders within a zip archive, read in place and never unpacked to disk."""

import os
import threading
import zipfile
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from tlbench import DataError, shown
from tlbench_datasets.files import Files
from tlbench_datasets.folders.image_files import ImageFiles
from tlbench_datasets.listing import Listing, Member, is_junk
from tlbench_datasets.place import require_file
from tlbench_datasets.zipped import checked, open_zip, portable, read_member


@dataclass(frozen=True)
class Zip(ImageFiles):
    """Read a zip archive laid out like class folders, looking through one folder around everything."""

    name: ClassVar[str] = "zip"
    unwrap: ClassVar[bool] = True

    def _open(self) -> Files:
        return _ZipFiles(self.path.expanduser())


class _ZipFiles:
    """The members of one archive. Each thread of each process reads through a handle of its own.

    A handle shared with a forked process would share its position in the file, and reads would mix.
    """

    def __init__(self, path: Path) -> None:
        status = require_file(path, "zip")
        self._path = path
        self._absolute = path.resolve()  # the working folder may change later
        self._stamp = (str(self._absolute), status.st_size, status.st_mtime_ns)
        self._handles = threading.local()
        members = self._archive().infolist()
        checked(members, status.st_size, self.place)
        if members and all(member.filename.endswith(".npy") for member in members):
            raise DataError(f"{self.place} holds numpy arrays. Write npz:{shown(str(path))}.")
        self._members = {portable(member).rstrip("/"): member for member in members}

    @property
    def place(self) -> str:
        return f"zip '{shown(str(self._path))}'"

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_handles"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _handles=threading.local())

    def listing(self) -> Listing:
        members, folders, ignored = [], set(), []
        for path, member in self._members.items():
            parts = PurePosixPath(path).parts
            if any(is_junk(part) for part in parts):
                ignored += [] if member.is_dir() else [path]
            elif member.is_dir() or portable(member).endswith("/"):
                folders.add(path)
            else:
                members.append(Member(path, member.file_size))
        return Listing(self.place, tuple(members), frozenset(folders), tuple(sorted(ignored)))

    def read(self, path: str) -> bytes:
        return read_member(self._archive(), self._members[path], self.place)

    def stamp(self, path: str) -> Hashable:
        return (*self._stamp, path)

    def _archive(self) -> zipfile.ZipFile:
        if getattr(self._handles, "process", None) != os.getpid():
            self._handles.archive = open_zip(self._absolute, self.place)
            self._handles.process = os.getpid()
        archive: zipfile.ZipFile = self._handles.archive
        return archive
