"""Name in a suite the data that a user points at: `photos` becomes `folder:photos`, with its options."""

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench import DataError, Dataset, ParameterError, near_miss
from tlbench.names import parse_spec

if TYPE_CHECKING:
    from tlbench.host import Catalog

_KINDS = {
    ".zip": "zip",
    ".npz": "npz",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".tar": "tar",
    ".tgz": "tar",
    ".gz": "tar",
    ".bz2": "tar",
    ".xz": "tar",
}
_SHARD_LABELS = (".cls", ".json", ".txt")  # what stands beside the images of a WebDataset shard
_MOST_DEEP = 3  # folders around everything that are looked through
_UNPRINTABLE_IN_A_SPEC = ("?", "[", "]")


@dataclass(frozen=True)
class Understood:
    """Hold a dataset as a suite names it, and what was concluded from what lies there."""

    spec: str
    dataset: Dataset
    remarks: tuple[str, ...]


def understand(text: str, catalog: "Catalog") -> Understood:
    """Return the dataset that a path or a spec stands for; raise a TlbenchError where it cannot be told.

    Nothing but names and headers is read.
    """
    if _is_spec(text, catalog):
        return Understood(text, catalog.dataset(text)[0], ())
    for letter in _UNPRINTABLE_IN_A_SPEC:
        if letter in text:
            raise ParameterError(f"{text!r}: a path with {letter!r} cannot stand in a suite. Rename it, or link to it.")
    path = Path(text)
    kind = _kind(path.expanduser(), catalog)
    return _opened(kind, path, catalog)


def _is_spec(text: str, catalog: "Catalog") -> bool:
    if Path(text).expanduser().exists():
        return False
    head, colon, _ = text.partition(":")
    if colon and len(head) > 1:  # one letter is a drive
        return True
    try:
        return parse_spec(text).name in catalog.datasets
    except ParameterError:
        return False


def _kind(path: Path, catalog: "Catalog") -> str:
    """Return which dataset reads a path; raise DataError for one that none reads."""
    if not path.exists():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        known = "" if path.parent != Path() else " It is no installed dataset either (`tlbench list datasets`)."
        hint = near_miss(path.name, [*siblings, *catalog.datasets])
        raise DataError(f"there is no {str(path)!r}.{hint}{known}")
    if path.is_dir():
        return "folder"
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path} is no data that can be read. Name a folder, or a {', '.join(_KINDS)} file.")
    if kind == "zip" and _members_end(path, ".npy"):
        kind = "npz"
    if kind == "tar" and "webdataset" in catalog.datasets and _is_shard(path):
        kind = "webdataset"
    if kind not in catalog.datasets:
        raise DataError(f"{path} would be read by the dataset {kind!r}, which is not installed.")
    return kind


def _members_end(path: Path, suffix: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False  # its own reader says why
    return bool(names) and all(name.endswith(suffix) for name in names)


def _is_shard(path: Path) -> bool:
    """Tell whether a tar begins as a WebDataset shard does: one stem in several files, one of them a label."""
    try:
        with tarfile.open(path) as archive:
            first = [member.name for _, member in zip(range(8), archive, strict=False) if member.isfile()]
    except (OSError, tarfile.TarError, EOFError):
        return False
    stems = [name.rpartition(".")[0] for name in first]
    return any(name.endswith(_SHARD_LABELS) for name in first) and len(set(stems)) < len(stems)


def _opened(kind: str, path: Path, catalog: "Catalog") -> Understood:
    """Open with the reading that fits: domains where there are any, folders around everything looked through."""
    refusal: DataError | None = None
    for depth, place in enumerate(_around(kind, path)):
        for option in ("", "?domains") if kind in ("folder", "zip", "tar") else ("",):
            spec = f"{kind}:{place}{option}"
            try:
                dataset = catalog.dataset(spec)[0]
                domains, classes = tuple(dataset.domains), tuple(dataset.classes)
            except DataError as error:
                refusal = refusal or error
                continue
            if (option and len(domains) < 2) or (not option and _has_domains(f"{spec}?domains", catalog, kind)):
                continue
            remarks = [f"The images lie in {place}."] if depth else []
            if option:
                remarks.append(f"Folders on top that hold the same {len(classes)} class folders are domains.")
            elif len(domains) > 1:
                remarks.append(f"It has {len(domains)} domains.")
            return Understood(spec, dataset, tuple(remarks))
    assert refusal is not None
    raise refusal


def _around(kind: str, path: Path) -> Iterator[Path]:
    """Yield a path, and while a folder holds one folder alone, that one."""
    yield path
    for _ in range(_MOST_DEEP if kind == "folder" else 0):
        inside = [item for item in path.expanduser().iterdir() if not item.name.startswith((".", "__"))]
        if len(inside) != 1 or not inside[0].is_dir():
            return
        path = path / inside[0].name
        yield path


def _has_domains(spec: str, catalog: "Catalog", kind: str) -> bool:
    """Tell whether the folders on top hold the same two or more class folders each."""
    if kind not in ("folder", "zip", "tar"):
        return False
    try:
        dataset = catalog.dataset(spec)[0]
        return len(dataset.domains) > 1 and len(dataset.classes) > 1
    except DataError:
        return False
