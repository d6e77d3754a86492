"""Name the rules of the kit, and raise an error that tells of a broken one."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tlbench.testing.error import ConformanceError


class Check(NamedTuple):
    """Hold a rule: its name reads as a sentence; `run` raises ConformanceError where it is broken."""

    name: str
    run: Callable[..., None]
    in_a_run: bool = False  # whether it looks at a small run: of a strategy as it is given, not of its other variants


def checks_of(rules: Iterable[Callable[..., None]], *, in_a_run: bool = False) -> tuple[Check, ...]:
    """Return rules under their names."""
    return tuple(Check(rule.__name__.replace("_", " "), rule, in_a_run) for rule in rules)


def hold(kept: Any, name: str, sentence: str) -> None:
    """Raise ConformanceError, naming the plugin, unless a rule is kept."""
    if not kept:
        raise ConformanceError(f"{name}: {sentence}")
