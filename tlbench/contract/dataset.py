"""Define what a dataset is: named domains and splits of raw examples with labels."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

from tlbench.contract.descriptors import FILE, NAMES, SEVERAL, TEXT, TEXT_OR_NONE, check_descriptors, of_type
from tlbench.contract.parameters import (
    check_identity,
    construct,
    fields_of,
    non_default,
    option_name,
    require_frozen_dataclass,
)
from tlbench.contract.signatures import check_signature, habit
from tlbench.contract.task import Labelled
from tlbench.errors import DataError, ParameterError, PluginError
from tlbench.names import format_spec, parse_spec, parse_value, split_outside_brackets


@dataclass(frozen=True)
class Card:
    """Hold what a dataset card states: a file beside the data, in which their owner says what they are."""

    name: str = ""
    license: str = ""
    citation: str = ""
    hazards: tuple[str, ...] = ()  # upstream data that these images are in: no fair target for backbones trained on it
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Column:
    """Hold a further label of each example: int64 numpy labels (N,), positions in the column's own classes."""

    classes: tuple[str, ...]
    labels: Any


_WANTED = {"version": TEXT, "modality": TEXT, "license": TEXT, "citation": TEXT, "locator": TEXT_OR_NONE}
_WANTED_OF_INSTANCES = {"classes": SEVERAL, "domains": NAMES, "folder": FILE, "card": of_type("a Card(...)", Card)}
_CARD = {"name": TEXT, "license": TEXT, "citation": TEXT, "hazards": NAMES, "notes": TEXT}
_HOW = "subclass it, with classes and load"


class SplitFinding(str):
    """Say what is unusual in the data's own splits, as copies across them: it is not told where others are drawn."""

    __slots__ = ()


class Dataset(ABC):
    """Load labelled raw examples of one or more domains. Subclasses may be frozen dataclasses with parameters."""

    name: ClassVar[str]
    version: ClassVar[str] = "1"  # raised whenever an example or a label would change
    modality: ClassVar[str] = "image"
    license: ClassVar[str] = ""
    citation: ClassVar[str] = ""
    locator: ClassVar[str | None] = None  # the field that takes PATH in `name:PATH`
    class_order: ClassVar[Literal["sorted", "fixed"]] = "sorted"  # `fixed`: an order that the publisher gives
    classes: tuple[str, ...]  # an attribute or a property; labels are positions in here
    domains: tuple[str, ...] = ("all",)  # an attribute or a property
    folder: Path | None = None  # where `prepare` put its files; set by tlbench before `prepare` is called

    def __new__(cls, *arguments: Any, **values: Any) -> "Dataset":
        """Make a dataset of a subclass; say so where somebody calls this very class, as one calls Metric."""
        if cls is Dataset:
            raise PluginError(f"Dataset(...) is no dataset: {_HOW}, and return the subclass.")
        made: Dataset = super().__new__(cls)
        return made

    @abstractmethod
    def load(self, domain: str, split: str) -> Labelled:
        """Return raw examples (a sequence; images as arrays (H, W) or (H, W, C)) and int64 labels (N,).

        Images are uint8; or uint16, which is shown divided by 257, or float32 from 0 to 255, where precision counts.
        All examples of a dataset are of one type.

        `split` is `train` or `test`, or one more of `splits`. Equal arguments give equal bytes. Decoding
        may wait until an example is asked for.
        """

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return the splits of a domain; `train` and `test` always, `val` where the data comes with one."""
        return ("train", "test")

    def prepare(self, folder: Path) -> None:
        """Fetch what `load` needs into `folder` unless it is there; `load` finds the folder as `self.folder`."""
        return None

    def fingerprint(self) -> str:
        """Return a digest that changes whenever a byte of an example or a label does.

        The default reads everything. Override it where that is slow.
        """
        import numpy as np

        digest = hashlib.sha256(repr((self.name, self.version, self.classes)).encode())
        for domain in self.domains:
            for split in self.splits(domain):
                part = self.load(domain, split)
                digest.update(f"{domain}/{split}/{len(part)}".encode())
                digest.update(np.asarray(part.labels, dtype=np.int64).tobytes())
                for example in part.inputs:
                    digest.update(_bytes_of(example))
        return digest.hexdigest()

    def findings(self) -> tuple[str, ...]:
        """Return sentences on what is unusual in the data (copies across splits, converted images).

        What concerns the data's own splits alone is a `SplitFinding`.
        """
        return ()

    # ---- what `tlbench data` and new splits ask, one answer per example in the order of `load` ---------------

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return a digest of each example's content; copies of an example share theirs.

        The default reads everything. Override it where digests are known.
        """
        return [example_digest(example) for example in self.load(domain, split).inputs]

    def groups(self, domain: str, split: str) -> Sequence[str] | None:
        """Return what each example belongs to (a patient, a scene) and must not be parted from; None for nothing."""
        return None

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return how messages name each example, such as a file's path within the data."""
        return [f"{domain}/{split}[{row}]" for row in range(len(self.load(domain, split)))]

    def columns(self, domain: str, split: str) -> Mapping[str, Column]:
        """Return further labels of the same examples by name, for multi-task learning; none by default."""
        return {}

    @property
    def card(self) -> Card:
        """Return what the data's owner says of them; the default repeats `license` and `citation`."""
        return Card(license=self.license, citation=self.citation)

    def tolerant(self) -> "Dataset":
        """Return this dataset with what cannot be read left out instead of refused, where it knows how to."""
        return self

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return what a tolerant dataset leaves out, and files that it ignores: pairs of a name and a reason."""
        return ()

    @property
    def label(self) -> str:
        """Return the name shown in tables, without the folders of a path; the card's name where there is one."""
        if self.card.name:
            return self.card.name
        parameters = non_default(self)
        place = parameters.pop(self.locator, None) if self.locator else None
        if place is None:
            return format_spec(self.name, parameters)
        options = "&".join(key if value is True else f"{key}={value}" for key, value in parameters.items())
        return f"{self.name}:{Path(str(place)).resolve().name}" + (f"?{options}" if options else "")

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return what names this dataset in a cell's identity: no path, since the fingerprint says more."""
        parameters = {key: str(value) for key, value in non_default(self).items() if key != self.locator}
        return {"name": self.name, "version": self.version, **({"parameters": parameters} if parameters else {})}


def example_digest(example: Any) -> str:
    """Return the SHA-256 of an example's content, shape and type in hexadecimal."""
    return hashlib.sha256(_bytes_of(example)).hexdigest()


def _bytes_of(example: Any) -> bytes:
    """Return an example's content with its shape and type, so that no two examples share their bytes."""
    if isinstance(example, str):
        return b"str" + example.encode() + b"\0"
    import numpy as np

    array = np.asarray(example)
    if array.dtype == object:
        raise DataError(f"cannot fingerprint an example of type {type(example).__name__}: override fingerprint().")
    return f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()


def split_dataset_spec(text: str) -> tuple[str, str | None, Mapping[str, object]]:
    """Take `name`, `name(key=value)` or `name:PATH?option&key=value` apart into name, PATH and options."""
    head, colon, rest = text.strip().partition(":")
    if not colon or "(" in head:
        spec = parse_spec(text)
        if spec.location is not None:
            raise ParameterError(f"{text!r}: a dataset takes no @FILE. Write NAME:PATH.")
        return spec.name, None, spec.parameters
    place, _, query = rest.partition("?")
    if not place:
        raise ParameterError(f"{text!r} names no path after the colon. Write {head}:PATH.")
    options: dict[str, object] = {}
    for part in split_outside_brackets(query, "&"):
        key, equals, value = part.partition("=")
        options[key.strip()] = parse_value(value) if equals else True
    return parse_spec(head).name, place, options


def construct_dataset(cls: type[Dataset], place: str | None, options: Mapping[str, object]) -> Dataset:
    """Build a dataset from the parts of its spec; raise ParameterError where they do not fit."""
    values = dict(options)
    if place is not None:
        if cls.locator is None:
            raise ParameterError(f"dataset {cls.name!r} takes no path. Write {cls.name!r} alone.")
        values[cls.locator] = place
    elif cls.locator is not None and cls.locator not in values:
        raise ParameterError(f"dataset {cls.name!r} needs a path. Write {cls.name}:PATH.")
    return construct(cls, "dataset", cls.name, values)


def check_dataset_class(cls: Any) -> None:
    """Raise PluginError, saying how to mend it, where a class is not a usable dataset."""
    if not isinstance(cls, type) or not issubclass(cls, Dataset):
        hint = " Return the class, not an instance." if isinstance(cls, Dataset) else ""
        raise PluginError(f"{cls!r} is not a subclass of tlbench.Dataset.{hint}")
    if cls is Dataset:
        raise PluginError(f"the class Dataset itself was returned: {_HOW}, and return the subclass.")
    check_identity(cls, "dataset", ("name",))
    check_descriptors(cls, {**_WANTED, **_WANTED_OF_INSTANCES})
    require_frozen_dataclass(cls, always=False)
    if getattr(cls, "__abstractmethods__", None):
        raise PluginError(f"class {cls.__name__} lacks the method load(self, domain, split).{habit(cls)}")
    meaning = (
        f"A dataset without domains has the one domain {Dataset.domains[0]!r}, a split is 'train' or 'test', and load "
        "returns Labelled(inputs, labels)."
    )
    check_signature(cls, "load", ("domain", "split"), meaning, foreign=("train", "root", "path", "transform"))
    has_classes = hasattr(cls, "classes") or "classes" in {option_name(field) for field in fields_of(cls)}
    if not has_classes:
        raise PluginError(f"class {cls.__name__} is a dataset without 'classes': name them in a tuple.")
    if cls.class_order not in ("sorted", "fixed"):
        raise PluginError(f"class {cls.__name__}: class_order is {cls.class_order!r}; write 'sorted' or 'fixed'.")


def check_dataset(dataset: Dataset) -> None:
    """Raise PluginError where a dataset, once its files are there, says something of itself in another type."""
    check_descriptors(dataset, _WANTED_OF_INSTANCES)
    check_descriptors(dataset.card, _CARD, f"class {type(dataset).__name__}: card")


def check_classes(dataset: Dataset) -> None:
    """Raise DataError where the classes of a dataset are not two or more distinct texts in the order it declares."""
    classes = tuple(dataset.classes)
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise DataError(f"{dataset.label} needs two or more distinct classes, it has {list(classes)[:3]}.")
    strange = next((name for name in classes if not isinstance(name, str)), None)
    if strange is not None:
        raise DataError(f"{dataset.label}: class {strange!r} is {type(strange).__name__}, not a text. Write str(...).")
    if dataset.class_order == "fixed" or list(classes) in (sorted(classes), sorted(classes, key=_counted)):
        return
    first, second = next(pair for pair in pairwise(classes) if pair[0] > pair[1])
    raise DataError(
        f"{dataset.label}: its classes are not sorted ({first!r} comes before {second!r}), so that the numbers of the "
        f"labels may depend on the machine, as where os.listdir names the classes. Write classes = "
        f"tuple(sorted(...)) and number the labels by it; where the publisher gives this order, declare "
        f'class_order = "fixed" on the class {type(dataset).__name__}.'
    )


def _counted(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts numbers inside of names by their value: `c2` before `c10`."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)
