"""Make once what several reports of the same results need."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from tlbench import Results

Rest = ParamSpec("Rest")
Made = TypeVar("Made")


def once(make: "Callable[Concatenate[Results, Rest], Made]") -> "Callable[Concatenate[Results, Rest], Made]":
    """Make a function return what it made before for the same results and further arguments, which can be hashed.

    It is forgotten with the results, and not to be changed.
    """
    every: WeakKeyDictionary[Results, dict[Hashable, Made]] = WeakKeyDictionary()

    @wraps(make)
    def found(results: "Results", *rest: Rest.args, **named: Rest.kwargs) -> Made:
        made = every.setdefault(results, {})
        key = (rest, tuple(named.items()))
        if key not in made:
            made[key] = make(results, *rest, **named)
        return made[key]

    return found
