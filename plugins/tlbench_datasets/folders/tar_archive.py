"""Read `tar:PATH`: images in class folders within a tar archive, read in place; a compressed one is made plain
first.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

from tlbench import DataError, shown
from tlbench_datasets.files import Files
from tlbench_datasets.folders.image_files import ImageFiles
from tlbench_datasets.folders.tar_unpacking import unpacked
from tlbench_datasets.listing import Listing, Member, is_junk
from tlbench_datasets.place import require_file
from tlbench_datasets.tarred import packing, read_member, tar_index


@dataclass(frozen=True)
class Tar(ImageFiles):
    """Read a tar archive (.tar, .tar.gz, .tar.bz2, .tar.xz) of class folders, laid out as in a zip archive.

    No member is ever written to disk under its own name.
    """

    name: ClassVar[str] = "tar"
    unwrap: ClassVar[bool] = True

    def prepare(self, folder: Path) -> None:
        """Unpack a compressed archive into `folder`, as one plain tar; leave a plain one where it is."""
        path = self._found()
        if kind := packing(path, self._place):
            unpacked(path, kind, folder, self._place)

    def tolerant(self) -> "Tar":
        """Return this dataset with what cannot be read left out, with the same folder of unpacked archives."""
        tolerant = self if self.skip else replace(self, skip=True)
        object.__setattr__(tolerant, "folder", self.folder)
        return tolerant

    @property
    def _place(self) -> str:
        return f"tar '{shown(str(self.path.expanduser()))}'"

    def _found(self) -> Path:
        path = self.path.expanduser()
        require_file(path, "tar")
        return path.resolve()  # the working folder may change later

    def _open(self) -> Files:
        path = self._found()
        if kind := packing(path, self._place):
            if self.folder is None:
                raise DataError(f"{self._place} is compressed. Call prepare(FOLDER), or unpack it with `tar -x`.")
            path = unpacked(path, kind, self.folder, self._place)
        return _TarFiles(path, self._place)


class _TarFiles:
    """The members of one plain tar. Each reading opens the file anew: threads and forked processes share nothing."""

    def __init__(self, path: Path, place: str) -> None:
        self._path = path
        self._place = place
        status = path.stat()
        self._stamp = (str(path), status.st_size, status.st_mtime_ns)
        self._index = tar_index(path, place)
        if any(name.endswith(".cls") for name in self._index.members):
            raise DataError(f"{place} holds samples of a WebDataset. Write webdataset:PATH.")

    @property
    def place(self) -> str:
        return self._place

    def listing(self) -> Listing:
        ignored = sorted(path for path in self._index.members if _is_junk(path))
        members = [Member(path, member.size) for path, member in self._index.members.items() if not _is_junk(path)]
        folders = frozenset(path for path in self._index.folders if not _is_junk(path))
        return Listing(self._place, tuple(members), folders, tuple(ignored))

    def read(self, path: str) -> bytes:
        return read_member(self._path, self._index.members[path], path, self._place)

    def stamp(self, path: str) -> Hashable:
        return (*self._stamp, path)


def _is_junk(path: str) -> bool:
    return any(is_junk(part) for part in PurePosixPath(path).parts)
