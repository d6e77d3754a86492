"""Check the types of what plugins say of themselves: names, versions, licences, what weights were pretrained on."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tlbench.errors import PluginError, TlbenchError


class Wanted(NamedTuple):
    """Say what a descriptor must be."""

    said: str  # as a sentence ends with it: `a str`
    fits: Callable[[Any], bool]


def of_type(said: str, *types: type) -> Wanted:
    """Return what is wanted where an instance of a type is; a bool is no int."""
    return Wanted(said, lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool)))


def _is_names(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, str) for item in value)


TEXT = of_type("a str", str)
FLAG = of_type("True or False", bool)
FILE = of_type("a pathlib.Path or None", str, Path, type(None))
TEXT_OR_NONE = of_type("a str or None", str, type(None))
NAMES = Wanted("a tuple of str", _is_names)
SEVERAL = of_type("a tuple of str", tuple, list)  # what stands in it, somebody else looks at
WIDTH = Wanted(
    "the number of features, a positive int",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
)
FUNCTION = Wanted("a function", callable)


def check_descriptors(owner: Any, wanted: Mapping[str, Wanted], said: str = "", *, computed: bool = True) -> None:
    """Raise PluginError where a class or an object has a descriptor of another type: one line for all of them.

    `said` names the owner, where its class does not tell. Of a class, properties and fields without a default are
    left out: they have no value yet. With `computed` false an object's properties are left out too: they may be slow.
    """
    cls = owner if isinstance(owner, type) else type(owner)
    faults = [
        fault
        for name, want in wanted.items()
        if not (_is_open(owner, name) and (isinstance(owner, type) or not computed))
        and (fault := _fault(owner, name, want))
    ]
    if faults:
        raise PluginError(f"{said or f'class {cls.__name__}'}: {'; '.join(faults)}.")


def _is_open(owner: Any, name: str) -> bool:
    value = inspect.getattr_static(owner, name, inspect.Parameter.empty)
    return value is inspect.Parameter.empty or hasattr(type(value), "__get__")


def _fault(owner: Any, name: str, wanted: Wanted) -> str:
    """Say what is wrong with a value, or nothing; one text in a tuple was hardly meant as a tuple."""
    try:
        value = getattr(owner, name, None)
    except TlbenchError:  # it says itself what is missing, as weights that are not installed, once it is used
        return ""
    if wanted.fits(value):
        return ""
    got = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:57]}..."
    said = f"{name} must be {wanted.said}, got {type(value).__name__} {got}"
    if value is None or isinstance(value, type):
        said = f"{name} must be {wanted.said}, got {got}"
    if isinstance(value, tuple) and len(value) == 1 and wanted.fits(value[0]):
        said += f": leave the comma out, {name} = {value[0]!r}"
    if wanted in (NAMES, SEVERAL) and isinstance(value, str):
        said += f": write {name} = ({value!r},)"
    return said
