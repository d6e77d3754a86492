"""Describe which values of a strategy's parameters a tuning may try, and for how long."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tlbench.errors import ParameterError, PluginError

TUNING_VERSION = "1"  # raised when the same budget would try something else; part of a tuned cell's identity


@dataclass(frozen=True)
class Between:
    """Describe a range from `low` to `high`: logarithmic unless told otherwise, whole where both ends are whole."""

    low: float
    high: float
    log: bool = True

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"Between({self.low}, {self.high}): low must be below high, and above 0 where log is true")

    def __str__(self) -> str:
        return f"from {self.low:g} to {self.high:g}" + (" (log scale)" if self.log else "")


@dataclass(frozen=True)
class OneOf:
    """List the few values that a parameter may take."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise ValueError("OneOf needs two values or more")

    def __str__(self) -> str:
        return f"of {', '.join(map(str, self.values))}"


SearchSpace = Mapping[str, Between | OneOf]  # by field


@dataclass(frozen=True)
class TuningBudget:
    """Set how much a tuning may try, the same for every strategy: so many trials, or so many seconds."""

    trials: int = 0
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: "str | int | TuningBudget") -> "TuningBudget":
        """Read `20`, `20 trials`, `60s` or `60 seconds`; raise ParameterError otherwise."""
        if isinstance(text, TuningBudget):
            return text
        spelled = str(text).strip().lower()
        if (match := re.fullmatch(r"(\d+)(?: ?trials?)?", spelled)) and int(match.group(1)) > 1:
            return cls(trials=int(match.group(1)))
        if (match := re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:s|seconds?)", spelled)) and float(match.group(1)) > 0:
            return cls(seconds=float(match.group(1)))
        raise ParameterError(
            f"{text!r} is no tuning budget. Write 20 (trials, 2 or more, the defaults among them), or 60s (seconds)."
        )

    def __str__(self) -> str:
        return f"{self.trials} trials" if self.trials else f"{self.seconds:g} seconds"


def check_search_space(cls: type, fields: Mapping[str, Any]) -> None:
    """Raise PluginError where a class's `search_space` names what is no parameter, or is no range."""
    space = getattr(cls, "search_space", {})
    if not isinstance(space, Mapping):
        raise PluginError(f"class {cls.__name__}: search_space is a mapping, as {{'lr': Between(1e-4, 1e-1)}}.")
    for name, values in space.items():
        if name not in fields:
            raise PluginError(
                f"class {cls.__name__}: search_space names {name!r}, which is no parameter; it has "
                f"{', '.join(fields) or 'none'}."
            )
        if not isinstance(values, (Between, OneOf)):
            raise PluginError(
                f"class {cls.__name__}: search_space[{name!r}] must be Between(low, high) or OneOf((..))."
            )
