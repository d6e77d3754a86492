"""Write a fitted head as Python: the classes that it is made of, and an expression that makes it with empty tensors.

A head is whatever a strategy made of features: a linear layer, class means, stored neighbours. Its classes are copied
with what they use of their modules; plain attributes are written down, and tensors come from the weights' file.
"""

import ast
import builtins
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from torch import nn

_INSTALLED = ("torch", "torchvision", "timm", "numpy", "PIL")
_PLAIN = (bool, int, float, str, type(None))

_TOP = '''"""The head of {strategy}: from features (N, D) to one logit for each class, its tensors not yet loaded."""

from __future__ import annotations

{imports}


'''
_MADE = '''def made(cls, values=(), parameters=(), buffers=(), parts=()):
    """Return a module of a class, with plain attributes, empty tensors by (name, shape, type), and modules inside."""
    module = cls.__new__(cls)
    nn.Module.__init__(module)
    for name, value in dict(values).items():
        setattr(module, name, value)
    for name, shape, dtype in parameters:
        module.register_parameter(name, nn.Parameter(torch.empty(shape, dtype=getattr(torch, dtype))))
    for name, shape, dtype in buffers:
        module.register_buffer(name, torch.empty(shape, dtype=getattr(torch, dtype)))
    for name, part in dict(parts).items():
        module.add_module(name, part)
    return module


'''
_HEAD = '''def head() -> nn.Module:
    """Return the head, its tensors not yet loaded."""
    return {expression}
'''


class CannotWriteError(Exception):
    """Say what in a head cannot be written down."""


def source_of(head: nn.Module, strategy: str) -> str:
    """Return the source of a module that makes a head; raise CannotWriteError for what cannot be written down."""
    copied = _Copied()
    expression = _expression(head, copied)
    needs_maker = "made(" in expression
    wanted = {"from torch import nn", *(["import torch"] if needs_maker else []), *copied.imports}
    imports = sorted(wanted, key=lambda line: (line.startswith("from"), line))
    top = _TOP.format(strategy=strategy, imports="\n".join(imports))
    definitions = "".join(f"{text}\n\n\n" for text in copied.definitions.values())
    return top + definitions + (_MADE if needs_maker else "") + _HEAD.format(expression=expression)


def _expression(module: nn.Module, copied: "_Copied") -> str:
    """Return Python that makes a module."""
    cls = type(module)
    if cls is nn.Sequential:
        return f"nn.Sequential({', '.join(_expression(part, copied) for part in module.children())})"
    if cls.__module__.startswith("torch.nn.modules.") and not list(module.children()):
        written = f"nn.{module!r}"
        if _makes(written, module):
            return written
    _refuse_hooks(module)
    name = copied.take(cls)
    values = {
        key: _plain(value, cls, key) for key, value in vars(module).items() if key[0] != "_" and key != "training"
    }
    parameters = [_tensor(key, value) for key, value in module.named_parameters(recurse=False)]
    buffers = [_tensor(key, value) for key, value in module.named_buffers(recurse=False)]
    parts = ", ".join(f"{key!r}: {_expression(part, copied)}" for key, part in module.named_children())
    return f"made({name}, {values!r}, {parameters!r}, {buffers!r}, {{{parts}}})"


def _makes(written: str, module: nn.Module) -> bool:
    """Tell whether the way in which torch shows one of its layers makes one like it."""
    try:
        found = eval(written, {"nn": nn})
    except Exception:  # how torch shows a layer is no promise
        return False
    return type(found) is type(module) and {k: v.shape for k, v in found.state_dict().items()} == {
        k: v.shape for k, v in module.state_dict().items()
    }


def _refuse_hooks(module: nn.Module) -> None:
    hidden = sorted(module._non_persistent_buffers_set)
    if hidden or module._forward_hooks or module._forward_pre_hooks:
        what = f"the tensor {hidden[0]!r}, which it does not store" if hidden else "a hook, which no file can hold"
        raise CannotWriteError(f"its {type(module).__name__} has {what}")


def _tensor(name: str, value: Any) -> tuple[str, tuple[int, ...], str]:
    return name, tuple(value.shape), str(value.dtype).removeprefix("torch.")


def _plain(value: Any, cls: type, key: str) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, tuple | list) and all(isinstance(item, _PLAIN) for item in value):
        return value
    raise CannotWriteError(f"its {cls.__name__} holds {key}, a {type(value).__name__}, which is no tensor or number")


class _Copied:
    """Collects the source of classes and functions with what they use, each once, the used before the users."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.definitions: dict[Any, str] = {}
        self.names: dict[str, Any] = {}

    def take(self, thing: Any) -> str:
        """Take in a class or a function of a plugin, or import one of an installed library; return its name."""
        name: str = thing.__name__
        if thing.__module__.partition(".")[0] in (*_INSTALLED, *sys.stdlib_module_names):
            self._import(f"from {thing.__module__} import {thing.__qualname__.partition('.')[0]}")
            return name
        if self.names.setdefault(name, thing) is not thing:
            raise CannotWriteError(f"two of its parts are called {name}")
        if thing in self.definitions:
            return name
        try:
            text = inspect.getsource(thing)
        except (OSError, TypeError):
            raise CannotWriteError(f"the source of {name} is not at hand") from None
        for used in _names_in(text):
            self._use(used, vars(sys.modules[thing.__module__]), thing)
        self.definitions[thing] = text.rstrip("\n")
        return name

    def _use(self, name: str, around: dict[str, Any], user: Any) -> None:
        if name not in around or around[name] is user or hasattr(builtins, name):
            return
        value = around[name]
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in (*_INSTALLED, *sys.stdlib_module_names):
                raise CannotWriteError(f"{user.__name__} needs the module {value.__name__}")
            self._import(f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}")
        elif inspect.isclass(value) or inspect.isfunction(value) or inspect.isbuiltin(value):
            found = self.take(value)
            if found != name:
                raise CannotWriteError(f"{user.__name__} calls {found} {name}")
        elif isinstance(value, _PLAIN):
            self.definitions.setdefault(name, f"{name} = {value!r}")
        else:
            raise CannotWriteError(f"{user.__name__} needs {name}, a {type(value).__name__} of its module")

    def _import(self, line: str) -> None:
        self.imports.add({"import torch.nn.functional as F": "from torch.nn import functional as F",
                          "import torch.nn as nn": "from torch import nn"}.get(line, line))  # fmt: skip


def _names_in(text: str) -> Iterator[str]:
    """Yield the names that a definition uses when it runs, those of annotations left out."""
    tree = ast.parse(inspect.cleandoc(text) if text[0].isspace() else text)
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                setattr(node, field, None)
    yield from dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
