"""Define the rows of a table as examples yet without their images, and which rows cannot be used."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlbench import DataError, plural, shown, some
from tlbench_datasets.listing import is_split
from tlbench_datasets.place import near
from tlbench_datasets.tables.table_columns import Columns
from tlbench_datasets.tables.table_file import Record, TableFile

_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")
_MORE_SPLITS = {"dev": "val", "development": "val"}
SKIP = "Mend them, or leave such rows out with ?skip."


@dataclass(frozen=True, slots=True)
class Row:
    """Describe one row: what stands in it, checked."""

    name: str  # how messages call it: row 7
    key: str  # by which its image is read: a path, or the row's name where the image is in the table
    embedded: bool
    label: str
    split: str
    domain: str
    groups: tuple[str, ...]
    further: tuple[str, ...]  # the labels of the further columns

    @property
    def content(self) -> tuple[object, ...]:
        """Return what orders rows whose images are the same: everything but where they stand."""
        return (self.domain, self.split, self.label, self.groups, self.further)


@dataclass(frozen=True)
class Rows:
    """Describe the usable rows of a table, and the others with the reasons."""

    usable: tuple[Row, ...]
    unusable: tuple[tuple[str, str], ...]  # (name of the row, reason)


def read_rows(table: TableFile, columns: Columns, given: bool) -> Rows:
    """Return the rows; raise DataError where a value is none that its column may have.

    `given` tells whether records themselves say their split, by the name of the file that they are in.
    """
    asked = [columns.label, *filter(None, (columns.split, columns.domain)), *columns.group, *columns.also]
    usable: list[Row] = []
    unusable: list[tuple[str, str]] = []
    splits: dict[str, str] = {}
    place = table.place
    for record in table.records(columns.image, asked):
        if problem := _problem(record, columns.image, asked):
            unusable.append((record.name, problem))
            continue
        values = iter(_shared(record.values))
        label = next(values)
        split = _split(next(values), splits, record, columns, place) if columns.split else "train"
        domain = next(values) if columns.domain else "all"
        groups = [next(values) for _ in columns.group]
        if len(groups) > 1:
            groups = [f"{name}={value}" for name, value in zip(columns.group, groups, strict=True)]
        split = record.split if given else split
        key = record.image or ""
        usable.append(Row(record.name, key, record.embedded, label, split, domain, tuple(groups), tuple(values)))
    return Rows(tuple(usable), tuple(unusable))


def has_splits(table: TableFile, columns: Columns) -> bool:
    """Tell whether the split column holds names of splits and nothing else."""
    records = table.records(columns.image, [columns.split])
    return all(record.values[0] is None or split_of(record.values[0]) for record in records)


def split_of(text: str) -> str | None:
    """Return the split that a value stands for, or None."""
    return is_split(text) or _MORE_SPLITS.get(text.lower())


def refuse_unusable(unusable: Sequence[tuple[str, str]], place: str) -> None:
    """Raise DataError, naming rows of the first reason, where there are any."""
    if not unusable:
        return
    reason = unusable[0][1]
    names = [name for name, why in unusable if why == reason]
    verb = "has" if len(names) == 1 else "have"
    others = len(unusable) - len(names)
    more = f" {plural(others, 'row')} cannot be used for other reasons." if others else ""
    raise DataError(f"{place}: {plural(len(names), 'row')} {verb} {reason}: {some(names)}.{more} {SKIP}")


def named(row: Row) -> str:
    """Return a row's name, with its image's path where it has one."""
    return row.name if row.embedded else f"{row.name} ({row.key})"


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return distinct class names sorted: whole numbers by value, texts by spelling."""
    distinct = set(names)
    if all(name.isdecimal() for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))


def require_classes(names: Sequence[str], column: str, place: str) -> None:
    """Raise DataError where the values of a column are no classes."""
    where = f"{place}: column '{shown(column)}'"
    odd = next((name for name in names if not name.isprintable()), None)
    if odd is not None:
        raise DataError(f"{where} has the value '{shown(odd)}', which cannot be printed. Rename it.")
    if any(_is_fraction(name) for name in names) and all(_is_number(name) for name in names):
        fraction = next(name for name in names if _is_fraction(name))
        raise DataError(f"{where} holds measurements such as {fraction}, not classes. Name a column of classes.")


def _problem(record: Record, image: str, asked: Sequence[str]) -> str:
    if record.problem:
        return record.problem
    empty = [image] if record.image is None else []
    empty += [name for name, value in zip(asked, record.values, strict=True) if value is None]
    return f"no value in column '{shown(empty[0])}'" if empty else ""


def _shared(values: Iterable[str | None]) -> list[str]:
    """Return the values, equal ones as one object: a table repeats its few labels in every row."""
    return [sys.intern(value) for value in values if value is not None]


def _split(text: str, known: dict[str, str], record: Record, columns: Columns, place: str) -> str:
    if text not in known:
        split = split_of(text)
        if split is None:
            raise DataError(
                f"{place}: column '{shown(columns.split)}' has '{shown(text)}' in {record.name}, which is no split."
                f"{near(text, _SPLITS)} It may have train, val and test.{columns.out('split')}"
            )
        known[text] = split
    return known[text]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_fraction(text: str) -> bool:
    return _is_number(text) and "." in text and not text.rstrip("0").endswith(".")
