"""Check that a plugin's methods can be called as tlbench calls them, and explain habits from other libraries."""

import inspect
from collections.abc import Sequence
from typing import Any

from tlbench.errors import PluginError

# Names of what other libraries hand to `fit`, and tlbench does not.
FOREIGN_DATA = (
    "x", "y", "x_train", "y_train", "data", "dataset", "loader", "dataloader", "train_loader", "train", "inputs",
    "features", "labels", "targets", "target", "epochs",
)  # fmt: skip
_HABITS = {  # methods that other libraries call, and what does their work here
    "call": "Keras calls `call`; here fit returns a torch.nn.Module, whose forward is called.",
    "forward": "A strategy is no module: fit returns one.",
    "training_step": "Lightning calls training_step; here fit does the training, with bench.train.",
    "train": "Name what trains `fit`.",
    "predict": "scikit-learn calls predict; here fit returns a torch.nn.Module, whose forward gives logits.",
    "__getitem__": "load returns all examples of a split at once, a sequence of them with their labels.",
}


def check_signature(
    cls: type,
    method: str,
    arguments: Sequence[str],
    meaning: str,
    *,
    foreign: Sequence[str] = (),
    no_more: bool = False,
) -> None:
    """Raise PluginError where `cls.method` cannot be called with these arguments, or means others by them.

    `meaning` ends the sentence: what the arguments are. Other names for the same arguments are allowed, but for
    those in `foreign`, which show that something else is expected. With `no_more` further parameters are refused
    though they have defaults, since nobody could ever set them.
    """
    function = inspect.getattr_static(cls, method, None)
    should = f"{method}({', '.join(('self', *arguments))})"
    if isinstance(function, staticmethod | classmethod):
        what = type(function).__name__
        raise PluginError(f"class {cls.__name__}: {method} is a {what}; it must be {should}. {meaning}")
    if not inspect.isfunction(function):
        return  # something else that can be called: it is found out when it is used
    signature = inspect.signature(function)
    problem = _problem(signature, arguments, foreign, no_more)
    if problem is None:
        return
    names = str(signature.replace(return_annotation=inspect.Signature.empty, parameters=_plain(signature)))
    raise PluginError(f"class {cls.__name__}: {method}{names} must be {should}{problem}. {meaning}{habit(cls)}")


def habit(cls: type) -> str:
    """Return a sentence on a method that another library calls and nobody calls here, or nothing."""
    found = next((name for name in _HABITS if name in vars(cls)), None)
    return f" {_HABITS[found]}" if found else ""


def _problem(
    signature: inspect.Signature, arguments: Sequence[str], foreign: Sequence[str], no_more: bool
) -> str | None:
    """Say what is wrong with a signature, or None."""
    given = list(signature.parameters.values())
    if not given or given[0].kind is inspect.Parameter.KEYWORD_ONLY:
        return ", with self first"
    try:
        signature.bind(None, *arguments)
    except TypeError:
        return ""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    own = [item for item in given[1:] if item.kind in positional]
    for position, item in enumerate(own[: len(arguments)]):
        name = item.name.lower().lstrip("_")
        meant = arguments[position]
        if name != meant and (name in arguments or name in foreign):
            return ""
    further = [item.name for item in own[len(arguments) :]]
    further += [item.name for item in given if item.kind is inspect.Parameter.KEYWORD_ONLY]
    if no_more and further:
        default = signature.parameters[further[0]].default
        field = f"{further[0]}: {type(default).__name__} = {default!r}"
        return f" (nobody could set {', '.join(further)}: make it a field of the class, {field})"
    return None


def _plain(signature: inspect.Signature) -> list[inspect.Parameter]:
    """Return the parameters without their annotations, as a sentence shows them."""
    return [item.replace(annotation=inspect.Parameter.empty) for item in signature.parameters.values()]


def refuse_shared_state(cls: type) -> None:
    """Raise PluginError for lists, dicts and sets on a class of strategies: all fits would share them."""
    import dataclasses

    for name, value in vars(cls).items():
        known = name == "search_space" or name in vars(cls).get("__annotations__", {})
        if isinstance(value, list | dict | set) and not name.startswith("__") and not known:
            raise PluginError(
                f"class {cls.__name__}: {name} = {_shown(value)} is one {type(value).__name__} for all fits, and no "
                f"user can set it. Make it a field, {name}: {_as_tuple(value)}, or a tuple where it never changes."
            )
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        kind = _mutable(field.type) or _mutable(field.default_factory)
        if kind:
            own: Any = field.default_factory() if field.default_factory in (list, dict, set) else []
            raise PluginError(
                f"class {cls.__name__}: the field {field.name} holds a {kind}, which can change between two fits and "
                f"names no variant. Write a tuple: {field.name}: {_as_tuple(own)}."
            )


def _mutable(hint: Any) -> str:
    """Return the name of the mutable type that an annotation or a factory is, or an empty text."""
    base = getattr(hint, "__origin__", hint)
    if base in (list, dict, set):
        return str(base.__name__)
    text = hint.replace("typing.", "").lower() if isinstance(hint, str) else ""
    return next((name for name in ("list", "dict", "set") if text == name or text.startswith(f"{name}[")), "")


def _as_tuple(value: Any) -> str:
    items = tuple(value.items()) if isinstance(value, dict) else tuple(value)
    kind = type(items[0]).__name__ if items else "int"
    return f"tuple[{kind}, ...] = {items!r}" if len(repr(items)) < 40 else f"tuple[{kind}, ...] = (...)"


def _shown(value: Any) -> str:
    return repr(value) if len(repr(value)) < 40 else f"{type(value).__name__}(...)"
