"""What a file with a table gives, whatever its format: the names of its columns, rows, and images within rows."""

import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file."""

    name: str  # how messages call it: row 7
    image: str | None  # a path; the row's name where the image itself is in the table; None where there is none
    embedded: bool
    values: tuple[str | None, ...]  # of the columns that were asked for; None where nothing stands there
    problem: str = ""  # what is wrong with the row as such
    split: str = ""  # as the name of the file says that it is in, where that is known of all


class TableFile(Protocol):
    """A table on this machine."""

    @property
    def place(self) -> str:
        """How messages call it: csv 'labels.csv'."""

    @property
    def folder(self) -> Path:
        """Where paths within the table start."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns; empty for one without."""

    @property
    def split_by_name(self) -> bool:
        """Whether the names of the files that the table is made of say which split their rows are in."""

    def records(self, image: str, columns: Sequence[str]) -> Iterator[Record]:
        """Yield the rows with their values in these columns as texts; raise DataError where that cannot be."""

    def images(self, image: str) -> Iterator[tuple[str, bytes]]:
        """Yield the images that are in the table itself, by the names of their rows."""

    def stamp(self, row: str) -> Hashable:
        """Return what changes whenever the image within a row may have changed."""


def tidy(text: str) -> str | None:
    """Return a value in one spelling: no spaces around it, accents composed; None for nothing."""
    return unicodedata.normalize("NFC", text.strip()) or None
