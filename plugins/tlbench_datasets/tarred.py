"""Index tar archives from strangers: where each member's bytes lie, checked before anything is read."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tlbench import DataError, shown
from tlbench_datasets.listing import MOST_DEEP
from tlbench_datasets.place import reason

_BLOCK = tarfile.BLOCKSIZE
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}
_OTHERS = {  # how the files that are named .tar by mistake begin
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
}


@dataclass(frozen=True, slots=True)
class TarMember:
    """Describe a regular file in a tar: its bytes are `size` bytes from `offset` on."""

    offset: int
    size: int


@dataclass(frozen=True)
class TarIndex:
    """Hold what lies in a tar, by path with forward slashes and without a leading `./`."""

    members: dict[str, TarMember]
    folders: frozenset[str]


def packing(path: Path, place: str) -> str:
    """Return `gzip`, `bzip2`, `xz`, `zstd`, `zip`, `7z` or `rar` by a file's first bytes, or `` for anything else."""
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError as error:
        raise DataError(f"{place} cannot be opened: {reason(error)}.") from None
    return next((kind for magic, kind in _OTHERS.items() if start.startswith(magic)), "")


def tar_index(path: Path, place: str) -> TarIndex:
    """Return what an uncompressed tar holds; raise DataError where it is none, cut off, hostile or ambiguous.

    Python's tarfile ends without a word at a damaged header or a missing end, so both are looked for here: a
    benchmark must not go on with the half of an archive that arrived.
    """
    members: dict[str, TarMember] = {}
    folders: set[str] = set()
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            length = file.seek(0, 2)
            for member in _members(archive, place):
                name = _inner_path(member, place)
                if member.isdir():
                    folders.add(name)
                    continue
                if member.offset_data + member.size > length:
                    raise DataError(f"{place} is cut off within '{shown(name)}'. Copy it again.")
                if name in members:
                    raise DataError(f"{place}: member '{shown(name)}' is there twice. Pack the archive again.")
                members[name] = TarMember(member.offset_data, member.size)
            _require_end(file.seek(archive.offset), file, place)
    except tarfile.TarError as error:
        said = reason(error)
        kind = "is cut off" if "unexpected end" in said else f"is not a tar archive, or damaged ({said})"
        raise DataError(f"{place} {kind}. Copy it again.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{place} cannot be read: {reason(error)}.") from None
    return TarIndex(members, frozenset(folders - {"."}))


def read_member(archive: Path, member: TarMember, path: str, place: str) -> bytes:
    """Return a member's bytes; raise DataError where the archive is gone or has become shorter."""
    try:
        with archive.open("rb") as file:
            file.seek(member.offset)
            data = file.read(member.size)
    except OSError as error:
        raise DataError(f"{place}: cannot read '{shown(path)}': {reason(error)}.") from None
    if len(data) < member.size:
        raise DataError(f"{place} has become shorter: '{shown(path)}' is cut off. Copy it again.")
    return data


def _members(archive: tarfile.TarFile, place: str) -> Iterator[tarfile.TarInfo]:
    before = -1
    while (member := archive.next()) is not None:
        if member.size < 0 or member.offset <= before:  # a negative size would lead back to where we were
            raise DataError(f"{place}: member '{shown(member.name)}' has an impossible size. Copy the archive again.")
        before = member.offset
        archive.members = []  # we keep our own list; tarfile's would hold every header
        yield member


def _inner_path(member: tarfile.TarInfo, place: str) -> str:
    """Return a member's path; raise DataError where it leaves the archive or is no plain file or folder."""
    where = f"{place}: member '{shown(member.name)}'"
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or member.name[1:2] == ":" or "\0" in member.name:
        raise DataError(f"{where} points outside of the archive. Pack it again with relative paths.")
    if member.type in _KINDS:
        raise DataError(f"{where} is {_KINDS[member.type]}. Pack again with the files themselves (`tar -h`).")
    if member.issparse() or not (member.isreg() or member.isdir()):
        raise DataError(f"{where} is no plain file. Pack the archive again, with plain `tar -cf`.")
    if len(path.parts) > MOST_DEEP:
        raise DataError(f"{where} lies more than {MOST_DEEP} folders deep. Flatten it.")
    return str(path)


def _require_end(start: int, file: IO[bytes], place: str) -> None:
    """Raise DataError unless there is an end mark after the last member, and nothing but zeros after it."""
    block = file.read(_BLOCK)
    if len(block) < _BLOCK:
        raise DataError(f"{place} ends at byte {start:,} without tar's end mark: it is cut off. Copy it again.")
    if block.strip(b"\0"):
        raise DataError(f"{place} is damaged at byte {start:,}: what follows is no tar header. Copy it again.")
    while chunk := file.read(2**20):
        if chunk.strip(b"\0"):
            raise DataError(
                f"{place} goes on after its end mark, as archives do that were joined. Unpack it with `tar -xif` and "
                "pack it again."
            )
