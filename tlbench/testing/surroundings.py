"""Watch what surrounds a fit: global settings and generators, files and sockets."""

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

Setting = tuple[str, Callable[[], Any], Callable[[Any], Any]]  # its name, how to read it, how to set it

SETTINGS: tuple[Setting, ...] = (
    ("the number of threads (torch.set_num_threads)", torch.get_num_threads, torch.set_num_threads),
    ("the default dtype (torch.set_default_dtype)", torch.get_default_dtype, torch.set_default_dtype),
    ("the default device (torch.set_default_device)", torch.get_default_device, torch.set_default_device),
    ("the gradient mode (torch.set_grad_enabled)", torch.is_grad_enabled, torch.set_grad_enabled),
    (
        "deterministic algorithms (torch.use_deterministic_algorithms)",
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    (
        "the precision of products (torch.set_float32_matmul_precision)",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    (
        "torch.backends.cudnn.deterministic",
        lambda: torch.backends.cudnn.deterministic,
        lambda value: setattr(torch.backends.cudnn, "deterministic", value),
    ),
    (
        "torch.backends.cudnn.benchmark",
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    ("NumPy's handling of errors (numpy.seterr)", np.geterr, lambda value: np.seterr(**value)),
)


def settings() -> dict[str, Any]:
    """Return the global settings by name."""
    return {name: read() for name, read, _ in SETTINGS}


@contextmanager
def as_in_a_run() -> Iterator[None]:
    """Set what a run sets (one thread, deterministic kernels), and put all settings and generators back afterwards."""
    before, states = settings(), generator_states()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        for name, read, write in SETTINGS:
            if read() != before[name]:
                write(before[name])
        torch.random.set_rng_state(states["torch"])
        np.random.set_state(states["numpy"])
        random.setstate(states["random"])


def generator_states() -> dict[str, Any]:
    """Return the states of the global generators."""
    return {"torch": torch.random.get_rng_state(), "numpy": np.random.get_state(), "random": random.getstate()}


def plain(state: Any) -> str:
    """Return a generator's state as a text that tells it from others."""
    if isinstance(state, torch.Tensor):
        return repr(state.numpy().tobytes())
    if isinstance(state, tuple):
        return repr(tuple(part.tobytes() if isinstance(part, np.ndarray) else part for part in state))
    return repr(state)


def advance_generators() -> None:
    """Draw from the global generators, as work that ran before does."""
    torch.rand(7)
    np.random.rand(7)
    random.random()


@dataclass(eq=False)
class Traces:
    """List what a block did to files and sockets, each once."""

    found: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Remember a trace."""
        if text not in self.found:
            self.found.append(text)


_watching: list[Traces] = []  # whom the audit hook tells; it is there for good, for Python cannot take one away
_installed = False
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_FILE_EVENTS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


@contextmanager
def watched() -> Iterator[Traces]:
    """Yield what a block writes and connects to, while it goes on; bytecode and the null device do not count.

    Python's own audit events tell of every `open` and every socket. A library that writes past Python is found out
    by what it leaves in the working folder, which is an empty one meanwhile.
    """
    global _installed
    if not _installed:
        sys.addaudithook(_hear)
        _installed = True
    traces = Traces()
    with tempfile.TemporaryDirectory() as folder:
        with chdir(folder):
            _watching.append(traces)
            try:
                yield traces
            finally:
                _watching.remove(traces)
        for path in sorted(Path(folder).rglob("*")):
            traces.add(f"it wrote {path.name!r} into the working folder")


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    text = _trace_of(event, arguments)
    if text is not None:
        for traces in _watching:
            traces.add(text)


def _trace_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event == "socket.__new__":
        return "it opened a socket"
    if event in _FILE_EVENTS:
        return None if "__pycache__" in str(arguments[0]) else f"it called {event}({str(arguments[0])!r})"
    if event == "open":
        path, _, flags = arguments
        written = isinstance(flags, int) and flags & _WRITES and isinstance(path, (str, bytes, os.PathLike))
        if written and os.fsdecode(path) != os.devnull and "__pycache__" not in os.fsdecode(path):
            return f"it opened {os.fsdecode(path)!r} to write"
    return None
