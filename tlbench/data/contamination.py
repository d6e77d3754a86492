"""Find contamination: test inputs that stand in training, source or upstream data too, counted and named."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract import Backbone, Dataset, Transfer
from tlbench.data.cache import Cache
from tlbench.data.image_hashes import SKETCH, VERSION, Array, split_sketches
from tlbench.data.near_duplicates import EQUAL, find_copies, may_have_copies
from tlbench.data.resources import DatasetEntry, Resources
from tlbench.data.splits import Division

TRAIN, SOURCE, UPSTREAM = "train", "source", "upstream"
_SEARCH = 2  # raised whenever other copies would be found in the same sketches


@dataclass(frozen=True)
class Copy:
    """Name a test input and where it stands again, by the names that messages use."""

    test: str
    other: str
    kind: int  # EQUAL, NEAR or MIRRORED, of tlbench.data.near_duplicates


@dataclass(frozen=True)
class Overlap:
    """List the test inputs that stand in other data; each counts once, with its closest copy there."""

    what: str  # train, source or upstream
    data: str  # the other dataset as tables call it, with its domain
    spec: str  # what lists all of these pairs, with `tlbench data inspect`; empty where nothing does
    copies: tuple[Copy, ...]

    @property
    def equal(self) -> list[Copy]:
        """Return the copies with exactly the same values."""
        return [copy for copy in self.copies if copy.kind == EQUAL]

    @property
    def near(self) -> list[Copy]:
        """Return the near-duplicates."""
        return [copy for copy in self.copies if copy.kind != EQUAL]


@dataclass(frozen=True)
class Contamination:
    """Hold which of a transfer's test inputs stand in the data that a backbone and a strategy learn from.

    An overlap is None where it is unknown: there is no source, the upstream data are not at hand, or nobody searched.
    """

    target: str  # dataset and domain as tables call them
    noun: str  # image, or example
    fold: str  # which of a cross-validation; empty without one
    test_items: int
    train: Overlap | None
    source: Overlap | None
    upstream: Overlap | None
    backbone: str
    pretrained_on: str
    pretrained_on_target: bool  # `pretrained_on` names the target

    @property
    def ledger(self) -> dict[str, int | None]:
        """Return the counts that stand in a record's ledger; None for what is unknown."""
        overlaps = {TRAIN: self.train, SOURCE: self.source, UPSTREAM: self.upstream}
        return {f"test_in_{what}": None if each is None else len(each.copies) for what, each in overlaps.items()}


def find_contamination(
    resources: Resources, transfer: Transfer, backbone: str, division: Division, *, search: bool = True
) -> Contamination:
    """Return where the test inputs of a transfer, as `division` divides its dataset, stand too.

    `backbone` is its spec. What is found is kept in the cache by fingerprints. Without `search` nothing is decoded or
    compared, and what the cache does not hold is None. Raises DataError for examples that cannot be read.
    """
    finder = _Finder(resources.cache, search)
    entry = resources.dataset(transfer.dataset)
    test = _Part(entry, division, transfer.target, ("test",))
    own = tuple(split for split in ("train", "val") if split in division.splits(transfer.target))
    train = finder.overlap(TRAIN, transfer.dataset, test, [_Part(entry, division, transfer.target, own)])
    source, parts = None, [test]
    if transfer.source_dataset is not None and transfer.source is not None:
        other = resources.dataset(transfer.source_dataset)
        is_same = transfer.source_dataset == transfer.dataset
        divided = division if is_same else Division(other.dataset, other.labels)
        part = _Part(other, divided, transfer.source, ("train",))
        source = finder.overlap(SOURCE, transfer.dataset if is_same else "", test, [part])
        parts.append(part)
    network = resources.backbone(backbone).backbone
    named = named_datasets(network.pretrained_on or "")
    return Contamination(
        target=_title(entry.dataset, transfer.target),
        noun="image" if entry.dataset.modality == "image" else "example",
        fold=f"fold {division.fold + 1}" if division.table is not None and division.table.folds else "",
        test_items=len(division.labels(transfer.target, "test")),
        train=train,
        source=source,
        upstream=_upstream(resources, finder, network, named, parts),
        backbone=network.label,
        pretrained_on=network.pretrained_on or "",
        pretrained_on_target=any(is_named(entry.dataset, transfer.target, *each) for each in named),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """Some splits of a domain, one after the other, as a division makes them up."""

    entry: DatasetEntry
    division: Division
    domain: str
    splits: tuple[str, ...]

    @property
    def key(self) -> list[Any]:
        return [self.entry.fingerprint, self.domain, list(self.splits), self.division.identity]

    def sketches(self, cache: Cache) -> Array:
        """Return the sketches of all examples, (N,)."""
        dataset, fingerprint = self.entry.dataset, self.entry.fingerprint
        found = [np.empty(0, dtype=SKETCH)]
        for split in self.splits:
            for own, rows in self.division.parts(self.domain, split):
                whole = split_sketches(dataset, fingerprint, self.domain, own, cache)
                found.append(whole if rows is None else whole[rows])
        return found[1] if len(found) == 2 else np.concatenate(found)

    def names(self) -> list[str]:
        """Return how messages name each example."""
        found: list[str] = []
        for split in self.splits:
            for own, rows in self.division.parts(self.domain, split):
                whole = _sources(self.entry, self.domain, own)
                found += whole if rows is None else [whole[row] for row in rows]
        return found


@lru_cache(maxsize=8)
def _sources(entry: DatasetEntry, domain: str, split: str) -> tuple[str, ...]:
    return tuple(map(str, entry.dataset.sources(domain, split)))


@dataclass(frozen=True)
class _Finder:
    """Searches, or looks up what an earlier search found."""

    cache: Cache
    search: bool

    def overlap(self, what: str, spec: str, test: _Part, others: Sequence[_Part]) -> Overlap | None:
        """Return what stands in any of the parts; None where nobody has searched."""
        key = (VERSION, _SEARCH, test.key, [other.key for other in others])
        if not self.search and not self.cache.has("copies", key):
            return None

        def make(path: Path) -> None:
            theirs = np.concatenate([other.sketches(self.cache) for other in others])
            with path.open("wb") as file:
                np.save(file, find_copies(test.sketches(self.cache), theirs))

        found = self.cache.array("copies", key, make)
        first = others[0]
        data = _title(first.entry.dataset, first.domain if len(others) == 1 else None)
        return Overlap(what, data, spec, _named(found, test, others))

    def is_far(self, test: _Part, hashes: Path) -> bool:
        """Tell whether nothing that these hashes are of resembles a test input.

        Hashes beside weights stand in for upstream data that would take long to fetch or to draw.
        """
        key = (VERSION, _SEARCH, test.key, hashlib.sha256(hashes.read_bytes()).hexdigest())
        if not self.search and not self.cache.has("copies", key):
            return False

        def make(path: Path) -> None:
            known = np.load(hashes, allow_pickle=False)
            with path.open("wb") as file:
                np.save(file, np.array(not may_have_copies(test.sketches(self.cache), known)))

        return bool(self.cache.array("copies", key, make))


def _named(found: Array, test: _Part, others: Sequence[_Part]) -> tuple[Copy, ...]:
    if not len(found):
        return ()
    mine, theirs = test.names(), [name for other in others for name in other.names()]
    return tuple(Copy(mine[row], theirs[other], kind) for row, other, kind in found.tolist())


def _title(dataset: Dataset, domain: str | None) -> str:
    return dataset.label if domain is None or len(dataset.domains) == 1 else f"{dataset.label}/{domain}"


def _upstream(
    resources: Resources, finder: _Finder, backbone: Backbone, named: Sequence[tuple[str, str]], parts: Sequence[_Part]
) -> Overlap | None:
    """Return what of the first part stands in the upstream data; None where nothing does and some are not at hand."""
    test = parts[0]
    if not backbone.pretrained_on:
        return Overlap(UPSTREAM, "nothing", "", ())
    hashes = None if backbone.weights is None else Path(backbone.weights).with_suffix(".hashes.npy")
    has_hashes = hashes is not None and hashes.is_file()
    if hashes is not None and has_hashes and finder.is_far(test, hashes):
        return Overlap(UPSTREAM, backbone.pretrained_on, "", ())
    found: dict[str, Copy] = {}
    missing = False
    for name, aside in named:
        entry = _at_hand(resources, name, [part.entry for part in parts], may_prepare=has_hashes)
        if entry is None or entry.dataset.modality != test.entry.dataset.modality:
            missing = True
            continue
        stated = aside.partition(",")[0].strip()
        domains = [stated] if stated in entry.dataset.domains else list(entry.dataset.domains)
        own = Division(entry.dataset, entry.labels)  # whoever pretrained on it knew nothing of our folds
        overlap = finder.overlap(UPSTREAM, "", test, [_Part(entry, own, domain, ("train",)) for domain in domains])
        missing |= overlap is None
        for copy in overlap.copies if overlap else ():
            found[copy.test] = min(found.get(copy.test, copy), copy, key=lambda each: each.kind)
    if missing and not found:
        return None
    return Overlap(UPSTREAM, backbone.pretrained_on, "", tuple(found.values()))


def _at_hand(resources: Resources, name: str, opened: Sequence[DatasetEntry], may_prepare: bool) -> DatasetEntry | None:
    """Return the dataset of a name where it is one of those opened, or installed and in need of no path.

    What would have to be fetched or drawn first is not at hand, unless `may_prepare`.
    """
    for entry in opened:
        if any(is_named(entry.dataset, domain, name, "") for domain in entry.dataset.domains):
            return entry
    for spec, offer in sorted(resources.catalog.datasets.items()):
        cls: type[Dataset] = offer.thing
        if plainly(spec) == plainly(name) and cls.locator is None:
            return resources.dataset(spec) if may_prepare or cls.prepare is Dataset.prepare else None
    return None


_ASIDE = re.compile(r"\s*\(([^()]*)\)\s*$")  # as in "blobs (day, train)", which `tlbench pretrain` writes


def named_datasets(pretrained_on: str) -> list[tuple[str, str]]:
    """Return the datasets that `pretrained_on` names, each with what stands in brackets behind it."""
    found = []
    for part in re.split(r"\s*[,;+]\s*(?![^()]*\))|\s+and\s+", pretrained_on):
        aside = _ASIDE.search(part)
        found.append((_ASIDE.sub("", part).strip(), aside[1] if aside else ""))
    return [(name, aside) for name, aside in found if name]


def plainly(name: str) -> str:
    """Return a name without what people write differently: `CIFAR-10` is `cifar10`."""
    return re.sub(r"[\W_]+", "", name.casefold())


def is_named(dataset: Dataset, domain: str, name: str, aside: str) -> bool:
    """Tell whether a name is that of a dataset; where a domain stands behind it, of that domain."""
    stated = aside.partition(",")[0].strip()
    if stated in dataset.domains and stated != domain:
        return False
    own = [dataset.label, dataset.card.name]
    if dataset.locator is None:
        own.append(dataset.name)
    else:  # folder:photos?domains, torchvision:CIFAR10, npz:digits.npz
        place = dataset.label.partition(":")[2].partition("?")[0]
        own += [place, Path(place).stem]
    return plainly(name) in {plainly(each) for each in own if plainly(each)}
