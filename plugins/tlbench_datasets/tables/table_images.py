"""Say where the images of a table are: at paths that stand in it, or within it."""

import os
import threading
from collections.abc import Hashable, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Any

from tlbench import DataError, shown
from tlbench_datasets.images import EXTENSIONS, MOST_BYTES
from tlbench_datasets.listing import Listing
from tlbench_datasets.place import reason
from tlbench_datasets.tables.spool import Spool
from tlbench_datasets.tables.table_file import TableFile

MISSING = "does not exist"
_MOST_TRIED = 50  # folders in which a missing image is looked for, to tell the user


class TableImages:
    """Describe the images of a table by their keys: paths, or names of rows for those within it."""

    def __init__(self, table: TableFile, image: str, embedded: frozenset[str], root: Path | None) -> None:
        self._table = table
        self._image = image
        self._embedded = embedded
        self._root = table.folder if root is None else root
        self._making = threading.Lock()
        self._spool: Spool | None = None
        self._found: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in ("_making", "_spool")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state, _making=threading.Lock(), _spool=None)

    @property
    def place(self) -> str:
        """Return how messages call the table."""
        return self._table.place

    def listing(self) -> Listing:
        """Return nothing: a table does not list what else lies beside its images."""
        return Listing(self.place, (), frozenset(), ())

    def read(self, path: str) -> bytes:
        """Return an image's bytes; raise DataError where that fails."""
        if path in self._embedded:
            return self._within(path)
        try:
            return Path(self._full(path)).read_bytes()
        except OSError as error:
            raise DataError(f"{self.place}: cannot read '{shown(path)}': {reason(error)}.") from None

    def stamp(self, path: str) -> Hashable:
        """Return what changes whenever the image's bytes may have changed."""
        if path in self._embedded:
            return self._table.stamp(path)
        full = self._full(path)
        try:
            status = os.stat(full)
        except OSError as error:
            raise DataError(f"{self.place}: cannot read '{shown(path)}': {reason(error)}.") from None
        return os.path.realpath(full), status.st_size, status.st_mtime_ns

    def problem(self, path: str) -> str:
        """Return why there is no file at a path, or nothing where there is one."""
        if path in self._embedded:
            return ""
        if "://" in path:
            return "is a web address; download the images"
        try:
            status = os.stat(self._full(path))
        except FileNotFoundError:
            return MISSING
        except (OSError, ValueError) as error:  # ValueError: a null character
            return reason(error)
        if not S_ISREG(status.st_mode):
            return "is no regular file"
        if status.st_size > MOST_BYTES:
            return f"is larger than {MOST_BYTES // 2**20} MiB"
        return ""

    def hint(self, path: str) -> str:
        """Return where a missing image lies after all, or where it was looked for."""
        folder = self._table.folder
        try:
            inside = [entry for entry in sorted(folder.iterdir()) if entry.is_dir()][:_MOST_TRIED]
        except OSError:
            inside = []
        for candidate in (folder, Path.cwd(), folder.parent, *inside):
            if candidate != self._root and self._completed(str(candidate / path)):
                return f" It lies in '{shown(str(candidate))}': add ?root={shown(str(candidate))}."
        return f" Paths start at '{shown(str(self._root))}'; ?root=FOLDER names another."

    def _full(self, path: str) -> str:
        """Return where a path leads to, be it written with backslashes or without the file's ending."""
        if path not in self._found:
            full = os.path.join(self._root, path)
            self._found[path] = self._completed(full) or full
        return self._found[path]

    def _completed(self, full: str) -> str:
        for spelled in dict.fromkeys((full, full.replace("\\", "/"))):
            if os.path.isfile(spelled):
                return spelled
            if not spelled.lower().endswith(tuple(f".{ending}" for ending in EXTENSIONS)):
                for ending in EXTENSIONS:
                    if os.path.isfile(f"{spelled}.{ending}"):
                        return f"{spelled}.{ending}"
        return ""

    def _within(self, row: str) -> bytes:
        with self._making:
            if self._spool is None:
                self._spool = self._copied()
        data = self._spool.read(row)
        if data is None:
            raise DataError(f"{self.place} has changed since it was first read. Start again.")
        return data

    def _copied(self) -> Spool:
        """Copy the images out of the table in one pass: a single one cannot be fetched without all before it."""
        spool = Spool()
        for row, data in self._table.images(self._image):
            spool.add(row, data)
        spool.close()
        return spool
