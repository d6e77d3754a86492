"""Open zip archives from strangers: checked before anything is unpacked, and every failure one DataError."""

import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tlbench import DataError, shown
from tlbench_datasets.listing import MOST_DEEP
from tlbench_datasets.place import reason

_BOMB_BYTES = 2**30  # up to here a strong compression is no concern
_BOMB_RATIO = 200  # images and arrays shrink far less; deflate's most is about 1,030
_FAILURES = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)


def open_zip(path: Path, place: str) -> zipfile.ZipFile:
    """Return the archive opened for reading; raise DataError where it is none, or damaged at its end."""
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise DataError(
            f"{place} is not a zip archive, or cut off. Check it with `unzip -t`, or copy it again."
        ) from None
    except _FAILURES as error:
        raise DataError(f"{place} cannot be opened: {reason(error)}.") from None


def checked(members: Sequence[zipfile.ZipInfo], size: int, place: str) -> None:
    """Raise DataError for an archive of `size` bytes that is encrypted, hostile or claims an absurd size."""
    total = sum(member.file_size for member in members)
    if total > _BOMB_BYTES and total > _BOMB_RATIO * size:
        raise DataError(
            f"{place} claims to hold {total / 2**30:,.0f} GiB in a file of {size / 2**20:,.1f} MiB. "
            "This looks like a zip bomb; unpack it yourself if you trust it."
        )
    seen = set()
    for member in members:
        name = portable(member)
        where = f"{place}: member '{shown(member.filename)}'"
        if member.flag_bits & 0x1:
            raise DataError(f"{where} is encrypted. Unpack the archive and pack it again without a password.")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or name[1:2] == ":":
            raise DataError(f"{where} points outside of the archive. Pack it again with relative paths.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{where} is a symbolic link. Pack the archive again with the files themselves.")
        if len(PurePosixPath(name).parts) > MOST_DEEP:
            raise DataError(f"{where} lies more than {MOST_DEEP} folders deep. Flatten it.")
        if name in seen and not name.endswith("/"):
            raise DataError(f"{where} is there twice. Pack the archive again.")
        seen.add(name)


def portable(member: zipfile.ZipInfo) -> str:
    """Return a member's path with forward slashes, which some Windows programs do not write."""
    return member.filename.replace("\\", "/")


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> bytes:
    """Return a member's bytes; raise DataError where it is damaged or packed in an unknown way."""
    try:
        return archive.read(member)
    except _FAILURES as error:
        raise DataError(
            f"{place}: member '{shown(member.filename)}' cannot be unpacked: {reason(error)}. Copy the archive again."
        ) from None
