"""Hold a dataset under examination: load its splits, keep them as bytes, and make equal datasets anew."""

import atexit
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np

from tlbench.contract import Dataset, Labelled
from tlbench.data import example_bytes
from tlbench.errors import TlbenchError
from tlbench.host import sentence_of
from tlbench.testing.error import ConformanceError
from tlbench.testing.sending import digest_elsewhere, digest_here
from tlbench.testing.surroundings import as_in_a_run

SAMPLE = 48  # examples of a split whose bytes are compared
SMALL = 20_000_000  # bytes of a folder that is copied to change something in it


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """Hold copies of what a load gave: labels, and the bytes of some examples."""

    labels: np.ndarray
    rows: tuple[int, ...]
    examples: tuple[bytes, ...]

    def differs_from(self, other: "Seen") -> str:
        """Say what is not the same, or nothing."""
        if self.labels.shape != other.labels.shape or not np.array_equal(self.labels, other.labels):
            return "labels"
        return "" if self.examples == other.examples else "examples"


class DatasetSubject:
    """Hold a dataset under examination, given as an instance or as a class that can be made without arguments."""

    def __init__(self, dataset: type[Dataset] | Dataset) -> None:
        if isinstance(dataset, type):
            cls: type[Dataset] = dataset
            try:
                dataset = cls()
            except TypeError as error:
                raise ConformanceError(
                    f"{cls.__name__} cannot be made without arguments ({error}): give an instance to check."
                ) from None
        self.name = getattr(dataset, "name", type(dataset).__name__)
        self.dataset = dataset
        if type(dataset).prepare is not Dataset.prepare and dataset.folder is None:
            self._scratch = scratch_folder()
            object.__setattr__(dataset, "folder", self._scratch)
            with self.said("prepare"):
                dataset.prepare(self._scratch)

    def anew(self) -> Dataset:
        """Return an equal dataset that has loaded nothing yet."""
        dataset = self.dataset
        with self.said("making it a second time"):
            fresh: Dataset = dataclasses.replace(dataset) if dataclasses.is_dataclass(dataset) else type(dataset)()
        if dataset.folder is not None:
            object.__setattr__(fresh, "folder", dataset.folder)
        return fresh

    @cached_property
    def parts(self) -> list[tuple[str, str]]:
        """Return all domains with their splits."""
        with self.said("domains or splits"):
            return [(domain, split) for domain in self.dataset.domains for split in self.dataset.splits(domain)]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the classes."""
        with self.said("classes"):
            return tuple(self.dataset.classes)

    @cached_property
    def steady(self) -> bool:
        """Tell whether equal datasets give the same at all; where not, rules on changes have nothing to compare."""
        _ = self.first
        with as_in_a_run():
            return not (self.compared(self.dataset, "") or self.compared(self.anew(), ""))

    def load(self, domain: str, split: str, dataset: Dataset | None = None) -> Labelled:
        """Return a split; raise ConformanceError where that fails."""
        with self.said(f"load({domain!r}, {split!r})"):
            found = (dataset or self.dataset).load(domain, split)
        if not isinstance(found, Labelled):
            raise ConformanceError(
                f"{self.name}: load({domain!r}, {split!r}) returns {type(found).__name__}; write "
                "return Labelled(inputs, labels)."
            )
        return found

    def see(self, domain: str, split: str, dataset: Dataset | None = None) -> Seen:
        """Load a split and keep copies of what it gave."""
        return self.seen_in(self.load(domain, split, dataset), domain, split)

    def seen_in(self, loaded: Labelled, domain: str, split: str) -> Seen:
        """Return copies of labels and of some examples."""
        rows = rows_of(len(loaded))
        with self.said(f"reading examples of ({domain!r}, {split!r})"):
            examples = tuple(example_bytes(loaded.inputs[row]) for row in rows)
        return Seen(np.array(loaded.labels), rows, examples)

    @cached_property
    def first(self) -> dict[tuple[str, str], Seen]:
        """Return what the first load of each split gave."""
        _ = self.classes  # before anything is done to the file system's order
        return {part: self.see(*part) for part in self.parts}

    @cached_property
    def digests(self) -> dict[tuple[str, str], Sequence[str]]:
        """Return the digests of all examples by split."""
        with self.said("digests"):
            return {part: list(self.dataset.digests(*part)) for part in self.parts}

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Return what the dataset itself says is unusual."""
        with self.said("findings"):
            return tuple(self.dataset.findings())

    def compared(self, other: Dataset, how: str) -> str:
        """Say what is not the same in an equal dataset, or nothing; `how` names what was done to it."""
        if tuple(other.classes) != self.classes:
            return f"classes differ {how}"
        for part in self.parts:
            if what := self.see(*part, other).differs_from(self.first[part]):
                return f"{what} of {part[0]}/{part[1]} differ {how}"
        return ""

    def swapped(self) -> Iterator[tuple[Dataset, str]]:
        """Yield the dataset over a copy of its folder in which two files of different folders are exchanged.

        Where its locator is no small folder, or the exchange changes nothing that load gives, there is none.
        """
        locator = type(self.dataset).locator
        place = Path(str(getattr(self.dataset, locator, ""))).expanduser() if locator else Path()
        if not locator or not place.is_dir():
            return
        files = [path for path in sorted(place.rglob("*")) if path.is_file()]
        pairs = ((one, other) for one in files[:1] for other in files if _exchangeable(one, other))
        pair = next(pairs, None)
        if pair is None or sum(path.stat().st_size for path in files) > SMALL:
            return
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / place.resolve().name
            shutil.copytree(place, copy)
            one, other = (copy / path.relative_to(place) for path in pair)
            first, second = one.read_bytes(), other.read_bytes()
            one.write_bytes(second)
            other.write_bytes(first)
            changed = dataclasses.replace(self.dataset, **{locator: copy})  # type: ignore[type-var]
            try:
                what = self.compared(changed, "")
            except ConformanceError:
                return
            if what:
                yield changed, f"two files are exchanged ({pair[0].name} and {pair[1].name})"

    def here(self) -> str:
        """Return one text for what an equal dataset gives in this process."""
        with self.said("load"):
            return digest_here(self.anew(), self.parts)

    def elsewhere(self) -> str | None:
        """Return the text of `here` from a process that hashes otherwise; None where it cannot be sent to one."""
        try:
            dataset = self.anew()
        except ConformanceError:  # a rule of its own tells of it
            return None
        return digest_elsewhere(dataset, self.parts)

    @contextmanager
    def said(self, what: str) -> Iterator[None]:
        """Turn what the dataset raises into a ConformanceError that says where."""
        try:
            yield
        except ConformanceError:
            raise
        except TlbenchError as error:
            raise ConformanceError(f"{self.name}: {what} refused: {error}") from error
        except Exception as error:
            raise ConformanceError(sentence_of(error, f"{self.name}: {what}")) from error


def scratch_folder() -> Path:
    """Return a new folder that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="tlbench-check-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def rows_of(count: int) -> tuple[int, ...]:
    """Return some rows of a split, spread over all of it."""
    return tuple(sorted({int(row) for row in np.linspace(0, max(count - 1, 0), min(count, SAMPLE))}))


def _exchangeable(one: Path, other: Path) -> bool:
    alike = one.suffix == other.suffix and one.parent != other.parent
    return alike and one.read_bytes() != other.read_bytes()
