"""Make variants of a strategy: as shipped, and with each field that is a choice at each of its other values."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

from tlbench.contract import Strategy, fields_of
from tlbench.testing.error import ConformanceError


def variants_of(strategy: type[Strategy] | Strategy) -> list[Strategy]:
    """Return a strategy as shipped, then with every boolean or `Literal` field at its other values, one at a time.

    Values that the class itself refuses are left out. An instance is varied around its own values.
    """
    shipped = instance_of(strategy)
    hints = typing.get_type_hints(type(shipped), include_extras=True)
    variants = [shipped]
    for field in fields_of(shipped):
        for value in choices_of(hints[field.name]):
            if value == getattr(shipped, field.name):
                continue
            try:
                variants.append(dataclasses.replace(shipped, **{field.name: value}))  # type: ignore[type-var]
            except (ValueError, TypeError):  # what `__post_init__` refuses is no variant
                continue
    return variants


def instance_of(strategy: type[Strategy] | Strategy) -> Strategy:
    """Return a strategy with its defaults where a class is given, an instance as it is."""
    if not isinstance(strategy, type):
        return strategy
    try:
        return strategy()
    except TypeError as error:
        raise ConformanceError(
            f"{strategy.__name__} cannot be made without arguments ({error}): give an instance to check."
        ) from None


def choices_of(hint: Any) -> tuple[Any, ...]:
    """Return the values of a type that has few, such as `bool`, `Literal["a", "b"]` or `bool | None`; else none."""
    if typing.get_origin(hint) is typing.Annotated:
        return choices_of(typing.get_args(hint)[0])
    if hint is bool:
        return (False, True)
    if hint is type(None):
        return (None,)
    if typing.get_origin(hint) is typing.Literal:
        return typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        parts = [choices_of(part) for part in typing.get_args(hint)]
        return tuple(value for part in parts for value in part) if all(parts) else ()
    return ()


def varied(thing: Any) -> Iterator[Any]:
    """Yield a dataclass instance with one setting changed: choices at their other values, numbers one higher."""
    try:
        hints = typing.get_type_hints(type(thing), include_extras=True)
    except NameError:  # a type that is imported for checkers alone
        hints = {}
    for field in fields_of(thing):
        own = getattr(thing, field.name)
        values = [value for value in choices_of(hints.get(field.name)) if value != own]
        if not values and isinstance(own, int) and not isinstance(own, bool):
            values = [own + 1]
        for value in values:
            try:
                yield dataclasses.replace(thing, **{field.name: value})
            except Exception:  # what the class itself refuses is no setting
                continue
