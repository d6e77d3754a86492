"""Define a dataset of image files, wherever they lie: what `folder:` and `zip:` have in common.

Every file is read once per process, to take its digest and look at its header, and again when it is decoded.
With `skip` it is decoded then as well, so that what would fail later is left out from the start.
Digest, split, order and fingerprint depend on the files' bytes and on the names of classes and domains alone.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from tlbench import (
    TEST_SHARE,
    Content,
    DataError,
    Labelled,
    by_domain_and_split,
    content_fingerprint,
    plural,
    shown,
    some,
    sorted_by_content,
    with_test_split,
)
from tlbench_datasets.card import Carded
from tlbench_datasets.files import Files, Images, Seen, conversions, seen, tried
from tlbench_datasets.folders.class_checks import unfit
from tlbench_datasets.folders.layout import Layout, arrange
from tlbench_datasets.listing import Listing, Member
from tlbench_datasets.place import require_known
from tlbench_datasets.reading import PLAIN, Depth, Reading, reading, settle
from tlbench_datasets.remarks import remarks


@dataclass(frozen=True)
class ImageFiles(Carded):
    """Hold image files in class folders; subclasses say where those lie."""

    locator: ClassVar[str] = "path"
    unwrap: ClassVar[bool] = False  # whether one folder around everything is looked through

    path: Path
    by_domain: bool = field(default=False, metadata={"option": "domains"})  # the folders on top are domains
    nested: bool = False  # every folder that holds images is a class, named by its path
    skip: bool = False  # what is no image, or a damaged one, is left out rather than refused
    depth: Depth = 8  # 16: 16-bit images at full precision
    window: str | float | None = field(default=None, metadata={"option": "range"})  # LOW-HIGH of values for 0..255

    def __post_init__(self) -> None:
        """Refuse a range that is none with ValueError."""
        reading(self.depth, self.window)

    @abstractmethod
    def _open(self) -> Files:
        """Return the files; raise DataError where there are none."""

    @cached_property
    def _files(self) -> Files:
        return self._open()

    @cached_property
    def _listing(self) -> Listing:
        listing = self._files.listing()
        if listing.unreadable and not self.skip:
            path, why = listing.unreadable[0]
            raise DataError(f"{listing.place}: '{shown(path)}' {why}, or add ?skip to leave it out.")
        return listing

    @cached_property
    def _layout(self) -> Layout:
        return self._arranged(self._left_out if self.skip else None)

    def _arranged(self, without: Mapping[str, str] | None) -> Layout:
        return arrange(self._listing, self.by_domain, self.nested, self.unwrap, without)

    @cached_property
    def _left_out(self) -> Mapping[str, str]:
        """What is no image or cannot be decoded, wherever it lies, with the reason of each."""
        unlike = {member.path: why for member in self._listing.members if (why := unfit(member))}
        placed = [member.path for *_, member in _placed(self._arranged(unlike))]
        broken = {path: file.problem for path, file in tried(self._files, placed, self._asked).items() if file.problem}
        return unlike | broken

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the class folders, sorted."""
        return self._layout.classes

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the names of the domain folders, sorted, or `all`."""
        return tuple(self._layout.domains)

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where there is a folder for it."""
        self._require(domain, self.domains, "domain")
        return ("train", "test", *(["val"] if "val" in self._layout.domains[domain] else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images that are decoded when asked for, in an order that depends on their bytes alone."""
        self._require(split, self.splits(domain), "split")
        examples = self._parts[domain, split]
        position = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([position[example.label] for example in examples], dtype=np.int64)
        return Labelled(Images(self._files, examples, self._reading), labels)

    def fingerprint(self) -> str:
        """Return a digest of domains, splits, classes and files' bytes; names and places of files are not in it."""
        asked = None if self._asked == PLAIN else (self._asked.depth, self._asked.window)
        return content_fingerprint(self.classes, self._examples, asked)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each example's file, in the order of `load`."""
        self._require(split, self.splits(domain), "split")
        return [example.digest for example in self._parts[domain, split]]

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return each example's path within the data, in the order of `load`."""
        self._require(split, self.splits(domain), "split")
        return [example.source for example in self._parts[domain, split]]

    def tolerant(self) -> "ImageFiles":
        """Return this dataset with what cannot be read left out."""
        return self if self.skip else replace(self, skip=True)

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return what is left out, hidden, or beside the class folders, each with the reason."""
        layout = self._layout
        return (
            *[(path, self._left_out[path]) for path in layout.left_out],
            *[(path, why.partition(".")[0]) for path, why in self._listing.unreadable],
            *[(path, "hidden or written by a file manager") for path in self._listing.ignored],
            *[(path, "beside the class folders") for path in layout.beside],
        )

    def findings(self) -> tuple[str, ...]:
        """Return sentences on splits, copies, conversions and what was passed over."""
        return (
            *(*self._split_remarks(), *remarks(self._examples), *conversions(self._seen, self._reading)),
            *(*self._omissions(), *self._layout.remarks),
        )

    def _require(self, name: str, known: Sequence[str], what: str) -> None:
        require_known(name, known, what, self._files.place)

    @property
    def _asked(self) -> Reading:
        return reading(self.depth, self.window)

    @cached_property
    def _reading(self) -> Reading:
        return settle(self._asked, self._seen, self._files.place)

    @cached_property
    def _seen(self) -> Mapping[str, Seen]:
        look = tried if self.skip else seen
        return look(self._files, [member.path for *_, member in _placed(self._layout)], self._asked)

    @cached_property
    def _examples(self) -> list[Content]:
        """Every example, in the order of its content, each in its final split."""
        examples = sorted_by_content(
            Content(self._seen[member.path].digest, domain, split, label, member.path)
            for domain, split, label, member in _placed(self._layout)
        )
        return with_test_split(examples, self._files.place)

    @cached_property
    def _parts(self) -> Mapping[tuple[str, str], list[Content]]:
        return by_domain_and_split(self._examples)

    def _split_remarks(self) -> list[str]:
        share = f"{TEST_SHARE:.0%} of each class"
        without = [splits for splits in self._layout.domains.values() if "test" not in splits]
        if not without:
            return []
        if any("val" in splits for splits in without):
            return [f"No test folder: {share} of train, chosen by content, is the test split; val stays validation."]
        return [f"No test folder: {share}, chosen by content, is the test split."]

    def _omissions(self) -> list[str]:
        left_out = [*self._layout.left_out, *[path for path, _ in self._listing.unreadable]]
        return [f"Left out: {plural(len(left_out), 'file')} ({some(sorted(left_out))})."] if left_out else []


def _placed(layout: Layout) -> Iterator[tuple[str, str, str, Member]]:
    """Yield domain, split, class and file of everything that is to be an example."""
    for domain, splits in layout.domains.items():
        for split, classes in splits.items():
            for label, members in classes.items():
                for member in members:
                    yield domain, split, label, member
