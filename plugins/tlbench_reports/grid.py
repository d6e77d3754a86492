"""Hold a table of the page by columns: what the template writes into the page, and the script draws anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROOMY = 200  # rows that stand on the page all at once
PAGE = 100  # rows shown at a time where there are more


@dataclass(frozen=True)
class Column:
    """Hold one column: its cells as text, and what to sort them by."""

    key: str
    title: str
    texts: Sequence[str]
    values: Sequence[float | None] | None = None  # numbers to sort by; None: the texts
    marks: Sequence[str] | None = None  # a class for each cell: `better`, `worse` or ""
    band: str = ""  # columns that are shown and hidden together
    is_number: bool = False  # right-aligned
    is_prose: bool = False  # may break into lines
    bars: Sequence[tuple[int, int, int] | None] | None = (
        None  # from, to and mark of an interval, in percent of the width
    )


@dataclass(frozen=True)
class Grid:
    """Hold one table. Its first column heads the rows; rows of one group stand together under its title."""

    key: str  # an id in the page
    title: str
    caption: str
    columns: tuple[Column, ...]
    group_titles: tuple[str, ...] = ()
    group_places: tuple[str, ...] = ()  # of each group: a line above the first of each place
    groups: Sequence[int] = ()  # of each row
    records: Sequence[Sequence[tuple[int, int]]] = ()  # of each row: ranges (first, after the last) of records
    sort: tuple[str, bool] | None = None  # the column that rows of a group stand by, and whether it falls
    is_filtered: bool = False  # by the choices above the tables of scores
    mark: str = ""  # a class of the whole table

    def __len__(self) -> int:
        return len(self.columns[0].texts) if self.columns else 0

    @property
    def shown(self) -> int:
        """Return how many rows the page has before its script runs."""
        return len(self) if len(self) <= ROOMY else PAGE

    @property
    def parts(self) -> list[tuple[str, str, list[int]]]:
        """Return (place, title, rows) of each group that is shown; the place where it is another than before."""
        if not self.groups:
            return [("", "", list(range(self.shown)))]
        order = sorted(range(len(self)), key=lambda i: self.groups[i])[: self.shown]
        found: dict[int, list[int]] = {}
        for i in order:
            found.setdefault(self.groups[i], []).append(i)
        places = [self.group_places[group] for group in found] if self.group_places else [""] * len(found)
        new = [place if place != last else "" for place, last in zip(places, ["", *places], strict=False)]
        return [
            (place, self.group_titles[group], rows) for place, (group, rows) in zip(new, found.items(), strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values."""
        return {
            "key": self.key,
            "title": self.title,
            "sort": list(self.sort) if self.sort else None,
            "filtered": self.is_filtered,
            "columns": [_column(column) for column in self.columns],
            "groupTitles": list(self.group_titles),
            "groupPlaces": list(self.group_places),
            "groups": list(self.groups),
            "records": [[list(each) for each in ranges] for ranges in self.records],
        }


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"key": column.key, "title": column.title, "band": column.band, "texts": list(column.texts)}
    found |= {"number": column.is_number, "prose": column.is_prose}
    if column.values is not None:
        found["values"] = list(column.values)
    if column.marks is not None and any(column.marks):
        found["marks"] = list(column.marks)
    if column.bars is not None:
        found["bars"] = list(column.bars)
    return found


def text_column(key: str, title: str, texts: Sequence[str], *, band: str = "", is_prose: bool = False) -> Column:
    """Return a column of words."""
    return Column(key, title, texts, band=band, is_prose=is_prose)


def number_column(key: str, title: str, texts: Sequence[str], values: Sequence[Any], *, band: str = "") -> Column:
    """Return a column of numbers, sorted by them; what is None or NaN sorts last."""
    return Column(key, title, texts, [_rounded(value) for value in values], band=band, is_number=True)


def _rounded(value: Any) -> float | None:
    """Return a number that JSON has, in few letters."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.9g}")
