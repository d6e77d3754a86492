"""Read `webdataset:PATH`: images with their labels in shards, tars of samples as the WebDataset library writes them.

A sample is the files of one tar that share a name up to the first dot: `000123.jpg`, `000123.cls`, `000123.json`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from tlbench import (
    TEST_SHARE,
    Card,
    Content,
    DataError,
    Labelled,
    content_fingerprint,
    shown,
    some,
    sorted_by_content,
    with_test_split,
)
from tlbench_datasets.card import Carded, read_card
from tlbench_datasets.files import Images, Seen, conversions, seen, tried
from tlbench_datasets.place import require_known
from tlbench_datasets.reading import PLAIN, Depth, Reading, reading, settle
from tlbench_datasets.remarks import remarks
from tlbench_datasets.shards.samples import Shards
from tlbench_datasets.shards.shard_classes import ClassNames, class_names, ordered
from tlbench_datasets.shards.shard_paths import ShardPath, shard_paths
from tlbench_datasets.shards.shard_rows import Row, Told, require_complete, rows_of


@dataclass(frozen=True)
class WebDataset(Carded):
    """Read WebDataset shards: one .tar, a folder of them, or a pattern such as `train-{000000..000003}.tar`.

    Classes are read from `.cls` or a field of `.json`; whole numbers are named by a `classes.txt` beside the shards.
    """

    name: ClassVar[str] = "webdataset"
    locator: ClassVar[str] = "path"
    class_order: ClassVar[Literal["sorted", "fixed"]] = "fixed"  # as the classes file says, or numbers by value

    path: Path
    image: str = ""  # extension of the images, where samples hold several
    label_in: str = field(default="", metadata={"option": "label"})  # extension, or field of .json
    classes_file: Path | None = field(default=None, metadata={"option": "classes"})  # one name per line, or .json
    group_in: str = field(default="", metadata={"option": "group"})  # field: what must not be parted
    domain_in: str = field(default="", metadata={"option": "domain"})  # field
    split_in: str = field(default="", metadata={"option": "split"})  # field; else the shards' names
    skip: bool = False  # leave out what cannot be read
    depth: Depth = 8
    window: str | float | None = field(default=None, metadata={"option": "range"})  # LOW-HIGH of values for 0..255

    def __post_init__(self) -> None:
        """Refuse a range that is none with ValueError."""
        reading(self.depth, self.window)

    @property
    def _place(self) -> str:
        return f"webdataset '{shown(str(self.path.expanduser()))}'"

    @cached_property
    def _located(self) -> tuple[Path, list[ShardPath]]:
        return shard_paths(self.path, self._place)

    @cached_property
    def _shards(self) -> Shards:
        shards = Shards(self._place, self._located[1])
        shards.index(self.skip)
        if not shards.samples:
            broken = f" Shards that cannot be read: {len(shards.broken):,}." if shards.broken else ""
            raise DataError(f"{self._place} holds no samples, files such as 000123.jpg with 000123.cls.{broken}")
        return shards

    @cached_property
    def _names(self) -> ClassNames | None:
        return class_names(self.classes_file, self._located[0], self._place)

    @cached_property
    def _told(self) -> tuple[list[Row], list[tuple[str, str]]]:
        told = Told(self.image, self.label_in, self.group_in, self.domain_in, self.split_in)
        return rows_of(self._shards, told, self._names, self.skip)

    @property
    def _asked(self) -> Reading:
        return reading(self.depth, self.window)

    @cached_property
    def _seen(self) -> Mapping[str, Seen]:
        look = tried if self.skip else seen
        return look(self._shards, [row.source for row in self._told[0]], self._asked)

    @cached_property
    def _rows(self) -> list[Row]:
        """The samples whose images can be read."""
        rows = [row for row in self._told[0] if not self._seen[row.source].problem]
        require_complete(rows, self._place)
        return rows

    @property
    def _used(self) -> Mapping[str, Seen]:
        return {row.source: self._seen[row.source] for row in self._rows}

    @cached_property
    def _reading(self) -> Reading:
        return settle(self._asked, self._used, self._place)

    @cached_property
    def _undivided(self) -> set[str]:
        """The domains without a test split of their own."""
        return set(self.domains) - {row.domain for row in self._rows if row.split == "test"}

    @cached_property
    def _examples(self) -> list[Content]:
        """Every example, in the order of its content, each in its final split."""
        examples = sorted_by_content(
            Content(self._seen[row.source].digest, row.domain, row.split, row.label, row.source, group=row.group)
            for row in self._rows
        )
        return with_test_split(examples, self._place, groups_everywhere=True)

    def _part(self, domain: str, split: str) -> list[Content]:
        self._require(split, self.splits(domain), "split")
        return [example for example in self._examples if (example.domain, example.split) == (domain, split)]

    def _require(self, name: str, known: Sequence[str], what: str) -> None:
        require_known(name, known, what, self._place)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that occur: as the classes file orders them, or numbers by value, or texts by spelling."""
        return ordered((row.label for row in self._rows), self._names)

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Return the values of the domain field, sorted, or `all`."""
        return tuple(sorted({row.domain for row in self._rows}))

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where there are shards or samples of it."""
        self._require(domain, self.domains, "domain")
        has_val = any((row.domain, row.split) == (domain, "val") for row in self._rows)
        return ("train", "test", *(["val"] if has_val else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images that are decoded when asked for, in an order that depends on their bytes alone."""
        examples = self._part(domain, split)
        position = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([position[example.label] for example in examples], dtype=np.int64)
        return Labelled(Images(self._shards, examples, self._reading), labels)

    def fingerprint(self) -> str:
        """Return a digest of domains, splits, classes and images' bytes; names and shards are not in it."""
        asked = None if self._asked == PLAIN else (self._asked.depth, self._asked.window)
        return content_fingerprint(self.classes, self._examples, asked)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each image's bytes."""
        return [example.digest for example in self._part(domain, split)]

    def groups(self, domain: str, split: str) -> Sequence[str] | None:
        """Return the group of each sample, where a field says it."""
        examples = self._part(domain, split)
        return [example.group for example in examples] if self.group_in else None

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return each image as `shard: key.extension`."""
        return [example.source for example in self._part(domain, split)]

    def _read_card(self) -> Card:
        return read_card(self._located[0])

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what names this dataset in a cell's identity; the classes file is no part of it, since the
        fingerprint is.
        """
        named = dict(super().identity)
        parameters = {key: value for key, value in named.pop("parameters", {}).items() if key != "classes"}
        return {**named, **({"parameters": parameters} if parameters else {})}

    def tolerant(self) -> "WebDataset":
        """Return this dataset with shards, samples and images that cannot be read left out."""
        return replace(self, skip=True)

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return what is left out, and files that belong to no sample, with the reasons."""
        unread = [(row.source, self._seen[row.source].problem) for row in self._told[0]]
        return [
            *self._shards.broken,
            *self._told[1],
            *(pair for pair in unread if pair[1]),
            *((name, "belongs to no sample") for name in self._shards.ignored),
        ]

    def findings(self) -> tuple[str, ...]:
        """Return sentences on the split, copies, conversions and what was passed over."""
        return (
            *self._split_remarks(),
            *remarks(self._examples),
            *conversions(self._used, self._reading),
            *self._left_out(),
        )

    def _split_remarks(self) -> list[str]:
        sentences = []
        if self._undivided:
            whole = ", groups kept whole" if self.group_in else ""
            some_domains = "" if len(self._undivided) == len(self.domains) else f" in {some(sorted(self._undivided))}"
            sentences.append(
                f"No test samples{some_domains}: {TEST_SHARE:.0%} of each class, chosen by content{whole}, is the test "
                "split."
            )
        sides: dict[tuple[str, str], set[str]] = defaultdict(set)
        for example in self._examples:
            if self.group_in:
                sides[example.domain, example.group].add(example.split)
        torn = sorted({group for (_, group), splits in sides.items() if len(splits) > 1})
        if torn:
            sentences.append(f"Groups with samples in several splits: {len(torn):,} ({some(torn)}).")
        return sentences

    def _left_out(self) -> list[str]:
        sentences = []
        if self._names is not None and (unused := [name for name in self._names.names if name not in self.classes]):
            sentences.append(
                f"Classes of {self._names.file} without a sample left out: {len(unused):,} ({some(unused)})."
            )
        reasons = Counter(reason for _, reason in self.passed_over())
        if reasons:
            names = [name for name, _ in self.passed_over()]
            sentences.append(f"Left out or ignored: {reasons.total():,} ({some(names)}).")
        return sentences
