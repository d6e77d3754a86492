"""Read `csv:PATH`: a table of images as text, one row each; comma, semicolon or tab between the cells."""

import csv
import gzip
import io
import zlib
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, ClassVar

from tlbench import DataError, shown
from tlbench_datasets.place import reason, require_file
from tlbench_datasets.tables.base64_cell import embedded_bytes, is_embedded
from tlbench_datasets.tables.table import Table
from tlbench_datasets.tables.table_file import Record, TableFile, tidy

_DELIMITERS = ",;\t"
_LONGEST_CELL = 2**29  # characters: an image of 256 MiB in base64, with room
_LOOKED_AT = 50  # rows that decide between two delimiters
_OTHERS = {
    b"PK\x03\x04": "an Excel file or a zip archive",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
}


@dataclass(frozen=True)
class Csv(Table):
    """Read a CSV file with a row per image: a path (or base64), a label and, where wanted, split, domain and group.

    The first row names the columns. Comma, semicolon and tab are told apart, and .csv.gz is read in place.
    """

    name: ClassVar[str] = "csv"

    def _open(self) -> TableFile:
        return _CsvFile(self.path.expanduser())


class _CsvFile:
    """One file of text, read from its beginning each time; rows are numbered as in a spreadsheet, the header is 1."""

    def __init__(self, path: Path) -> None:
        status = require_file(path, "csv")
        self._path = path
        self._absolute = path.resolve()  # the working folder may change later
        self._stamp = (str(self._absolute), status.st_size, status.st_mtime_ns)
        self._refuse_others()

    @property
    def place(self) -> str:
        return f"csv '{shown(str(self._path))}'"

    @property
    def folder(self) -> Path:
        return self._absolute.parent

    @cached_property
    def header(self) -> tuple[str, ...]:
        with self._rows() as rows:
            header = next(rows, None)
        if header is None:
            raise DataError(f"{self.place} is empty. Its first row must name the columns, such as file,label.")
        return tuple(tidy(name) or "" for name in header[1])

    @property
    def split_by_name(self) -> bool:
        return False

    def records(self, image: str, columns: Sequence[str]) -> Iterator[Record]:
        width, at = len(self.header), self.header.index(image)
        places = [self.header.index(column) for column in columns]
        with self._rows() as rows:
            next(rows, None)
            for number, cells in rows:
                name = f"row {number}"
                if len(cells) != width:
                    problem = f"{len(cells)} cells where the header has {width}"
                    yield Record(name, None, False, (None,) * len(places), problem)
                    continue
                cell = cells[at].strip()
                embedded = is_embedded(cell)
                values = tuple(tidy(cells[place]) for place in places)
                yield Record(name, name if embedded else cell or None, embedded, values)

    def images(self, image: str) -> Iterator[tuple[str, bytes]]:
        at = self.header.index(image)
        with self._rows() as rows:
            next(rows, None)
            for number, cells in rows:
                if len(cells) == len(self.header) and is_embedded(cell := cells[at].strip()):
                    yield f"row {number}", embedded_bytes(cell)

    def stamp(self, row: str) -> Hashable:
        return (*self._stamp, row)

    @contextmanager
    def _rows(self) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Give an iterator over numbered rows, blank ones left out; whatever goes wrong on the way is a DataError."""
        with self._text() as text:
            yield self._numbered(csv.reader(text, delimiter=self._delimiter, strict=True))

    def _numbered(self, rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
        if csv.field_size_limit() < _LONGEST_CELL:  # the module's own limit is too low for an image in base64
            csv.field_size_limit(_LONGEST_CELL)
        number = 0
        while True:
            try:
                cells = next(rows, None)
            except UnicodeDecodeError as error:
                wrong = error.object[error.start]
                raise DataError(
                    f"{self.place} is not UTF-8: byte 0x{wrong:02x} after row {number}. "
                    "Save it again as UTF-8 (in Excel: 'CSV UTF-8')."
                ) from None
            except csv.Error as error:
                raise DataError(f"{self.place}: row {number + 1} cannot be read: {reason(error)}.") from None
            except (OSError, EOFError, zlib.error) as error:
                raise DataError(f"{self.place} cannot be read after row {number}: {reason(error)}.") from None
            if cells is None:
                return
            number += 1
            if any(cell.strip() for cell in cells):
                yield number, cells

    @cached_property
    def _delimiter(self) -> str:
        """The delimiter that makes the most columns of the header; of two as good, the one that all rows agree on."""
        counts = {}
        for delimiter in _DELIMITERS:
            with self._text() as text:
                rows = self._numbered(csv.reader(text, delimiter=delimiter))
                widths = [len(cells) for _, (_, cells) in zip(range(_LOOKED_AT), rows, strict=False)]
            counts[delimiter] = (widths[0] > 1 and len(set(widths)) == 1, widths[0]) if widths else (False, 0)
        return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        try:
            raw = self._absolute.open("rb")
        except OSError as error:
            raise DataError(f"{self.place} cannot be opened: {reason(error)}.") from None
        with raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with io.TextIOWrapper(gzip.GzipFile(fileobj=raw) if packed else raw, "utf-8-sig", newline="") as text:
                yield text

    def _refuse_others(self) -> None:
        try:
            with self._absolute.open("rb") as file:
                begins = file.read(4)
        except OSError as error:
            raise DataError(f"{self.place} cannot be opened: {reason(error)}.") from None
        if begins in _OTHERS:
            instead = f"Write parquet:{shown(str(self._path))}" if begins == b"PAR1" else "Save the table as CSV UTF-8"
            raise DataError(f"{self.place} is {_OTHERS[begins]}, not text. {instead}.")
        if begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{self.place} is UTF-16. Save it again as UTF-8 (in Excel: 'CSV UTF-8').")
