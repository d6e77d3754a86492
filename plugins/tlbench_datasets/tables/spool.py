"""A temporary file of images by name, for those within a table: read there once from end to end, then in any order."""

import os
import tempfile
import threading
import weakref
from pathlib import Path

from tlbench import DataError, default_cache_folder
from tlbench_datasets.place import reason


class Spool:
    """Bytes by name in one file, which ends with the process. Threads and forked processes may read it at a time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(dir=_folder())  # noqa: SIM115 - it lives as long as this object
        weakref.finalize(self, self._file.close)
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        self._position = threading.Lock()

    def add(self, name: str, data: bytes) -> None:
        """Append an image; raise DataError where the disk is full."""
        try:
            self._file.write(data)
        except OSError as error:
            raise DataError(
                f"cannot write images to {_folder()}: {reason(error)}. Set TLBENCH_CACHE to a folder with more room."
            ) from None
        self._places[name] = (self._end, len(data))
        self._end += len(data)

    def close(self) -> None:
        """Finish writing."""
        self._file.flush()

    def read(self, name: str) -> bytes | None:
        """Return an image, or None for one that is not here."""
        if name not in self._places:
            return None
        start, size = self._places[name]
        if hasattr(os, "pread"):  # a position of its own for each reading
            return os.pread(self._file.fileno(), size, start)
        with self._position:
            self._file.seek(start)
            return self._file.read(size)


def _folder() -> Path | None:
    """Return the cache folder, whose disk is chosen to be large; the system's own choice where it cannot be made."""
    folder = default_cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
