"""A dataset under examination: what it gave, kept as bytes, and ways to make it anew."""

import atexit
import dataclasses
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from tlbench.dataset import Dataset
from tlbench.errors import TlbenchError
from tlbench.mending import sentence_of
from tlbench.probing import content
from tlbench.task import Labelled
from tlbench.testing.error import ConformanceError
from tlbench.testing.surroundings import as_in_a_run

SAMPLE = 48  # examples of a split whose bytes are compared
SMALL = 20_000_000  # bytes of a folder that is copied to change something in it
SECONDS = 120  # for another process to load the dataset


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What a load gave, in copies: labels, and the bytes of some examples."""

    labels: np.ndarray
    rows: tuple[int, ...]
    examples: tuple[bytes, ...]

    def differs_from(self, other: "Seen") -> str:
        """Say what is not the same, or nothing."""
        if self.labels.shape != other.labels.shape or not np.array_equal(self.labels, other.labels):
            return "labels"
        return "" if self.examples == other.examples else "examples"


class DatasetSubject:
    """A dataset, given as an instance or as a class that can be made without arguments."""

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
        """All domains with their splits."""
        with self.said("domains or splits"):
            return [(domain, split) for domain in self.dataset.domains for split in self.dataset.splits(domain)]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes."""
        with self.said("classes"):
            return tuple(self.dataset.classes)

    @cached_property
    def steady(self) -> bool:
        """Whether equal datasets give the same at all; where not, rules on what changes it have nothing to compare."""
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
            examples = tuple(content(loaded.inputs[row]) for row in rows)
        return Seen(np.array(loaded.labels), rows, examples)

    @cached_property
    def first(self) -> dict[tuple[str, str], Seen]:
        """What the first load of each split gave."""
        _ = self.classes  # before anything is done to the file system's order
        return {part: self.see(*part) for part in self.parts}

    @cached_property
    def digests(self) -> dict[tuple[str, str], Sequence[str]]:
        """The digests of all examples by split."""
        with self.said("digests"):
            return {part: list(self.dataset.digests(*part)) for part in self.parts}

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """What the dataset itself says is unusual."""
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
        script = dict[str, Any](dataset=self.anew(), parts=self.parts)
        with self.said("load"):
            exec(_DIGEST, script)
        return str(script["digest"].hexdigest())

    def elsewhere(self) -> str | None:
        """Return the same of a process that hashes otherwise; None where the dataset cannot be sent to one."""
        module = sys.modules[type(self.dataset).__module__]
        if "<locals>" in type(self.dataset).__qualname__ or not getattr(module, "__file__", None):
            return None
        try:
            sent = pickle.dumps((self.anew(), self.parts))
        except Exception:  # a rule of its own tells of it
            return None
        seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "dataset.pickle"
            path.write_bytes(sent)
            done = subprocess.run(
                [sys.executable, "-c", _ELSEWHERE, module.__name__, str(module.__file__), str(path)],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        return done.stdout.split()[-1] if done.returncode == 0 else None

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


_DIGEST = """
import hashlib
import numpy as np
digest = hashlib.sha256(repr(tuple(dataset.classes)).encode())
for part in parts:
    loaded = dataset.load(*part)
    digest.update(np.asarray(loaded.labels).tobytes())
    for row in range(0, len(loaded), max(1, len(loaded) // 48)):
        digest.update(np.asarray(loaded.inputs[row]).tobytes())
"""
# Prints the digest in a process of its own, where a plugin file is imported under the name that it has here.
_ELSEWHERE = f"""
import importlib.util, pickle, sys
name, file, path = sys.argv[1:]
try:
    found = importlib.util.find_spec(name)
except (ImportError, ValueError):
    found = None
if found is None:
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
dataset, parts = pickle.loads(open(path, "rb").read())
{_DIGEST}
print(digest.hexdigest())
"""


@contextmanager
def listing_sorted(backwards: bool) -> Iterator[None]:
    """Let the file system list every folder by name, or the other way round: an order that nobody promises."""
    real = {name: getattr(os, name) for name in ("listdir", "scandir")}
    iterdir, glob, rglob, walk = Path.iterdir, Path.glob, Path.rglob, os.walk

    def listdir(*arguments: Any) -> list[Any]:
        return sorted(real["listdir"](*arguments), reverse=backwards)

    def scandir(*arguments: Any) -> "_Listing":
        with real["scandir"](*arguments) as entries:
            return _Listing(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    def reverse(listing: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *arguments, **options: iter(sorted(listing(self, *arguments, **options), reverse=backwards))

    def walked(top: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        for folder, folders, files in walk(top, *arguments, **options):
            folders.sort(reverse=backwards)
            yield folder, folders, sorted(files, reverse=backwards)

    with (
        patch.object(os, "listdir", listdir),
        patch.object(os, "scandir", scandir),
        patch.object(os, "walk", walked),
        patch.object(Path, "iterdir", reverse(iterdir)),
        patch.object(Path, "glob", reverse(glob)),
        patch.object(Path, "rglob", reverse(rglob)),
    ):
        yield


class _Listing:
    """What os.scandir returns: an iterator that is closed by `with`."""

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> "_Listing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the listing."""
        self._entries = iter(())
