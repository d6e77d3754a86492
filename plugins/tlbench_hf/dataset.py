"""Read `hf:NAME_OR_FOLDER`: image classification datasets of the Hugging Face hub, or folders in its formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from tlbench import (
    TEST_SHARE,
    Card,
    Column,
    Content,
    DataError,
    Dataset,
    Labelled,
    by_domain_and_split,
    content_fingerprint,
    near_miss,
    plural,
    some,
    sorted_by_content,
    with_test_split,
)
from tlbench_hf.features import Labels, further_column, image_column, label_column, labels_of, texts_of
from tlbench_hf.opening import Place, opened, place_of
from tlbench_hf.pictures import Pictures, RawImages, looked

_USUAL = {"train": ("train", "training"), "test": ("test", "testing"), "val": ("validation", "valid", "val", "dev")}


@dataclass(frozen=True)
class HuggingFace(Dataset):
    """Read a dataset of the hub by name, or a folder: class folders, Parquet files, or what `save_to_disk` wrote."""

    name: ClassVar[str] = "hf"
    locator: ClassVar[str] = "place"
    class_order: ClassVar[Literal["sorted", "fixed"]] = "fixed"  # that of its ClassLabel

    place: str
    config: str | None = None
    image: str | None = None  # column; needed where several could be meant
    label_in: str | None = field(default=None, metadata={"option": "label"})  # column
    train: str | None = None  # name of its split
    test: str | None = None  # likewise
    val: str | None = None  # likewise
    group: str | None = None  # column: what must not be parted
    domain: str | None = None  # column
    also: str | None = None  # columns of further labels, joined by +
    revision: str | None = None  # branch, tag or commit on the hub
    skip: bool = False  # leave out what cannot be read

    # ---- opening ---------------------------------------------------------------------------------------------

    def prepare(self, folder: Path) -> None:
        """Fetch the dataset into the cache of its library; what is made of a local folder goes into `folder`."""
        _ = self._all

    @cached_property
    def _where(self) -> Place:
        return place_of(self.place)

    @cached_property
    def _all(self) -> dict[str, Any]:
        return dict(opened(self._where, self.config, self.revision, self.folder))

    @cached_property
    def _own(self) -> dict[str, Any]:
        """The library's datasets by our names of the splits."""
        found = {}
        for split, told in (("train", self.train), ("test", self.test), ("val", self.val)):
            usual = next((name for name in _USUAL[split] if name in self._all), None)
            name = told or (None if usual in (self.train, self.test, self.val) else usual)
            if name is None:
                continue
            if name not in self._all:
                raise DataError(f"{self._where} has no split '{name}'.{near_miss(name, self._all)}{self._has()}")
            found[split] = self._all[name]
        if "train" not in found:
            first = next(iter(self._all), "NAME")
            raise DataError(f"{self._where} has no train split. Write ?train={first} or another.{self._has()}")
        return found

    def _has(self) -> str:
        return f" It has: {', '.join(self._all)}."

    @property
    def _features(self) -> Any:
        return self._own["train"].features

    @cached_property
    def _labels(self) -> Labels:
        return labels_of(self._own, label_column(self._features, self.label_in, str(self._where)), str(self._where))

    def _texts(self, column: str | None, role: str) -> dict[str, list[str | None]]:
        if column is None:
            return {}
        further_column(self._features, column, role, str(self._where))
        return {split: texts_of(data, column, str(self._where)) for split, data in self._own.items()}

    # ---- contents --------------------------------------------------------------------------------------------

    @cached_property
    def _raw(self) -> dict[str, RawImages]:
        column = image_column(self._features, self.image, str(self._where))
        return {split: RawImages(data, column) for split, data in self._own.items()}

    @cached_property
    def _read(self) -> tuple[list[Content], list[tuple[str, str]]]:
        """Every usable example, and the rows that cannot be used with the reasons."""
        groups, domains = self._texts(self.group, "group"), self._texts(self.domain, "domain")
        usable: list[Content] = []
        unusable: list[tuple[str, str]] = []
        for split, raw in self._raw.items():
            for row, seen in enumerate(looked(raw, whole=self.skip)):
                label = self._labels.names[split][row]
                domain = domains[split][row] if domains else "all"
                group = groups[split][row] if groups else ""
                lacking = [
                    name for name, value in (("label", label), ("domain", domain), ("group", group)) if value is None
                ]
                problem = f"it has no {lacking[0]}" if lacking else seen.problem
                if problem:
                    unusable.append((f"{split}[{row}]", problem))
                else:
                    usable.append(Content(seen.digest, domain or "", split, label or "", split, row, group or ""))
        return usable, unusable

    @cached_property
    def _contents(self) -> list[Content]:
        usable, unusable = self._read
        if unusable and not self.skip:
            name, problem = unusable[0]
            split = name.partition("[")[0]
            count = sum(each.startswith(split) for each, _ in unusable)
            whole = count == len(self._own[split]) and split != "train"
            mend = f"Write ?{split}=SPLIT for another split." if whole else "Mend them, or add ?skip to leave them out."
            raise DataError(
                f"{self._where}: {plural(len(unusable), 'row')} cannot be used. The first, {name}: {problem}. {mend}"
            )
        self._require_classes(usable)
        return with_test_split(sorted_by_content(usable), str(self._where))

    def _require_classes(self, usable: Sequence[Content]) -> None:
        everything = {each.label for each in usable}
        if len(everything) < 2:
            raise DataError(f"{self._where}: two classes are needed, and there is {some(everything) or 'none'}.")
        for (domain, split), contents in by_domain_and_split(usable).items():
            lacking = sorted(everything - {each.label for each in contents})
            if lacking and split != "val":
                where = "" if domain == "all" else f" of domain '{domain}'"
                raise DataError(
                    f"{self._where}: {plural(len(lacking), 'class', 'classes')} of {len(everything)} without an image "
                    f"in its {split} split{where}: {some(lacking)}. Name another split with ?train= or ?test=."
                )
        without = {each.domain for each in usable} - {each.domain for each in usable if each.split == "train"}
        if without:
            raise DataError(f"{self._where}: domain '{min(without)}' has no training images.")

    @cached_property
    def _parts(self) -> Mapping[tuple[str, str], list[Content]]:
        return by_domain_and_split(self._contents)

    def _part(self, domain: str, split: str) -> list[Content]:
        if split not in self.splits(domain):
            raise DataError(f"{self._where} has no split '{split}'. It has: {', '.join(self.splits(domain))}.")
        return self._parts[domain, split]

    # ---- what a dataset answers ------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the classes that occur: in the order of the ClassLabel, or numbers by value, or texts by spelling."""
        present = {each.label for each in self._contents}
        return tuple(name for name in self._labels.classes if name in present)

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Return the values of the domain column, sorted, or `all`."""
        return tuple(sorted({each.domain for each in self._contents}))

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return `train` and `test`, and `val` where the dataset has one."""
        if domain not in self.domains:
            raise DataError(f"{self._where} has no domain '{domain}'. It has: {some(self.domains)}.")
        return ("train", "test", *(["val"] if (domain, "val") in self._parts else []))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images that are decoded when asked for, in an order that depends on their bytes alone."""
        contents = self._part(domain, split)
        position = {name: index for index, name in enumerate(self.classes)}
        labels = np.array([position[each.label] for each in contents], dtype=np.int64)
        return Labelled(Pictures(self._raw, contents, str(self._where)), labels)

    def fingerprint(self) -> str:
        """Return a digest of domains, splits, classes and images' bytes; of no file's name and no order of rows."""
        return content_fingerprint(self.classes, self._contents)

    def digests(self, domain: str, split: str) -> Sequence[str]:
        """Return the SHA-256 of each image file's bytes."""
        return [each.digest for each in self._part(domain, split)]

    def groups(self, domain: str, split: str) -> Sequence[str] | None:
        """Return the group of each example, where a column says it."""
        contents = self._part(domain, split)
        return [each.group for each in contents] if self.group else None

    def sources(self, domain: str, split: str) -> Sequence[str]:
        """Return each example as `split[row]` of the library's dataset."""
        return [f"{each.source}[{each.row}]" for each in self._part(domain, split)]

    def columns(self, domain: str, split: str) -> Mapping[str, Column]:
        """Return the further labels that `also` names."""
        return {name: self._column(name, labels, self._part(domain, split)) for name, labels in self._further.items()}

    @cached_property
    def _further(self) -> dict[str, Labels]:
        names = [name.strip() for name in (self.also or "").split("+") if name.strip()]
        for name in names:
            further_column(self._features, name, "also", str(self._where))
        return {name: labels_of(self._own, name, str(self._where)) for name in names}

    def _column(self, name: str, labels: Labels, contents: Sequence[Content]) -> Column:
        position = {value: index for index, value in enumerate(labels.classes)}
        values = [labels.names[each.source][each.row] for each in contents]
        if None in values:
            each = contents[values.index(None)]
            raise DataError(f"{self._where}: {each.source}[{each.row}] has nothing in column '{name}' (?also).")
        return Column(labels.classes, np.array([position[value] for value in values if value is not None], np.int64))

    def tolerant(self) -> "HuggingFace":
        """Return this dataset with rows that cannot be read left out."""
        tolerant = self if self.skip else replace(self, skip=True)
        object.__setattr__(tolerant, "folder", self.folder)
        return tolerant

    def passed_over(self) -> Sequence[tuple[str, str]]:
        """Return the rows that are left out, with the reasons, and the splits that are not used."""
        used = {id(data) for data in self._own.values()}
        splits = [(name, "a split that is not used") for name, data in self._all.items() if id(data) not in used]
        return [*self._read[1], *splits]

    def findings(self) -> tuple[str, ...]:
        """Return sentences on the split and on what is left out."""
        sentences = []
        if any(
            ("test" not in {split for other, split in by_domain_and_split(self._read[0]) if other == name})
            for name in self.domains
        ):
            kept = "; val stays validation" if "val" in self._own else ""
            sentences.append(
                f"No test split: {TEST_SHARE:.0%} of each class, chosen by content, is the test split{kept}."
            )
        if self._labels.unused:
            sentences.append(
                f"Classes without an image left out: {len(self._labels.unused):,} ({some(self._labels.unused)})."
            )
        if self._read[1]:
            names = some(name for name, _ in self._read[1])
            sentences.append(f"Rows left out: {len(self._read[1]):,} ({names}).")
        return tuple(sentences)

    @property
    def _info(self) -> Any:
        return self._own["train"].info

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence as the dataset's own description states it."""
        return " ".join(str(self._info.license or "").split()) or "as stated by the data's owner"

    @property
    def citation(self) -> str:  # type: ignore[override]
        """Return the citation as the dataset's own description states it."""
        return " ".join(str(self._info.citation or "").split()) or "as stated by the data's owner"

    @property
    def card(self) -> Card:
        """Return licence and citation."""
        return Card(license=self.license, citation=self.citation)
