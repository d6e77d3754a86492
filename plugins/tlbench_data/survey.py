"""Read every example once, in a few threads, and keep the facts of each: never more images than threads."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tlbench import Column, DataError, Dataset, PluginError, TlbenchError, track
from tlbench.data import DECODERS
from tlbench.host import blamed, cause_of
from tlbench_data.look import Look, look_at
from tlbench_data.opening import Opened, Opener

_AHEAD = 64  # looks that may wait for their turn


@dataclass(frozen=True, slots=True)
class Row:
    """Describe one example."""

    domain: str
    split: str
    label: int
    position: int  # in its split
    source: str
    digest: str  # empty where it was not asked for: of a sample, where digests need reading
    group: str | None
    look: Look | None  # None for an example outside of the sample


@dataclass(frozen=True, eq=False)
class Survey:
    """Hold everything that was found out about a dataset, example by example."""

    opened: Opened
    rows: tuple[Row, ...]
    splits: Mapping[str, tuple[str, ...]]  # by domain
    columns: Mapping[tuple[str, str], Mapping[str, Column]]  # further labels, by domain and split
    passed_over: tuple[tuple[str, str], ...]

    @property
    def dataset(self) -> Dataset:
        """Return the dataset itself."""
        return self.opened.dataset

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return tuple(map(str, self.dataset.classes))

    @cached_property
    def counts(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Return the number of examples of each class, by domain and split."""
        found = {(domain, split): [0] * len(self.classes) for domain, names in self.splits.items() for split in names}
        for row in self.rows:
            found[row.domain, row.split][row.label] += 1
        return {key: tuple(counts) for key, counts in found.items()}

    @cached_property
    def split_names(self) -> tuple[str, ...]:
        """Return all splits, train and test first."""
        return tuple(dict.fromkeys(name for names in self.splits.values() for name in names))

    @cached_property
    def looks(self) -> list[tuple[Row, Look]]:
        """Return the examples that could be read, with their facts."""
        return [(row, row.look) for row in self.rows if row.look is not None and not row.look.problem]

    @cached_property
    def unreadable(self) -> list[tuple[Row, Look]]:
        """Return the examples that could not be read."""
        return [(row, row.look) for row in self.rows if row.look is not None and row.look.problem]

    @property
    def looked_at(self) -> int:
        """Return how many examples were read."""
        return len(self.looks) + len(self.unreadable)

    @property
    def sampled(self) -> bool:
        """Tell whether some examples were not read."""
        return self.looked_at < len(self.rows)

    def where(self, row: Row) -> str:
        """Return domain and split as messages name them."""
        return row.split if len(self.splits) == 1 else f"{row.domain} {row.split}"


class _DamagedError(TlbenchError):
    """An example that cannot be read, of a dataset that can leave such out."""


def survey(opener: Opener, sample: int | None) -> Survey:
    """Return what a dataset holds; read tolerantly where a run would refuse it.

    Raises DataError where it cannot be read at all, PluginError where the dataset's own code fails.
    """
    opened = opener.strictly()
    with blamed(f"dataset {opener.dataset.name}"):
        if opened.refusal or not opener.has_tolerance:
            return _read(opened, sample, stops_at_damage=False)
        try:
            return _read(opened, sample, stops_at_damage=True)
        except _DamagedError as damage:
            tolerant = opener.tolerantly(str(damage))
            return _read(tolerant, sample, stops_at_damage=False)


def _read(opened: Opened, sample: int | None, stops_at_damage: bool) -> Survey:
    """Read all examples; with `stops_at_damage` raise _DamagedError at the first that cannot be read."""
    dataset = opened.dataset
    splits = {str(domain): tuple(dataset.splits(domain)) for domain in dataset.domains}
    parts = [(domain, split) for domain, names in splits.items() for split in names]
    labels = [_labels(opened, domain, split) for domain, split in parts]
    chosen = _spread([len(each) for each in labels], sample)
    rows: list[Row] = []
    total, done = sum(map(len, chosen)), 0
    for (domain, split), own, positions in zip(parts, labels, chosen, strict=True):
        if not len(own):
            continue
        looks: dict[int, Look] = {}
        found = _looks(dataset.load(domain, split).inputs, positions)
        for position, look in track(found, "looking at examples", total, done):
            if look.problem and stops_at_damage:
                raise _DamagedError(look.problem)
            looks[position] = look
        done += len(positions)
        rows += _rows(dataset, domain, split, own, looks)
    whole = Survey(
        opened, tuple(rows), splits, {part: dataset.columns(*part) for part in parts},
        tuple((str(name), str(reason)) for name, reason in dataset.passed_over()),
    )  # fmt: skip
    if not whole.looks:
        reason = whole.unreadable[0][1].problem if whole.unreadable else opened.refusal or "it holds no examples"
        raise DataError(f"{dataset.label}: none of its examples can be read: {reason}")
    return whole


def _labels(opened: Opened, domain: str, split: str) -> np.ndarray:
    """Return the labels of a split, int64 (N,); none where it is empty, which a run would refuse."""
    if opened.refusal and len(opened.dataset.load(domain, split)) == 0:
        return np.empty(0, dtype=np.int64)
    return opened.entry.labels(domain, split)


def _spread(lengths: Sequence[int], sample: int | None) -> list[list[int]]:
    """Return the positions to look at in each part: all, or a sample evenly spread over everything."""
    total = sum(lengths)
    if sample is None or sample >= total:
        return [list(range(length)) for length in lengths]
    chosen = np.arange(sample) * total // sample
    ends = np.cumsum(lengths)
    return [
        (chosen[(chosen >= end - length) & (chosen < end)] - (end - length)).tolist()
        for length, end in zip(lengths, ends, strict=True)
    ]


def _looks(inputs: Any, positions: Sequence[int]) -> Iterator[tuple[int, Look]]:
    """Yield each position with its facts, in order, while threads read ahead."""
    pool = ThreadPoolExecutor(DECODERS)
    try:
        waiting: deque[tuple[int, Future[Look]]] = deque()
        for position in positions:
            waiting.append((position, pool.submit(_look, inputs, position)))
            if len(waiting) == _AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        for position, future in waiting:
            yield position, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _look(inputs: Any, position: int) -> Look:
    try:
        return look_at(inputs[position])
    except Exception as error:  # a dataset of anybody's may raise anything; the other examples are still looked at
        return Look(problem=cause_of(error))


def _rows(dataset: Dataset, domain: str, split: str, labels: np.ndarray, looks: Mapping[int, Look]) -> Iterator[Row]:
    count = len(labels)
    sources = _of_length(dataset.sources(domain, split), count, dataset, "sources")
    groups = dataset.groups(domain, split)
    if groups is not None:
        groups = _of_length(groups, count, dataset, "groups")
    if type(dataset).digests is Dataset.digests:  # which reads everything again, to the same end
        digests = [looks[position].content if position in looks else "" for position in range(count)]
    else:
        digests = list(_of_length(dataset.digests(domain, split), count, dataset, "digests"))
    for position in range(count):
        yield Row(
            domain, split, int(labels[position]), position, str(sources[position]), digests[position],
            None if groups is None else str(groups[position]), looks.get(position),
        )  # fmt: skip


def _of_length(values: Any, count: int, dataset: Dataset, what: str) -> Any:
    if len(values) != count:
        raise PluginError(
            f"dataset {dataset.name!r}: {what}(domain, split) gives {len(values)} values for {count} examples. "
            f"One for each is needed, in the order of load()."
        )
    return values
