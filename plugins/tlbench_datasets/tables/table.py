"""Define a dataset of images that a table lists: what `csv:` and `parquet:` have in common.

Digest, split, order and fingerprint depend on the images' bytes and on what the rows say of them: never on the order
of the rows, the names of files or the format of the table.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tlbench import Card, Column, DataError, Dataset, Labelled, content_fingerprint, plural, some
from tlbench_datasets.card import Carded, read_card
from tlbench_datasets.files import Images, Seen, seen, tried
from tlbench_datasets.place import require_folder, require_known
from tlbench_datasets.reading import PLAIN, Depth, Reading, reading, settle
from tlbench_datasets.tables.table_checks import require_same_classes, require_whole_groups, require_whole_unions
from tlbench_datasets.tables.table_columns import NONE, Columns, choose_columns
from tlbench_datasets.tables.table_file import TableFile
from tlbench_datasets.tables.table_findings import table_findings
from tlbench_datasets.tables.table_images import MISSING, TableImages
from tlbench_datasets.tables.table_rows import (
    Rows,
    class_order,
    has_splits,
    named,
    read_rows,
    refuse_unusable,
    require_classes,
)
from tlbench_datasets.tables.table_split import Placed, placed

Name = str | int | float | bool | None  # what a user may write for a column: `parse_value` reads 2024 as a number


@dataclass(frozen=True)
class Table(Carded):
    """Describe a row per image; subclasses say how the file is read. Columns that are not named are known by usual
    names.
    """

    locator: ClassVar[str] = "path"

    path: Path
    # Columns: a name, `none` to use none, nothing to know it by its name.
    image_column: Name = field(default="", metadata={"option": "image"})  # paths, or the images themselves
    label_column: Name = field(default="", metadata={"option": "label"})
    split_column: Name = field(default="", metadata={"option": "split"})  # train, val, test
    domain_column: Name = field(default="", metadata={"option": "domain"})
    group_columns: Name | tuple[Name, ...] = field(default="", metadata={"option": "group"})  # not to be parted
    further_columns: Name | tuple[Name, ...] = field(default="", metadata={"option": "also"})  # a+b
    root: Path | None = None  # where paths in the table start; its own folder otherwise
    skip: bool = False  # leaves out rows that cannot be used
    depth: Depth = 8  # 16 keeps 16-bit values
    window: str | float | None = field(default=None, metadata={"option": "range"})  # LOW-HIGH of the values shown

    def __post_init__(self) -> None:
        """Read every name of a column as text; raise ValueError where an option lacks its value."""
        for each in fields(self):
            if each.name.endswith(("_column", "_columns")):
                object.__setattr__(self, each.name, _as_text(getattr(self, each.name), each.metadata["option"]))
        reading(self.depth, self.window)

    @abstractmethod
    def _open(self) -> TableFile:
        """Return the table; raise DataError where there is none."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the labels, sorted: whole numbers by value, texts by spelling."""
        return self._classes

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        return class_order(row.label for row in self._rows.usable)

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the values of the domain column, sorted, or `all`."""
        return self._domains

    @cached_property
    def _domains(self) -> tuple[str, ...]:
        return tuple(sorted({row.domain for row in self._rows.usable}))

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where rows say so."""
        self._require(domain, self.domains, "domain")
        return ("train", "test", *(["val"] if (domain, "val") in self._given else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images that are decoded when asked for, in an order that no row and no file's name decides."""
        part = self._part(domain, split)
        labels = _positions([example.label for example in part.examples], self.classes)
        return Labelled(Images(self._images, part.examples, self._reading), labels)

    def fingerprint(self) -> str:
        """Return a digest of images, labels, domains, splits, groups and further labels; of no name and no order."""
        asked = None if self._asked == PLAIN else (self._asked.depth, self._asked.window)
        whole = content_fingerprint(self.classes, self._placed.examples, asked)
        columns = self._columns
        if not columns.group and not columns.also:
            return whole
        digest = hashlib.sha256(repr((whole, columns.also)).encode())
        for line in sorted(
            (example.digest, example.domain, example.split, example.label, example.group, row.further)
            for example, row in self._placed
        ):
            digest.update(repr(line).encode())
        return digest.hexdigest()

    def findings(self) -> tuple[str, ...]:
        """Return sentences on columns, splits, groups, copies, conversions and rows that were left out."""
        return table_findings(self._columns, self._placed, self._seen, self._reading, self._rows, self._by_file)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each image's bytes as they are stored."""
        return [example.digest for example in self._part(domain, split).examples]

    def groups(self, domain: str, split: str) -> Sequence[str] | None:
        """Return the group of each example, the same name in every domain; groups that share an image are one."""
        part = self._part(domain, split)
        return [example.group for example in part.examples] if self._columns.group else None

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return the path of each image as it stands in the table, or its row where the image does."""
        return [example.source for example in self._part(domain, split).examples]

    def columns(self, domain: str, split: str) -> Mapping[str, Column]:
        """Return the labels of the columns that `?also` names, each with the classes that it has in all rows."""
        part, found = self._part(domain, split), {}
        for index, name in enumerate(self._columns.also):
            classes = class_order(row.further[index] for row in self._rows.usable)
            found[name] = Column(classes, _positions([row.further[index] for row in part.rows], classes))
        return found

    def _read_card(self) -> Card:
        path = self.path.expanduser()
        card = read_card(path)
        return read_card(path.parent) if card == Card() else card

    def tolerant(self) -> Dataset:
        """Return this dataset with `?skip`."""
        return self if self.skip else replace(self, skip=True)

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return the rows that are left out, with the reasons; none without `?skip`."""
        return self._rows.unusable

    @property
    def label(self) -> str:
        """Return the name shown in tables: as for every dataset, and no path of `?root` in it."""
        return super().label if self.root is None else replace(self, root=None).label

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what names this dataset in a cell's identity: no column and no path, since the fingerprint says
        more.
        """
        return {"name": self.name, "version": self.version}

    def _require(self, name: str, known: Sequence[str], what: str) -> None:
        require_known(name, known, what, self._file.place)

    @cached_property
    def _file(self) -> TableFile:
        return self._open()

    @cached_property
    def _columns(self) -> Columns:
        told = {"image": self.image_column, "label": self.label_column}
        told |= {"split": self.split_column, "domain": self.domain_column}
        several = {"group": self.group_columns, "also": self.further_columns}
        columns = choose_columns(self._file.header, told, several, self._file.place)
        guessed = dict(columns.guessed).get("split", "")
        if guessed.lower() == "fold" and not has_splits(self._file, columns):  # numbers of folds
            return columns.without("split")
        return columns

    @property
    def _by_file(self) -> bool:
        """Whether the names of the table's files say which split their rows are in."""
        return not self._columns.split and self.split_column != NONE and self._file.split_by_name

    @cached_property
    def _read(self) -> Rows:
        rows = read_rows(self._file, self._columns, self._by_file)
        if not self.skip:
            refuse_unusable(rows.unusable, self._file.place)
        return rows

    @cached_property
    def _images(self) -> TableImages:
        root = None if self.root is None else self.root.expanduser()
        if root is not None:
            require_folder(root)
        within = frozenset(row.key for row in self._read.usable if row.embedded)
        return TableImages(self._file, self._columns.image, within, root and root.resolve())

    @cached_property
    def _rows(self) -> Rows:
        """The rows that are examples: with `skip`, those whose images can be decoded."""
        rows = self._left(self._read) if self.skip else self._read
        columns, place = self._columns, self._file.place
        if not rows.usable:
            why = f" The first is left out for {rows.unusable[0][1]}." if rows.unusable else ""
            lost = next((key for key, problem in self._missing.items() if problem == MISSING), "")
            raise DataError(f"{place} has no rows that can be used.{why}{self._images.hint(lost) if lost else ''}")
        require_classes(class_order(row.label for row in rows.usable), columns.label, place)
        for index, name in enumerate(columns.also):
            require_classes(class_order(row.further[index] for row in rows.usable), name, place)
        require_same_classes(rows.usable, columns, place)
        require_whole_groups(rows.usable, columns, place)
        return rows

    @cached_property
    def _missing(self) -> Mapping[str, str]:
        """Why there is no file for an image, by its key, for those that have none."""
        keys = dict.fromkeys(row.key for row in self._read.usable)
        return {key: problem for key in keys if (problem := self._images.problem(key))}

    @cached_property
    def _tried(self) -> Mapping[str, Seen]:
        """What decoding told of each image that has a file, by its key."""
        keys = dict.fromkeys(row.key for row in self._read.usable if row.key not in self._missing)
        return tried(self._images, keys, self._asked)

    def _left(self, rows: Rows) -> Rows:
        """Return the rows whose images can be decoded, and the others with the reasons."""
        problems = {key: f"an image that {problem}" for key, problem in self._missing.items()}
        for key, told in self._tried.items():
            if told.problem:
                problems[key] = f"an image that cannot be read ({told.problem})"
        usable = tuple(row for row in rows.usable if row.key not in problems)
        left = [(named(row), problems[row.key]) for row in rows.usable if row.key in problems]
        return Rows(usable, (*rows.unusable, *left))

    @property
    def _asked(self) -> Reading:
        return reading(self.depth, self.window)

    @cached_property
    def _seen(self) -> Mapping[str, Seen]:
        """What reading told of each image, by its key."""
        keys = dict.fromkeys(row.key for row in self._rows.usable)
        if self.skip:
            return {key: self._tried[key] for key in keys}
        if self._missing:
            self._refuse_missing()
        return seen(self._images, keys, self._asked)

    def _refuse_missing(self) -> None:
        (key, why), *_ = self._missing.items()
        names = [name for name, problem in self._missing.items() if problem == why]
        which = f"{len(self._missing):,} of {plural(len(self._read.usable), 'image')} cannot be opened"
        hint = self._images.hint(key) if why == MISSING else ""
        raise DataError(f"{self._file.place}: {which}: {some(names)} ({why}).{hint} ?skip leaves such rows out.")

    @cached_property
    def _reading(self) -> Reading:
        """How all images are served."""
        return settle(self._asked, self._seen, self._file.place)

    @cached_property
    def _given(self) -> frozenset[tuple[str, str]]:
        """The splits of each domain that the rows name."""
        return frozenset((row.domain, row.split) for row in self._rows.usable)

    @cached_property
    def _placed(self) -> "Placed":
        digests = {key: told.digest for key, told in self._seen.items()}
        if self._columns.group and (self._columns.split or self._by_file):
            require_whole_unions(self._rows.usable, digests, self._columns, self._file.place)
        return placed(self._rows.usable, digests, self._columns, self._file.place)

    @cached_property
    def _parts(self) -> Mapping[tuple[str, str], "Placed"]:
        return self._placed.parts()

    def _part(self, domain: str, split: str) -> "Placed":
        self._require(split, self.splits(domain), "split")
        return self._parts[domain, split]


def _as_text(value: object, option: str) -> str | tuple[str, ...]:
    if value is True:
        raise ValueError(f"?{option} needs the name of a column: ?{option}=COLUMN.")
    if isinstance(value, tuple):
        return tuple(str(each) for each in value)
    return NONE if value is None else str(value)


def _positions(names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Return class names as positions in the classes, int64 (N,)."""
    position = {name: index for index, name in enumerate(classes)}
    return np.array([position[name] for name in names], dtype=np.int64)
