"""Tell a listener how far long work is; without a listener it costs nothing."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
Listener = Callable[[str, int, int, str], None]  # what is waited for, how much of it is done, of how much; which cell

FEATURES = "extracting features"  # how the name of work begins that is done for one cell and serves many
TRAINING = "training"

_listener: Listener | None = None
_cell = ""  # the cell that this process is running
_once = threading.local()  # of this thread: seconds of work that serves many cells, and how deep it is inside such


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` be told how far long work of this process is, from any thread, while a block runs."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


def tell(what: str, done: int, total: int, cell: str = "") -> None:
    """Say how far some work is, of which cell if of one; with `done` equal to `total` it is over."""
    if _listener is not None:
        _listener(what, done, total, cell or _cell)


@contextmanager
def of_cell(cell: str) -> Iterator[None]:
    """Let what is told in a block be told of a cell."""
    global _cell
    before, _cell = _cell, cell
    try:
        yield
    finally:
        _cell = before


def track(items: Iterable[T], what: str, total: int, before: int = 0) -> Iterator[T]:
    """Yield items, telling after each how many of `total` are done; `before` were done already.

    Work that ends early, by an error say, is told to be over.
    """
    if _listener is None or threading.current_thread() is not threading.main_thread():
        yield from items
        return
    done = before
    tell(what, done, total)
    try:
        for item in items:
            yield item
            done += 1
            tell(what, done, total)
    except BaseException:
        tell(what, total, total)
        raise


@contextmanager
def phase(what: str) -> Iterator[None]:
    """Tell that a block of work has begun, of which nobody knows how far it is, and that it is over."""
    tell(what, 0, 1)
    try:
        yield
    finally:
        tell(what, 1, 1)


@contextmanager
def once() -> Iterator[None]:
    """Count the seconds of a block as work that is done for one cell and serves many; blocks may lie in blocks."""
    depth, start = getattr(_once, "depth", 0), time.perf_counter()
    _once.depth = depth + 1
    try:
        yield
    finally:
        _once.depth = depth
        if depth == 0:
            _once.seconds = once_seconds() + time.perf_counter() - start


def once_seconds() -> float:
    """Return the seconds that this thread has spent in work that serves many cells."""
    return float(getattr(_once, "seconds", 0.0))
