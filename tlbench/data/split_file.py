"""Divide a dataset by content once, write the division down, and read it back the same for everybody.

An example is named by the digest of its content, never by its place, so that a table serves a colleague whose files
are called otherwise. What must not be parted stays together: copies of an example, and examples of one group.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tlbench.contract import Dataset
from tlbench.errors import DataError
from tlbench.names import plural
from tlbench.seeds import derive

SPLITS = ("train", "val", "test")
_COLUMNS = ["domain", "example", "part"]


@dataclass(frozen=True, eq=False)
class SplitTable:
    """Assign every example its part: a split's name, or the number of a fold."""

    parts: Mapping[tuple[str, str], str]  # (domain, digest of the example) -> part

    @cached_property
    def folds(self) -> int:
        """Return the number of folds; 0 where the parts are splits."""
        names = set(self.parts.values())
        return 0 if names & set(SPLITS) else len(names)

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the table's content, whatever the order of its lines."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Return the table as CSV with the columns domain, example and part, sorted."""
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(sorted((*key, part) for key, part in self.parts.items()))
        return target.getvalue()


def read_split_table(path: Path) -> SplitTable:
    """Read what `SplitTable.text` wrote; raise DataError where a file is no such table."""
    where = f"split file {path}"
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{where} cannot be read: {error}.") from None
    if not rows or rows[0] != _COLUMNS:
        raise DataError(
            f"{where} does not begin with the columns {','.join(_COLUMNS)}. `tlbench data split` writes it."
        )
    parts: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            raise DataError(f"{where}, line {number}: {len(row)} values in the place of {len(_COLUMNS)}.")
        domain, example, part = row
        if parts.setdefault((domain, example), part) != part:
            raise DataError(f"{where}, line {number}: example {example[:12]} is in {part!r} and in another part too.")
    _check_parts(set(parts.values()), where)
    return SplitTable(parts)


def _check_parts(names: set[str], where: str) -> None:
    if names <= set(SPLITS) and {"train", "test"} <= names:
        return
    if names and names == {str(number) for number in range(len(names))} and len(names) > 1:
        return
    raise DataError(
        f"{where} has the parts {', '.join(sorted(names)[:5]) or 'none'}; they must be train, test (and val), "
        f"or the numbers of folds from 0 on."
    )


@dataclass(frozen=True, eq=False)
class _Examples:
    """All examples of a dataset, in an order that depends on their content alone."""

    keys: list[tuple[str, str]]  # domain and digest
    strata: np.ndarray  # one number for each class of each domain, int64 (N,)
    units: np.ndarray  # one number for what must stay together, int64 (N,)
    names: list[str]  # of the strata, for messages


def own_splits(dataset: Dataset) -> SplitTable:
    """Return the splits that a dataset has; raise DataError where copies of an example stand in several."""
    parts: dict[tuple[str, str], str] = {}
    for domain in dataset.domains:
        for split in dataset.splits(domain):
            for row, digest in enumerate(dataset.digests(domain, split)):
                if parts.setdefault((domain, digest), split) != split:
                    raise DataError(
                        f"{dataset.label}: {dataset.sources(domain, split)[row]} is in {split} and, byte for byte, in "
                        f"{parts[domain, digest]} too. Remove the copy, or draw new splits with --folds or --test."
                    )
    return SplitTable(parts)


def draw_folds(dataset: Dataset, folds: int, seed: int) -> SplitTable:
    """Divide all examples of a dataset into folds, stratified by class and domain, groups and copies kept whole.

    Raises DataError where a class has too few separate examples. The drawing is scikit-learn's.
    """
    examples = _examples(dataset)
    numbers = _folds(examples, folds, seed, dataset.label)
    return SplitTable({key: str(number) for key, number in zip(examples.keys, numbers.tolist(), strict=True)})


def draw_split(dataset: Dataset, test: float, val: float, seed: int) -> SplitTable:
    """Divide all examples once into train, test and (where `val` is above 0) val, with about these shares.

    A share is rounded to one in a whole number: 0.3 gives a third.
    """
    examples = _examples(dataset)
    in_test = _folds(examples, _one_in(test), derive(seed, "test"), dataset.label) == 0
    parts = np.where(in_test, "test", "train").astype(object)
    if val:
        rest = np.flatnonzero(~in_test)
        inner = _Examples([], examples.strata[rest], examples.units[rest], examples.names)
        in_val = _folds(inner, _one_in(val / (1 - test)), derive(seed, "val"), dataset.label) == 0
        parts[rest[in_val]] = "val"
    return SplitTable({key: str(part) for key, part in zip(examples.keys, parts.tolist(), strict=True)})


def _one_in(share: float) -> int:
    return max(2, round(1 / share))


def _examples(dataset: Dataset) -> _Examples:
    rows: list[tuple[str, str, int, str]] = []
    for domain in dataset.domains:
        for split in dataset.splits(domain):
            digests = dataset.digests(domain, split)
            groups = dataset.groups(domain, split) or [""] * len(digests)
            labels = np.asarray(dataset.load(domain, split).labels).tolist()
            rows += zip([domain] * len(digests), digests, labels, groups, strict=True)
    rows.sort(key=lambda row: (row[1], row[0], row[2], row[3]))
    position = {domain: index for index, domain in enumerate(dataset.domains)}
    classes = len(dataset.classes)
    several = len(dataset.domains) > 1
    return _Examples(
        [(domain, digest) for domain, digest, _, _ in rows],
        np.array([position[domain] * classes + label for domain, _, label, _ in rows], dtype=np.int64),
        _units([digest for _, digest, _, _ in rows], [group for *_, group in rows]),
        [f"{name!r}" + (f" of {domain}" if several else "") for domain in dataset.domains for name in dataset.classes],
    )


def _units(digests: list[str], groups: list[str]) -> np.ndarray:
    """Return a number per example, equal where two are copies, of one group, or joined by such; int64 (N,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(digests)
    ties: dict[tuple[str, str], int] = {}
    pairs = [
        (row, count + ties.setdefault(tie, len(ties)))
        for row, (digest, group) in enumerate(zip(digests, groups, strict=True))
        for tie in [("digest", digest), *([("group", group)] if group else [])]
    ]
    one, other = np.array(pairs, dtype=np.int64).T
    size = count + len(ties)
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (one, other)), shape=(size, size))
    _, numbers = connected_components(graph, directed=False)
    found: np.ndarray = numbers[:count].astype(np.int64)
    return found


def _folds(examples: _Examples, folds: int, seed: int, label: str) -> np.ndarray:
    """Return the number of each example's fold, int64 (N,)."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    strata, units = examples.strata, examples.units
    separate = {number: len(np.unique(units[strata == number])) for number in np.unique(strata).tolist()}
    scarce = min(separate, key=lambda number: (separate[number], number))
    if separate[scarce] < folds:
        raise DataError(
            f"{label}: {folds} folds need as many separate examples of each class (copies and members of one group "
            f"count once); class {examples.names[scarce]} has {separate[scarce]}. Use fewer folds, or add images."
        )
    alone = len(np.unique(units)) == len(units)  # then the plain one does, which is much faster
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed % 2**32)
    numbers = np.empty(len(strata), dtype=np.int64)
    nothing = np.zeros(len(strata))
    for number, (_, rows) in enumerate(splitter.split(nothing, strata, None if alone else units)):
        numbers[rows] = number
    for number in range(folds):
        missing = set(np.unique(strata).tolist()) - set(np.unique(strata[numbers != number]).tolist())
        if missing or not (numbers == number).any():
            name = examples.names[min(missing)] if missing else "any"
            raise DataError(
                f"{label}: with {folds} folds all examples of class {name} would fall into one, since whole groups "
                f"move together. Use fewer folds."
            )
    return numbers


def rows_by_split(
    table: SplitTable, dataset: Dataset, domain: str, fold: int
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """Return, by new split, which rows of the dataset's own splits make it up.

    With folds, fold number `fold` is `test` and the others are `train`. Raises DataError where an example is not in
    the table, or the table holds examples that the domain has not.
    """
    found: dict[str, list[tuple[str, np.ndarray]]] = {}
    met: set[str] = set()
    for own in dataset.splits(domain):
        digests = dataset.digests(domain, own)
        met.update(digests)
        lacking = [row for row, digest in enumerate(digests) if (domain, digest) not in table.parts]
        if lacking:
            raise DataError(
                f"{dataset.label}: the split file lacks {plural(len(lacking), 'example')} of these data, such as "
                f"{dataset.sources(domain, own)[lacking[0]]}. It was made for other data; make one by "
                f"`tlbench data split`."
            )
        parts = np.array([table.parts[domain, digest] for digest in digests])
        if table.folds:
            parts = np.where(parts == str(fold), "test", "train")
        for name in SPLITS:
            if (parts == name).any():
                found.setdefault(name, []).append((own, np.flatnonzero(parts == name)))
    spare = [example for where, example in table.parts if where == domain and example not in met]
    if spare:
        raise DataError(
            f"{dataset.label}: the split file names {plural(len(spare), 'example')} that these data have not, such as "
            f"{spare[0][:12]}. Images are missing or have changed."
        )
    if not {"train", "test"} <= found.keys():
        raise DataError(f"{dataset.label}: the split file leaves {domain!r} without training or without test examples.")
    return found
