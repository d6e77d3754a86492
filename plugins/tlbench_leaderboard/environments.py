"""Say how far logits may move between environments: what `benchmarks/environments.py` measured, with a margin."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlbench import Record

TABLE = Path(__file__).with_name("environments.csv")
FACTOR = 10  # what was measured is taken so many times: other networks, data and machines than those of the table
TIES = 0.001  # of the predictions: answers so near to each other that rounding decides
ROUNDING = 1e-6  # of the largest logit: what float32 sums in another order differ by, where nothing was measured

OTHER, OTHER_TRAINED = "other", "other training"  # kinds that the table has no line of
TRAINED = ("fine-tuning", "sensitive")  # kinds that are trained by gradients, and so depend on the steps
MACHINE, TORCH = "machine", "torch"  # what two environments may differ in; the table has several lines of a machine


@dataclass(frozen=True)
class Line:
    """Hold the largest distances that one kind of strategy had under one kind of change."""

    kind: str
    change: str
    steps: int  # of training by gradients; 0 of what is not trained so
    relative: float  # distance of logits, of the largest
    share: float  # of predictions that changed
    strategies: frozenset[str]


@dataclass(frozen=True)
class Bound:
    """Say how far a rerun may be, and whether this very kind of strategy, change and length was measured."""

    relative: float
    share: float
    is_measured: bool

    @property
    def says_something(self) -> bool:
        """Tell whether it is narrow enough for a forged result to lie outside."""
        return self.share < 0.5

    def allows(self, relative: float, changed: int, items: int) -> bool:
        """Tell whether a distance and a number of changed predictions lie within."""
        return relative <= self.relative and changed <= max(1, TIES * items, self.share * items)


@cache
def table() -> tuple[Line, ...]:
    """Return the lines of the stored table."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(
            Line(
                kind=each["kind"],
                change=each["change"] if each["change"] == TORCH else MACHINE,
                steps=int(each["steps"] or 0),
                relative=float(each["relative"]),
                share=float(each["share_changed"]),
                strategies=frozenset(each["strategies"].split()),
            )
            for each in csv.DictReader(file)
        )


def kind_of(record: "Record") -> str:
    """Return the kind of strategy that a record, made here, is of, as far as the table has it by name.

    What trains parameters by gradients, or does not, is no kind of the other sort, whatever its name.
    """
    is_trained, name = bool(record.costs.get("parameters_trained")), record.identity["strategy"]["name"]
    lines = [line for line in table() if (line.kind in TRAINED) == is_trained]
    return next((line.kind for line in lines if name in line.strategies), OTHER_TRAINED if is_trained else OTHER)


def steps_of(record: "Record") -> int:
    """Return the optimiser steps of a record's recipe."""
    from tlbench import Recipe

    recipe = Recipe(**record.identity["recipe"])
    return recipe.for_labels(int(record.ledger.get("train_labels", 0))).steps


def bound(kind: str, changes: Iterable[str], steps: int) -> Bound:
    """Return how far logits may be where environments differ in `changes`; what was not measured has the widest."""
    wanted, is_trained = set(changes), kind in (*TRAINED, OTHER_TRAINED)
    if TORCH in wanted:
        wanted.add(MACHINE)  # another torch may choose other kernels on the same machine
    lines = [line for line in table() if line.kind == kind and line.change in wanted]
    is_measured = bool(lines) and wanted <= {line.change for line in lines}
    if kind in TRAINED:
        longest = max((line.steps for line in table() if line.kind == kind), default=0)
        is_measured = is_measured and steps <= longest
        enough = min((line.steps for line in lines if line.steps >= steps), default=longest)
        lines = [line for line in lines if line.steps <= enough]
    if not lines:
        alike = [line for line in table() if (line.kind in TRAINED) == is_trained]
        lines = [line for line in alike if line.kind == kind] or alike
    return Bound(
        FACTOR * max([ROUNDING, *(line.relative for line in lines)]),
        FACTOR * max((line.share for line in lines), default=0.0),
        is_measured,
    )
