"""Make a plain tar of a compressed one, once, in the dataset's folder of the cache."""

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from filelock import FileLock

from tlbench import DataError
from tlbench_datasets.place import reason

_OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
_MENDS = {
    "zstd": "Unpack it with `zstd -d`, and name the .tar.",
    "zip": "Write zip:PATH.",
    "7z": "Unpack it and write folder:PATH.",
    "rar": "Unpack it and write folder:PATH.",
}
_BOMB_BYTES = 2**30  # up to here a strong compression is no concern
_BOMB_RATIO = 200  # images shrink far less
_CHUNK = 2**22


def unpacked(path: Path, kind: str, folder: Path, place: str) -> Path:
    """Return the plain tar of an archive compressed as `kind`, made in `folder` unless it is there.

    Its name is the SHA-256 of the compressed bytes, so that a changed archive is unpacked again. Raises DataError for a
    bomb, a damaged archive, a full disk, and what is no compressed tar.
    """
    if kind not in _OPENERS:
        raise DataError(f"{place} is a {kind} file, which tar: does not read. {_MENDS[kind]}")
    target = folder / f"{_sha256(path, place)}.tar"
    if target.exists():
        return target
    with FileLock(target.with_suffix(".lock")):
        if not target.exists():  # no other worker was faster
            _unpack(path, kind, target, place)
    return target


def _unpack(path: Path, kind: str, target: Path, place: str) -> None:
    for leftover in target.parent.glob(f".*-{target.name}"):  # of a killed process: we hold the lock
        leftover.unlink(missing_ok=True)
    temporary = target.with_name(f".{os.getpid()}-{target.name}")
    most = max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size)
    try:
        with temporary.open("wb") as into:
            _copy(path, kind, into, most, place)
        os.replace(temporary, target)
    except OSError as error:
        raise DataError(f"{place} cannot be unpacked into {target.parent}: {reason(error)}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _copy(path: Path, kind: str, into: IO[bytes], most: int, place: str) -> None:
    written = 0
    with _OPENERS[kind](path) as packed:
        while chunk := _read(packed, place):
            written += len(chunk)
            if written > most:
                raise DataError(
                    f"{place} unpacks to more than {most / 2**30:,.1f} GiB. This looks like a bomb; unpack it yourself "
                    "if you trust it."
                )
            into.write(chunk)


def _read(packed: IO[bytes], place: str) -> bytes:
    try:
        return packed.read(_CHUNK)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{place} is damaged or cut off ({reason(error)}). Copy it again.") from None


def _sha256(path: Path, place: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{place} cannot be read: {reason(error)}.") from None
