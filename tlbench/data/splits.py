"""Divide one dataset in one replicate: choose the rows of its own splits that make up train, val and test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tlbench.contract import Dataset, SplitRule
from tlbench.data.split_file import SplitTable, draw_folds, read_split_table, rows_by_split
from tlbench.errors import PlanError
from tlbench.names import plural
from tlbench.seeds import derive

Parts = tuple[tuple[str, np.ndarray | None], ...]  # own splits, and which of their rows; None for all


@dataclass(frozen=True, eq=False)
class Division:
    """Divide a dataset into splits under a rule, in one replicate."""

    dataset: Dataset
    own_labels: Callable[[str, str], np.ndarray]  # of the dataset's own splits
    table: SplitTable | None = None  # None: the dataset's own splits
    fold: int = 0

    @cached_property
    def _rows(self) -> dict[str, Mapping[str, list[tuple[str, np.ndarray]]]]:
        return {}

    def _found(self, domain: str) -> Mapping[str, list[tuple[str, np.ndarray]]]:
        assert self.table is not None
        if domain not in self._rows:
            self._rows[domain] = rows_by_split(self.table, self.dataset, domain, self.fold)
        return self._rows[domain]

    def splits(self, domain: str) -> tuple[str, ...]:
        """Return the splits of a domain."""
        return self.dataset.splits(domain) if self.table is None else tuple(self._found(domain))

    def parts(self, domain: str, split: str) -> Parts:
        """Return which rows of which own splits make up a split."""
        return ((split, None),) if self.table is None else tuple(self._found(domain)[split])

    def labels(self, domain: str, split: str) -> np.ndarray:
        """Return the labels of a split, int64 (N,)."""
        found = [
            self.own_labels(domain, own) if rows is None else self.own_labels(domain, own)[rows]
            for own, rows in self.parts(domain, split)
        ]
        return found[0] if len(found) == 1 else np.concatenate(found)

    @property
    def identity(self) -> dict[str, Any] | None:
        """Return what stands for it in a cell's identity; None for a dataset's own splits: its fingerprint says all."""
        if self.table is None:
            return None
        folds = {"folds": self.table.folds, "fold": self.fold} if self.table.folds else {}
        return {"digest": self.table.digest, **folds}


def table_for(rule: SplitRule, dataset: Dataset, fingerprint: str, seed: int, repetition: int) -> SplitTable:
    """Return the table of a rule other than `given`: read from its file, or drawn anew for each repetition."""
    if rule.file is not None:
        return read_split_table(rule.file)
    return draw_folds(dataset, rule.folds, derive(seed, "folds", dataset=fingerprint, repetition=repetition))


def divide(
    rule: SplitRule,
    dataset: Dataset,
    own_labels: Callable[[str, str], np.ndarray],
    table: Callable[[int], SplitTable],
    replicate: int,
) -> Division:
    """Return the division of a replicate: it tests on fold `replicate`, and after all folds on those of a new drawing.

    `table` returns that of a repetition. Raises PlanError where a file holds fewer folds than there are replicates.
    """
    if rule.is_given:
        return Division(dataset, own_labels)
    folds = rule.folds or table(0).folds
    if not folds:
        return Division(dataset, own_labels, table(0))
    repetition, fold = divmod(replicate, folds)
    if repetition and rule.file is not None:
        raise PlanError(f"{rule.file} holds {plural(folds, 'fold')}: use --replicates {folds}, or fewer.")
    return Division(dataset, own_labels, table(repetition), fold)
