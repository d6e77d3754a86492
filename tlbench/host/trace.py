"""Print every call of a hook on stderr where `TLBENCH_TRACE=1`: whose, what it was given and gave, how long it took."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import PurePath
from typing import Any, TextIO

import pluggy

VARIABLE = "TLBENCH_TRACE"
LONGEST = 60  # characters of one value


def is_asked_for() -> bool:
    """Tell whether the environment asks for a trace; `0` and an empty text do not."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")


class TracedManager(pluggy.PluginManager):
    """Print a line for every call of a plugin's hook; calls inside one are indented."""

    def __init__(self, project_name: str, stream: TextIO | None = None) -> None:
        super().__init__(project_name)
        self._stream = stream
        self._open: list[list[Any]] = []  # calls that go on: their text, and whether it is printed

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plugin, and listen at each of its hooks."""
        registered = super().register(plugin, name)
        for caller in self.get_hookcallers(plugin) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is plugin:
                    implementation.function = self._traced(implementation, caller.name)  # type: ignore[misc]
        return registered

    def _traced(self, implementation: pluggy.HookImpl, hook: str) -> Callable[..., Any]:
        function, plugin = implementation.function, implementation.plugin_name

        @wraps(function)
        def call(*arguments: Any) -> Any:
            given = ", ".join(
                f"{name}={shortened(value)}" for name, value in zip(implementation.argnames, arguments, strict=False)
            )
            frame = [f"{hook}({given}) of {plugin}", False]
            for depth, outer in enumerate(self._open):
                if not outer[1]:
                    self._say(depth, f"{outer[0]} ...")
                    outer[1] = True
            self._open.append(frame)
            started, outcome = time.perf_counter(), ""
            try:
                result = function(*arguments)
                outcome = shortened(result)
                return result
            except BaseException as error:
                outcome = f"raised {shortened(error)}"
                raise
            finally:
                self._open.pop()
                took = _duration(time.perf_counter() - started)
                self._say(len(self._open), f"{'...' if frame[1] else frame[0]} -> {outcome}, {took}")

        return call

    def _say(self, depth: int, text: str) -> None:
        print(f"trace: {'  ' * depth}{text}", file=self._stream or sys.stderr, flush=True)


def shortened(value: Any) -> str:
    """Return a value on one line: its name where it has one, a few members of a list, the size of an array."""
    text = _shortened(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _shortened(value: Any) -> str:
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {' '.join(str(value).split())}"
    if isinstance(value, Mapping):
        return f"{len(value)} keys: {', '.join(map(str, value))}" if value else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return f"{len(value)}: {', '.join(map(_shortened, value[:4]))}{', ...' if len(value) > 4 else ''}"
    if isinstance(value, PurePath):
        return str(value)
    for fact in ("cell", "id", "name"):  # a record, a cell, and whatever else has a name
        named = getattr(value, fact, None)
        if isinstance(named, str):
            return f"{type(value).__name__} {named}"
    if hasattr(value, "cells"):
        return f"{type(value).__name__} of {len(value.cells)} cells"
    return " ".join((f"<{type(value).__name__}>" if " object at 0x" in repr(value) else repr(value)).split())


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
