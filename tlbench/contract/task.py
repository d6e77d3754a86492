"""Define what a strategy is given: labelled and unlabelled inputs, never a test split, a path or a dataset's name."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Labelled:
    """Hold inputs with their labels.

    From a dataset: a sequence of raw examples, and int64 numpy labels of shape (N,).
    In a task: an encoded tensor of shape (N, ...), and an int64 tensor of shape (N,).
    """

    inputs: Any
    labels: Any

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Source:
    """Hold the labelled source side that `Strategy.prepare` is given."""

    train: Labelled
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FurtherLabels:
    """Hold another label of each labelled example: an int64 tensor of a further column, rows as in `Task.train`."""

    name: str
    classes: tuple[str, ...]  # labels are positions in here
    labels: "Tensor"


@dataclass(frozen=True, eq=False)
class Task:
    """Describe one learning problem. What the strategy did not require is None."""

    classes: tuple[str, ...]  # labels are positions in here
    train: Labelled  # the labelled target examples of the budget, validation taken out
    val: Labelled | None = None  # carved out of the same budget
    unlabelled: "Tensor | None" = None  # inputs of the target's training split
    source: Labelled | None = None
    source_classes: tuple[str, ...] | None = None
    queries: "Tensor | None" = None  # the test inputs, for transductive methods alone
    further: tuple[FurtherLabels, ...] | None = None  # other labels of the examples in `train`


@dataclass(frozen=True, eq=False)
class Member:
    """Describe a variant whose stored predictions an ensemble combines."""

    variant: str
    validation: Labelled | None  # its logits (N, C) on the validation labels, where the protocol keeps any


@dataclass(frozen=True, eq=False)
class Episodes:
    """Describe a stream of n-way k-shot episodes drawn from labelled data (Vinyals et al., 2016, arXiv:1606.04080)."""

    data: Labelled
    n_way: int
    k_shot: int
    n_query: int

    def __post_init__(self) -> None:
        if min(self.n_way, self.k_shot, self.n_query) < 1:
            raise ValueError("n_way, k_shot and n_query must be at least 1")


@dataclass(frozen=True, eq=False)
class Episode:
    """Hold one sampled task: labels are 0 to n_way - 1 in both parts."""

    support: Labelled  # n_way * k_shot examples
    query: Labelled  # n_way * n_query examples
