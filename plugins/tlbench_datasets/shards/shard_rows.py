"""Say what the samples of WebDataset shards say of their images: class, split, domain and group."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tlbench import DataError, plural, shown, some
from tlbench_datasets.images import MOST_BYTES
from tlbench_datasets.listing import is_split
from tlbench_datasets.shards.samples import BadSampleError, Sample, Shards, image_extension, value_of
from tlbench_datasets.shards.shard_classes import ClassNames, same_spelling


@dataclass(frozen=True)
class Told:
    """Hold what the user says of the samples; empty where the usual names decide."""

    image: str = ""  # extension
    label: str = ""  # extension or field
    group: str = ""  # fields
    domain: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Describe one image with what its sample says."""

    source: str
    label: str
    domain: str
    split: str
    group: str  # empty where there are none


def rows_of(
    shards: Shards, told: Told, names: ClassNames | None, tolerant: bool
) -> tuple[list[Row], list[tuple[str, str]]]:
    """Return the rows, and the samples that cannot be used with the reasons.

    Raises DataError for such samples unless `tolerant`, and where it is in doubt which split a shard belongs to.
    """
    bad: list[tuple[str, str]] = []
    rows: list[Row] = []
    splits = {} if told.split else _splits_of_shards(shards)
    for sample in shards.samples:
        try:
            rows.append(_row(shards, sample, told, splits))
        except BadSampleError as problem:
            bad.append((sample.name, str(problem)))
    rows = [replace(row, label=label) for row, label in zip(rows, _labels(rows), strict=True)]
    if names is not None:
        rows = _named(rows, names, bad)
    _refuse(bad, len(shards.samples), shards.place, tolerant)
    return rows, bad


def _labels(rows: Sequence[Row]) -> list[str]:
    return same_spelling(row.label for row in rows)


def _row(shards: Shards, sample: Sample, told: Told, splits: Mapping[str, str]) -> Row:
    fields = _once(lambda: shards.fields(sample))
    extension = image_extension(sample, told.image)
    label = _label(shards, sample, told.label, fields)
    split = _split(value_of(fields(), told.split)) if told.split else splits[sample.shard.name]
    domain = value_of(fields(), told.domain) if told.domain else "all"
    group = value_of(fields(), told.group) if told.group else ""
    for what, value in (("class", label), ("domain", domain)):
        if not value.isprintable():
            raise BadSampleError(f"its {what} '{shown(value)}' cannot be printed")
    size = sample.files[extension].size
    if size == 0 or size > MOST_BYTES:
        raise BadSampleError(f"its .{extension} has {size:,} bytes")
    return Row(shards.use_image(sample, extension).path, label, domain, split, group)


def _once(read: Callable[[], Mapping[str, Any]]) -> Callable[[], Mapping[str, Any]]:
    """Return a function that reads a sample's .json when it is first asked for."""
    kept: list[Mapping[str, Any]] = []

    def get() -> Mapping[str, Any]:
        if not kept:
            kept.append(read())
        return kept[0]

    return get


def _label(shards: Shards, sample: Sample, told: str, fields: Callable[[], Mapping[str, Any]]) -> str:
    name = told or "cls"
    if name.lower() in sample.files:
        label = shards.text(sample, name.lower()).strip()
        if not label:
            raise BadSampleError(f"its .{name} is empty")
        return label
    if told:
        return value_of(fields(), told)
    if "json" not in sample.files:
        raise BadSampleError("it has no label: no .cls, and no .json with one")
    raise BadSampleError(f"it has no .cls. Write ?label=FIELD; its .json has: {some(sorted(fields()))}")


def _split(value: str) -> str:
    split = is_split(value)
    if split is None:
        raise BadSampleError(f"its split is '{shown(value)}', not train, val or test")
    return split


def _splits_of_shards(shards: Shards) -> dict[str, str]:
    """Return the split of each shard; all are `train` where no name tells one."""
    told = {shard.name: shard.split for shard in shards.paths}
    silent = [name for name, split in told.items() if split is None]
    if silent and len(silent) < len(told):
        other = next(name for name, split in told.items() if split is not None)
        raise DataError(
            f"{shards.place}: shard '{shown(silent[0])}' tells no split by its name, and '{shown(other)}' does. "
            "Begin all names with train-, val- or test-, or none."
        )
    splits = {name: split or "train" for name, split in told.items()}
    if "train" not in splits.values():
        raise DataError(
            f"{shards.place} has shards of {' and '.join(sorted(set(splits.values())))} only. Name those of train too."
        )
    return splits


def _named(rows: Sequence[Row], names: ClassNames, bad: list[tuple[str, str]]) -> list[Row]:
    by_position = names.by_position(row.label for row in rows)
    kept = []
    for row in rows:
        try:
            kept.append(replace(row, label=names.name_of(row.label, by_position)))
        except BadSampleError as problem:
            bad.append((row.source.rpartition(".")[0], str(problem)))
    return kept


def _refuse(bad: Sequence[tuple[str, str]], count: int, place: str, tolerant: bool) -> None:
    if bad and len(bad) == count:  # a mistake in what was asked, not in a sample
        name, problem = bad[0]
        raise DataError(f"{place}: no sample can be used. The first, '{shown(name)}': {problem}.".replace("?.", "?"))
    if bad and not tolerant:
        name, problem = bad[0]
        others = f" So are {len(bad) - 1:,} more." if len(bad) > 1 else ""
        raise DataError(
            f"{place}: sample '{shown(name)}' cannot be used: {problem}.{others} Mend what is broken, or add ?skip to "
            "leave it out."
        )


def require_complete(rows: Sequence[Row], place: str) -> None:
    """Raise DataError where a domain lacks train or a class, or its test split lacks one of train's, or the reverse."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        found[row.domain][row.split].add(row.label)
    if not rows:
        raise DataError(f"{place} holds no samples.")
    everything = {row.label for row in rows}
    if len(everything) < 2:
        raise DataError(f"{place} holds one class only, '{shown(*everything)}'; two are needed.")
    for domain, splits in found.items():
        where = place if domain == "all" else f"{place}: domain '{shown(domain)}'"
        if "train" not in splits:
            raise DataError(f"{where} has no training samples.")
        for split, classes in splits.items():
            lacking = sorted(everything - classes) if split != "val" else []
            if lacking:
                raise DataError(
                    f"{where}: {plural(len(lacking), 'class', 'classes')} of {len(everything)} without a {split} "
                    f"sample: {some(lacking)}. Every class needs some in train and in test."
                )
        extra = sorted(splits.get("val", set()) - splits["train"])
        if extra:
            raise DataError(f"{where}: class '{shown(extra[0])}' is in val but not in train.")
