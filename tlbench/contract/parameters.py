"""Read, check and show parameters, the fields of a frozen dataclass, in one place for every kind of plugin."""

import dataclasses
import re
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, get_origin

from tlbench.errors import ParameterError, PluginError
from tlbench.names import near_miss

T = TypeVar("T")


def fields_of(owner: type | object) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields that a user may set; none for a class that is no dataclass."""
    if not dataclasses.is_dataclass(owner):
        return ()
    return tuple(field for field in dataclasses.fields(owner) if field.init)


def option_name(field: dataclasses.Field[Any]) -> str:
    """Return how users spell a field: its name, unless its metadata gives another under `option`."""
    return str(field.metadata.get("option", field.name))


def require_frozen_dataclass(cls: type, always: bool) -> None:
    """Raise PluginError where a class forgot `@dataclass(frozen=True)`.

    With `always` false a class without annotated fields of its own may be a plain class.
    """
    decorated = "__dataclass_params__" in vars(cls)
    if decorated and not vars(cls)["__dataclass_params__"].frozen:
        raise PluginError(f"class {cls.__name__} is a dataclass but not frozen: write @dataclass(frozen=True).")
    if decorated:
        return
    own = [name for name, hint in vars(cls).get("__annotations__", {}).items() if not _is_class_variable(hint)]
    if own or always:
        which = f" (its fields {', '.join(own)} would be ignored)" if own else ""
        raise PluginError(f"class {cls.__name__} is not a dataclass{which}: write @dataclass(frozen=True) above it.")


def _is_class_variable(hint: object) -> bool:
    return hint is ClassVar or get_origin(hint) is ClassVar or str(hint).startswith(("ClassVar", "typing.ClassVar"))


def checked(owner: type, kind: str, name: str, values: Mapping[str, object]) -> dict[str, Any]:
    """Return the values, by field name, converted to the fields' types.

    Raises ParameterError for an unknown name (with a near miss), a wrong type or a value out of range.
    """
    known = {option_name(field): field for field in fields_of(owner)}
    hints = typing.get_type_hints(owner, include_extras=True) if known else {}
    result: dict[str, Any] = {}
    for option, value in values.items():
        if option not in known:
            offered = f" It has: {', '.join(known)}." if known else " It has none."
            raise ParameterError(f"{kind} {name!r} has no parameter {option!r}.{near_miss(option, known)}{offered}")
        field = known[option]
        result[field.name] = _convert(hints[field.name], value, f"parameter {option!r} of {kind} {name!r}")
    missing = [
        option
        for option, field in known.items()
        if option not in values
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ParameterError(f"{kind} {name!r} needs the parameter {missing[0]!r}.")
    return result


def _convert(hint: Any, value: object, what: str) -> Any:
    from pydantic import PydanticUserError, TypeAdapter, ValidationError

    base = typing.get_args(hint)[0] if get_origin(hint) is typing.Annotated else hint
    if value is None and get_origin(base) is typing.Literal and "none" in typing.get_args(base):
        value = "none"  # what a user who types `none` means where that is one of the choices
    if isinstance(value, bool) and base in (int, float):
        raise ParameterError(f"{what} must be a number, got {str(value).lower()}.")
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ParameterError(f"{what}: {reason[0].lower()}{reason[1:]}, got {value!r}.") from None
    except PydanticUserError as error:
        raise PluginError(f"{what} has a type that cannot be checked: {error.message}") from None


def construct(cls: type[T], kind: str, name: str, values: Mapping[str, object]) -> T:
    """Build `cls` from user-given values; what its `__post_init__` refuses becomes a ParameterError."""
    keywords = checked(cls, kind, name, values)
    try:
        return cls(**keywords)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"{kind} {name!r}: {error}") from None


def non_default(instance: object) -> dict[str, Any]:
    """Return what differs from the defaults, by the names users type, in field order."""
    return {
        option_name(field): value
        for field in fields_of(instance)
        if (value := getattr(instance, field.name)) != _default(field)
    }


def plain_parameters(instance: object) -> dict[str, Any]:
    """Return what differs from the defaults as plain JSON values, as a cell's identity holds them."""
    return {key: _plain(value) for key, value in non_default(instance).items()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str, type(None), list, tuple)) else str(value)


def all_values(instance: object) -> dict[str, Any]:
    """Return every parameter with its value, by the names users type."""
    return {option_name(field): getattr(instance, field.name) for field in fields_of(instance)}


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def described(cls: type) -> list[dict[str, object]]:
    """Return one row per parameter: name, type, default, as `tlbench show` prints them."""
    hints = typing.get_type_hints(cls, include_extras=True) if fields_of(cls) else {}
    return [
        {
            "parameter": option_name(field),
            "type": _type_name(hints[field.name]),
            "default": "required" if _default(field) is dataclasses.MISSING else _default(field),
        }
        for field in fields_of(cls)
    ]


def _type_name(hint: Any) -> str:
    if get_origin(hint) is typing.Annotated:
        base, *limits = typing.get_args(hint)
        return f"{_type_name(base)} {' '.join(str(limit) for limit in limits)}"
    if get_origin(hint) is typing.Literal:
        return " | ".join(repr(choice) for choice in typing.get_args(hint))
    return hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else str(hint).replace("typing.", "")


def check_identity(owner: Any, kind: str, attributes: tuple[str, ...]) -> None:
    """Raise PluginError where a plugin object lacks an attribute or its name cannot be typed by a user."""
    label = owner.__name__ if isinstance(owner, type) else type(owner).__name__
    for attribute in attributes:
        if not hasattr(owner, attribute):
            raise PluginError(f"class {label} is a {kind} without {attribute!r}: set {attribute} = ... in its body.")
    if not isinstance(owner.name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", owner.name):
        raise PluginError(f"class {label}: name {owner.name!r} must be letters, digits, '-', '_', '.' or '+'.")
