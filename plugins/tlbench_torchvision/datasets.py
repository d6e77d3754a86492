"""Read `torchvision:NAME`: torchvision's classification datasets with their own splits.

torchvision fetches them and checks their MD5 sums. Its CIFAR classes are pickles, which it opens after that check, so
that nothing but the published files is ever unpickled.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval
from filelock import FileLock

from tlbench import (
    TEST_SHARE,
    Card,
    Content,
    DataError,
    Dataset,
    Labelled,
    ParameterError,
    by_domain_and_split,
    content_fingerprint,
    near_miss,
    sorted_by_content,
    with_test_split,
)
from tlbench_torchvision.datasets_known import Known, known
from tlbench_torchvision.pictures import Images, bytes_of, digest_of

if TYPE_CHECKING:
    from torchvision.datasets import VisionDataset


@dataclass(frozen=True)
class TorchvisionDataset(Dataset):
    """Read a classification dataset of torchvision by the name of its class: `torchvision:FashionMNIST`."""

    name: ClassVar[str] = "torchvision"
    locator: ClassVar[str] = "which"
    class_order: ClassVar[Literal["sorted", "fixed"]] = "fixed"

    which: str
    root: Path | None = None  # a folder into which torchvision has downloaded it before; none: it is fetched
    split: str | None = None  # EMNIST: balanced, byclass, bymerge, digits, letters, mnist
    partition: Annotated[int, Interval(ge=1, le=10)] | None = None  # DTD
    annotation_level: str | None = None  # FGVCAircraft: variant, family, manufacturer
    size: str | None = None  # Imagenette: full, 320px, 160px
    target_types: str | None = None  # OxfordIIITPet: category, binary-category

    def __post_init__(self) -> None:
        """Refuse an unknown name, and options that the dataset does not take."""
        taken = known(self.which).options
        for option in ("split", "partition", "annotation_level", "size", "target_types"):
            if getattr(self, option) is not None and option not in taken:
                takes = f"It takes: root, {', '.join(taken)}." if taken else "It takes root alone."
                raise ParameterError(f"torchvision:{self.which} has no option '{option}'. {takes}")

    @property
    def _place(self) -> str:
        return f"torchvision:{self.which}"

    @property
    def _known(self) -> Known:
        return known(self.which)

    # ---- fetching --------------------------------------------------------------------------------------------

    def prepare(self, folder: Path) -> None:
        """Download into `folder` what is not there, unless `root` says where it is.

        What is being fetched lies in a folder of its own until it is whole: torchvision takes a folder that a stopped
        download has left for a complete one.
        """
        if self.root is not None:
            self._require_there(self.root.expanduser())
            return
        if (folder / "root").is_dir():
            return
        if not self._known.fetched:
            raise DataError(f"{self._place} cannot be downloaded by torchvision any more. {self._instead}")
        with FileLock(folder / "root.lock"):
            if not (folder / "root").is_dir():  # no other worker was faster
                incoming = folder / "incoming"
                shutil.rmtree(incoming, ignore_errors=True)
                incoming.mkdir()
                for keywords in self._known.splits.values():
                    self._made(incoming, keywords, download=True)
                os.replace(incoming, folder / "root")

    @property
    def _instead(self) -> str:
        return (
            f"Put {self._known.where} into a folder DIR of this machine, as torchvision keeps it, and write "
            f"{self._place}?root=DIR."
        )

    def _require_there(self, root: Path) -> None:
        if not root.is_dir():
            near = near_miss(root.name, [path.name for path in root.parent.iterdir()]) if root.parent.is_dir() else ""
            raise DataError(f"{self._place}: root '{root}' is no folder.{near}")

    @cached_property
    def _root(self) -> Path:
        if self.root is not None:
            root = self.root.expanduser().resolve()
            self._require_there(root)
            return root
        if self.folder is None or not (self.folder / "root").is_dir():
            raise DataError(f"{self._place} has not been fetched. Call prepare(FOLDER), or write ?root=DIR.")
        return self.folder / "root"

    def _made(self, root: Path, keywords: Mapping[str, object], download: bool) -> "VisionDataset":
        """Build torchvision's own dataset; raise DataError where its files are not there, or cannot be fetched."""
        import inspect

        from torchvision import datasets

        cls = getattr(datasets, self.which, None)
        if cls is None:
            raise DataError(f"{self._place}: this version of torchvision has no such dataset. Install a newer one.")
        told = {name: getattr(self, name) for name in self._known.options if getattr(self, name) is not None}
        arguments: dict[str, Any] = {**self._known.options, **told, **keywords, "root": str(root)}
        accepted = inspect.signature(cls.__init__).parameters
        if self._known.fetched:
            arguments["download"] = download
        if "loader" in accepted:
            arguments["loader"] = bytes_of
        try:
            with contextlib.redirect_stdout(sys.stderr):  # where torchvision reports progress
                return cls(**arguments)
        except (RuntimeError, OSError, ValueError, KeyError, ImportError) as error:
            raise DataError(self._failure(error, root, download)) from None

    def _failure(self, error: Exception, root: Path, download: bool) -> str:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if "Unknown value" in reason or "Expected type" in reason:  # of an option
            return f"{self._place}: {reason}."
        if download:
            return f"{self._place} cannot be downloaded ({reason[:200]}). {self._instead}"
        if "not found" in reason.lower() or isinstance(error, FileNotFoundError):
            return f"{self._place}: root '{root}' does not hold {self._known.where}, or not as it was published."
        return f"{self._place} cannot be read from '{root}': {reason[:200]}."

    # ---- reading ---------------------------------------------------------------------------------------------

    @cached_property
    def _own(self) -> Mapping[str, "VisionDataset"]:
        """torchvision's datasets by our names of their splits."""
        return {split: self._made(self._root, keywords, False) for split, keywords in self._known.splits.items()}

    @cached_property
    def _targets(self) -> Mapping[str, list[int]]:
        return {split: _targets(own) for split, own in self._own.items()}

    @cached_property
    def _names(self) -> Mapping[int, str]:
        """The class of each target that occurs: torchvision's name of it, or the number."""
        present = sorted({target for targets in self._targets.values() for target in targets})
        first = next(iter(self._own.values()))
        names = _class_names(first, self.target_types == "binary-category")
        usable = names is not None and len(set(names)) == len(names) and present[-1] < len(names)
        return {target: names[target] if names is not None and usable else str(target) for target in present}

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that occur, in torchvision's order."""
        return tuple(self._names.values())

    @cached_property
    def _contents(self) -> list[Content]:
        found = (
            Content(digest_of(own[row][0]), "all", split, self._names[target], split, row)
            for split, own in self._own.items()
            for row, target in enumerate(self._targets[split])
        )
        return with_test_split(sorted_by_content(found), self._place)

    @cached_property
    def _parts(self) -> Mapping[tuple[str, str], list[Content]]:
        return by_domain_and_split(self._contents)

    def _part(self, domain: str, split: str) -> list[Content]:
        if split not in self.splits(domain):
            known_splits = ", ".join(self.splits(domain))
            raise DataError(f"{self._place} has no split '{split}'. It has: {known_splits}.")
        return self._parts[domain, split]

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where the publisher has one."""
        if domain != "all":
            raise DataError(f"{self._place} has no domain '{domain}'. It has: all.")
        return ("train", "test", *(["val"] if "val" in self._known.splits else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images that are decoded when asked for, in an order that depends on their content alone."""
        contents = self._part(domain, split)
        position = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([position[each.label] for each in contents], dtype=np.int64)
        return Labelled(Images(self._own, contents, self._place), labels)

    def fingerprint(self) -> str:
        """Return a digest of classes, splits and images."""
        return content_fingerprint(self.classes, self._contents)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each image: of its file's bytes, or of its pixels where torchvision holds those."""
        return [each.digest for each in self._part(domain, split)]

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return each image's position in torchvision's own dataset."""
        return [f"{self.which} {each.source}[{each.row}]" for each in self._part(domain, split)]

    def findings(self) -> tuple[str, ...]:
        """Return sentences on the split and on what is peculiar to the dataset."""
        whole = f"No test split is published: {TEST_SHARE:.0%} of each class, chosen by content, is the test split."
        return (*([] if "test" in self._known.splits else [whole]), *([self._known.note] if self._known.note else []))

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence where the publisher states one."""
        return self._known.license or "as stated by its publisher"

    @property
    def citation(self) -> str:  # type: ignore[override]
        """Return the paper."""
        return self._known.citation

    @property
    def card(self) -> Card:
        """Return licence, paper and peculiarities."""
        return Card(license=self.license, citation=self.citation, notes=self._known.note)

    @property
    def _options(self) -> dict[str, object]:
        return {name: value for name in self._known.options if (value := getattr(self, name)) is not None}

    @property
    def label(self) -> str:
        """Return the name shown in tables, without the root."""
        options = "&".join(f"{name}={value}" for name, value in self._options.items())
        return self._place + (f"?{options}" if options else "")

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what names this dataset in a cell's identity, without the root."""
        return {"name": self.name, "version": self.version, "parameters": {"which": self.which, **self._options}}


def _targets(own: "VisionDataset") -> list[int]:
    """Return the label of every example, where torchvision's class keeps them, or by asking for each."""
    for attribute in ("targets", "labels", "_labels", "y"):
        values = getattr(own, attribute, None)
        if values is not None and len(values) == len(own):  # type: ignore[arg-type]
            targets = [int(value) for value in values]
            if targets[0] == own[0][1] and targets[-1] == own[len(own) - 1][1]:  # type: ignore[arg-type]
                return targets
    samples = getattr(own, "_samples", None)
    if samples is not None and len(samples) == len(own) and isinstance(samples[0][1], int):  # type: ignore[arg-type]
        return [int(sample[1]) for sample in samples]
    return [int(own[row][1]) for row in range(len(own))]  # type: ignore[arg-type]


def _class_names(own: "VisionDataset", binary: bool) -> list[str] | None:
    """Return torchvision's names of the classes; of several names of one class, the first."""
    names = getattr(own, "bin_classes" if binary else "classes", None) or getattr(own, "categories", None)
    if not names:
        return None
    return [str(name[0] if isinstance(name, (tuple, list)) else name) for name in names]
