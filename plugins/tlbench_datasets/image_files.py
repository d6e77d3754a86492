"""A dataset of image files, wherever they lie: what `folder:` and `zip:` have in common.

Every file is read once per process, to take its digest and look at its header, and again when it is decoded.
Digest, split, order and fingerprint depend on the files' bytes and on the names of classes and domains alone.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from tlbench import DataError, Dataset, Labelled
from tlbench.names import plural
from tlbench_datasets.content_split import TEST_SHARE, divided
from tlbench_datasets.examples import Example, by_content, fingerprint, remarks
from tlbench_datasets.files import Files, Images, Seen, seen
from tlbench_datasets.images import CONVERSIONS
from tlbench_datasets.layout import Layout, arrange
from tlbench_datasets.listing import Listing, Member
from tlbench_datasets.wording import near, some


@dataclass(frozen=True)
class ImageFiles(Dataset):
    """Image files in class folders; subclasses say where those lie."""

    locator: ClassVar[str] = "path"
    license: ClassVar[str] = "as stated by the data's owner"
    citation: ClassVar[str] = "as stated by the data's owner"
    unwrap: ClassVar[bool] = False  # whether one folder around everything is looked through

    path: Path
    by_domain: bool = field(default=False, metadata={"option": "domains"})  # the folders on top are domains
    nested: bool = False  # every folder that holds images is a class, named by its path

    @abstractmethod
    def _open(self) -> Files:
        """Return the files; raise DataError where there are none."""

    @cached_property
    def _files(self) -> Files:
        return self._open()

    @cached_property
    def _listing(self) -> Listing:
        return self._files.listing()

    @cached_property
    def _layout(self) -> Layout:
        return arrange(self._listing, self.by_domain, self.nested, self.unwrap)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the class folders, sorted."""
        return self._layout.classes

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the domain folders, sorted, or `all`."""
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
        return Labelled(Images(self._files, examples), labels)

    def fingerprint(self) -> str:
        """Return a digest of domains, splits, classes and files' bytes; names and places of files are not in it."""
        return fingerprint(self.classes, self._examples)

    def findings(self) -> tuple[str, ...]:
        """Return sentences on splits, copies, conversions and what was passed over."""
        return (*self._split_remarks(), *remarks(self._examples), *self._conversions(), *self._layout.remarks)

    def _require(self, name: str, known: Sequence[str], what: str) -> None:
        if name not in known:
            raise DataError(f"{self._files.place} has no {what} '{name}'.{near(name, known)} It has: {some(known)}.")

    @cached_property
    def _seen(self) -> Mapping[str, Seen]:
        return seen(self._files, [member.path for *_, member in self._placed()])

    def _placed(self) -> Iterator[tuple[str, str, str, Member]]:
        for domain, splits in self._layout.domains.items():
            for split, classes in splits.items():
                for label, members in classes.items():
                    for member in members:
                        yield domain, split, label, member

    @cached_property
    def _examples(self) -> list[Example]:
        """Every example, in the order of its content, each in its final split."""
        examples = by_content(
            Example(self._seen[member.path].digest, domain, split, label, member.path)
            for domain, split, label, member in self._placed()
        )
        undivided = {domain for domain, splits in self._layout.domains.items() if "test" not in splits}
        return divided(examples, undivided, self._files.place)

    @cached_property
    def _parts(self) -> dict[tuple[str, str], list[Example]]:
        parts: dict[tuple[str, str], list[Example]] = {}
        for example in self._examples:
            parts.setdefault((example.domain, example.split), []).append(example)
        return parts

    def _split_remarks(self) -> list[str]:
        share = f"{TEST_SHARE:.0%} of each class"
        without = [splits for splits in self._layout.domains.values() if "test" not in splits]
        if not without:
            return []
        if any("val" in splits for splits in without):
            return [f"No test folder: {share} of train, chosen by content, is the test split; val stays validation."]
        return [f"No test folder: {share}, chosen by content, is the test split."]

    def _conversions(self) -> list[str]:
        sentences = []
        for trait, text in CONVERSIONS.items():
            paths = sorted(path for path, file in self._seen.items() if trait in file.traits)
            if paths:
                sentences.append(f"{text}: {plural(len(paths), 'image')} ({some(paths)}).")
        return sentences
