"""Open the data that a question is about: a dataset's domain, and its source if named. No test split is loaded here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tlbench import Dataset, ParameterError, near_miss
from tlbench.contract import check_classes
from tlbench.data import check_loads_alike
from tlbench.host import blamed

if TYPE_CHECKING:
    from tlbench.data import DatasetEntry, Resources
    from tlbench.host import Catalog


@dataclass(frozen=True, eq=False)
class Place:
    """Hold one domain of a dataset, of which the training split may be read."""

    spec: str  # as `-d` takes it
    entry: "DatasetEntry"
    domain: str

    @property
    def dataset(self) -> Dataset:
        """Return the dataset."""
        return self.entry.dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of its classes."""
        return tuple(self.dataset.classes)

    @property
    def label(self) -> str:
        """Return the name shown, as tables of results show it."""
        return self.dataset.label if len(self.dataset.domains) == 1 else f"{self.dataset.label}/{self.domain}"

    @property
    def labels(self) -> np.ndarray:
        """Return the labels of the training split, int64 (N,)."""
        return self.entry.labels(self.domain, "train")


@dataclass(frozen=True, eq=False)
class Target:
    """Hold the data that advice is asked for, as typed, and the source beside them."""

    text: str
    place: Place
    source: Place | None = None


def open_target(text: str, resources: "Resources") -> Target:
    """Open `DATASET`, `DATASET[->TARGET]` or `DATASET[SOURCE->TARGET]`; raise a TlbenchError for what is no such thing.

    The training split is looked at as a run looks at it, and the test split is not.
    """
    text = text.strip()
    spec, source, target = _parts(text)
    _refuse_path(spec, resources.catalog)
    entry = resources.dataset(spec)
    with blamed(f"dataset {entry.dataset.name}"):
        domains = tuple(entry.dataset.domains)
    if not target and len(domains) > 1:
        raise ParameterError(
            f"{spec!r} has the domains {', '.join(domains)}, and advice is for one of them. Write "
            f"'{spec}[->{domains[0]}]'."
        )
    place = _checked(Place(spec, entry, _domain(entry.dataset, target) if target else domains[0]))
    return Target(text, place, _checked(_source(source, place, resources)) if source else None)


def _parts(text: str) -> tuple[str, str, str]:
    """Take `DATASET[SOURCE->TARGET]` apart; what is not said is empty."""
    if not text.endswith("]") or "[" not in text:
        return text, "", ""
    spec, _, inside = text[:-1].partition("[")
    source, arrow, target = inside.partition("->")
    if not arrow:
        raise ParameterError(f"{text!r}: write DATASET[SOURCE->TARGET]; either side may be empty.")
    return spec.strip(), source.strip(), target.strip()


def _refuse_path(spec: str, catalog: "Catalog") -> None:
    """Raise ParameterError for a bare path, saying what to type instead."""
    path = Path(spec.partition("?")[0]).expanduser()
    if spec.partition("?")[0] in catalog.datasets or not path.exists():
        return
    kind = "folder" if path.is_dir() else path.suffix.removeprefix(".").lower()
    if kind in catalog.datasets:
        raise ParameterError(f"{spec!r} is a path. Write {kind + ':' + spec!r}.")


def _source(text: str, place: Place, resources: "Resources") -> Place:
    """Open the source: another domain of the dataset, or `DATASET#DOMAIN`."""
    if text in place.dataset.domains:
        if text == place.domain:
            raise ParameterError(f"the source {text!r} is the target itself. Name another domain or dataset.")
        return Place(place.spec, place.entry, text)
    spec, _, domain = text.partition("#")
    known = [*place.dataset.domains, *resources.catalog.datasets]
    if ":" not in spec and "(" not in spec and spec not in known:
        raise ParameterError(
            f"{text!r} is neither a domain of {place.spec} ({', '.join(place.dataset.domains)}) nor a dataset."
            f"{near_miss(text, known)}"
        )
    entry = resources.dataset(spec)
    domains = tuple(entry.dataset.domains)
    if not domain and len(domains) > 1:
        raise ParameterError(
            f"source {spec!r} has several domains: write {spec}#DOMAIN with DOMAIN one of {', '.join(domains)}."
        )
    return Place(spec, entry, _domain(entry.dataset, domain) if domain else domains[0])


def _domain(dataset: Dataset, name: str) -> str:
    domains: Sequence[str] = dataset.domains
    if name not in domains:
        raise ParameterError(
            f"{dataset.label} has no domain {name!r}.{near_miss(name, domains)} It has: {', '.join(domains)}."
        )
    return name


def _checked(place: Place) -> Place:
    """Look at the training split as a run does before anything is trained."""
    with blamed(f"dataset {place.dataset.name}"):
        check_classes(place.dataset)
        check_loads_alike(place.dataset, place.domain, "train")
        _ = place.labels
    return place
