"""Tell a listener how far long work is; without a listener it costs nothing."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
Listener = Callable[[str, int, int], None]  # what is waited for, how much of it is done, and of how much

ONCE = "features of"  # how the name of work begins that is done for one cell and serves many

_listener: Listener | None = None


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` be told how far long work of this process is, from any thread, while a block runs."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


def tell(what: str, done: int, total: int) -> None:
    """Say how far some work is; with `done` equal to `total` it is over."""
    if _listener is not None:
        _listener(what, done, total)


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
