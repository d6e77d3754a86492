"""Define label budgets: how many target labels a strategy may use, validation included; and episodes of few classes."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from tlbench.errors import ParameterError


class BudgetKind(Enum):
    """Name how the amount of a budget is counted."""

    SHOTS = "shots"  # labels of each class
    COUNT = "count"  # labels in all, stratified
    FRACTION = "fraction"  # share of the training split, stratified
    FULL = "full"  # the whole training split
    EPISODES = "episodes"  # labels of each of a few classes, drawn anew many times


@dataclass(frozen=True)
class Budget:
    """Describe a label budget: `0`, `5-shot`, `10%`, `1000`, `full`, or `5-way 1-shot` for episodes."""

    kind: BudgetKind
    amount: float = 0.0
    ways: int = 0  # classes of an episode

    @classmethod
    def parse(cls, text: "str | int | Budget") -> "Budget":
        """Read a budget as users spell it; raise ParameterError otherwise."""
        if isinstance(text, Budget):
            return text
        spelled = str(text).strip().lower()
        if spelled == "full":
            return cls(BudgetKind.FULL)
        if (match := re.fullmatch(r"(\d+)[- ]?ways?[-, ]*(\d+)[- ]?shots?", spelled)) and int(match.group(2)) > 0:
            if int(match.group(1)) < 2:
                raise ParameterError(f"{text!r}: an episode needs 2 ways or more.")
            return cls(BudgetKind.EPISODES, int(match.group(2)), int(match.group(1)))
        if match := re.fullmatch(r"(\d+)[- ]?shots?", spelled):
            amount = int(match.group(1))
            return cls(BudgetKind.SHOTS, amount) if amount else cls(BudgetKind.COUNT, 0)
        if (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", spelled)) and 0 < float(match.group(1)) <= 100:
            return cls(BudgetKind.FRACTION, float(match.group(1)))
        if re.fullmatch(r"\d+", spelled):
            return cls(BudgetKind.COUNT, int(spelled))
        raise ParameterError(
            f"{text!r} is not a label budget. Write 0, 5-shot (labels per class), 10%, 1000 (labels in all), full, "
            f"or 5-way 1-shot (episodes)."
        )

    def __str__(self) -> str:
        match self.kind:
            case BudgetKind.SHOTS:
                return f"{int(self.amount)}-shot"
            case BudgetKind.FRACTION:
                return format(Decimal(repr(self.amount)), "f").removesuffix(".0") + "%"  # 0.00001%, never 1e-05%
            case BudgetKind.COUNT:
                return f"{int(self.amount)}"
            case BudgetKind.FULL:
                return "full"
            case BudgetKind.EPISODES:
                return f"{self.ways}-way {int(self.amount)}-shot"

    @property
    def is_zero(self) -> bool:
        """Tell whether no target label may be used at all."""
        return self.kind is BudgetKind.COUNT and self.amount == 0

    @property
    def is_episodic(self) -> bool:
        """Tell whether the score is the mean over many small tasks."""
        return self.kind is BudgetKind.EPISODES

    def labels(self, class_counts: tuple[int, ...]) -> int:
        """Return how many labels this budget takes from a split with these class counts."""
        match self.kind:
            case BudgetKind.SHOTS:
                return int(self.amount) * len(class_counts)
            case BudgetKind.FRACTION:
                return max(1, round(sum(class_counts) * self.amount / 100))
            case BudgetKind.COUNT:
                return int(self.amount)
            case BudgetKind.FULL:
                return sum(class_counts)
            case BudgetKind.EPISODES:
                return int(self.amount) * self.ways

    def least_per_class(self, class_counts: tuple[int, ...]) -> int:
        """Return the labels that the worst-served class gets under this budget."""
        if self.kind in (BudgetKind.SHOTS, BudgetKind.EPISODES):
            return int(self.amount)
        labels = self.labels(class_counts)
        if labels >= sum(class_counts):
            return min(class_counts)
        scarce = labels < len(class_counts) or not min(class_counts)
        return 0 if scarce else _least_of_stratified(labels, class_counts)

    def order(self) -> tuple[int, int, float]:
        """Return a key that sorts budgets as a reader expects: 0, shots, counts, shares, full, episodes."""
        rank = list(BudgetKind).index(self.kind)
        return (-1, 0, 0.0) if self.is_zero else (rank, self.ways, self.amount)


@lru_cache(maxsize=64)
def _least_of_stratified(labels: int, class_counts: tuple[int, ...]) -> int:
    """Return the fewest of a class among so many labels: one of every class, then in proportion (data/sampling.py)."""
    import numpy as np

    counts = np.array(class_counts)
    further = [(np.arange(1, count) + 0.5) / count for count in class_counts]
    order = np.lexsort((np.repeat(np.arange(len(counts)), counts - 1), np.concatenate(further)))
    drawn = np.repeat(np.arange(len(counts)), counts - 1)[order[: labels - len(counts)]]
    return 1 + int(np.bincount(drawn, minlength=len(counts)).min())
