"""Open a dataset as a run would; where a run would refuse it, note the sentence and take what can be read."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tlbench import Dataset, ParameterError, TlbenchError, format_spec
from tlbench.contract import non_default, split_dataset_spec
from tlbench.data import DatasetEntry, Resources
from tlbench.host import Catalog, blamed
from tlbench.planning import TransferReader


@dataclass(frozen=True, eq=False)
class Opened:
    """Hold a dataset that can be read, and what a run would say of the spec that was typed."""

    entry: DatasetEntry
    spec: str  # what to type for it, which is not what was typed where that is refused
    fingerprint: str  # empty where it cannot be taken
    findings: tuple[str, ...]
    refusal: str = ""  # the sentence by which a run would refuse what was typed
    mends: bool = False  # whether `spec` is the way out

    @property
    def dataset(self) -> Dataset:
        """Return the dataset itself."""
        return self.entry.dataset


def require_dataset_spec(spec: str, catalog: Catalog) -> None:
    """Raise ParameterError for a transfer or a bare path, saying what to type instead."""
    if spec.strip().endswith("]") and "->" in spec:
        raise ParameterError(f"{spec!r} is a transfer. Name the dataset alone: {spec.partition('[')[0]!r}.")
    place = Path(spec.partition("?")[0]).expanduser()
    if spec.partition("?")[0] not in catalog.datasets and place.exists():
        kind = "folder" if place.is_dir() else place.suffix.removeprefix(".").lower()
        if kind in catalog.datasets:
            raise ParameterError(f"{spec!r} is a path. Write {kind + ':' + spec!r}.")


class Opener:
    """Open one spec: strictly first, and tolerantly once that has failed."""

    def __init__(self, spec: str, resources: Resources) -> None:
        self.spec = spec.strip()
        self._resources = resources
        self._entry = resources.dataset(self.spec)

    @property
    def dataset(self) -> Dataset:
        """Return the dataset as typed; nothing of it need have been read."""
        return self._entry.dataset

    @cached_property
    def _tolerant(self) -> Dataset | None:
        """The dataset with what cannot be read left out, or None where it knows no such way."""
        dataset = self.dataset
        tolerant = dataset.tolerant()
        if tolerant is dataset or (type(tolerant) is type(dataset) and non_default(tolerant) == non_default(dataset)):
            return None
        object.__setattr__(tolerant, "folder", dataset.folder)  # where `prepare` put the files
        return tolerant

    @property
    def has_tolerance(self) -> bool:
        """Tell whether there is a way to leave out what cannot be read."""
        with blamed(f"dataset {self.dataset.name}: tolerant"):
            return self._tolerant is not None

    def strictly(self) -> Opened:
        """Return the dataset as typed, or, where a run would refuse it, what can be read of it.

        Raises DataError or PluginError where nothing can be read.
        """
        reader = TransferReader(self._resources)
        try:
            reader.look_at(self.spec)
        except TlbenchError as error:
            refusal = " ".join(str(error).split())
            return self.tolerantly(refusal) if self.has_tolerance else self._as_far_as_it_goes(refusal)
        return Opened(self._entry, self.spec, self._entry.fingerprint, reader.findings[self.spec])

    def tolerantly(self, refusal: str) -> Opened:
        """Return the dataset with what cannot be read left out, for one that has such a way."""
        tolerant = self._tolerant
        assert tolerant is not None
        entry = DatasetEntry(tolerant, self._entry.origin)
        with blamed(f"dataset {tolerant.name}"):
            spec, findings = self._mended(tolerant), tuple(tolerant.findings())
            return Opened(entry, spec, entry.fingerprint, findings, refusal, mends=spec != self.spec)

    def _as_far_as_it_goes(self, refusal: str) -> Opened:
        """Return the dataset as typed, though a run would refuse it: an empty split, or an order of its classes."""
        try:
            fingerprint, findings = self._entry.fingerprint, tuple(self.dataset.findings())
        except Exception:  # what is wrong stands in the refusal
            fingerprint, findings = "", ()
        return Opened(self._entry, self.spec, fingerprint, findings, refusal)

    def _mended(self, tolerant: Dataset) -> str:
        """Return the spec of the tolerant dataset: what was typed, with the options that it has besides."""
        before = non_default(self.dataset)
        added = {key: value for key, value in non_default(tolerant).items() if before.get(key) != value}
        name, place, options = split_dataset_spec(self.spec)
        if place is None:
            return format_spec(name, {**options, **added})
        written = "&".join(key if value is True else f"{key}={value}" for key, value in added.items())
        return self.spec + ("&" if "?" in self.spec else "?") + written if written else self.spec
