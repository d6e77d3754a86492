"""Does pure work on many things in several processes, which are forked and so share what is in memory."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

PROCESSES = 4  # at most: what they return is put together by one
_UNSAFE = ("torch", "sklearn")  # a forked process may wait for ever for the threads of these

Item = TypeVar("Item")
Made = TypeVar("Made")
Work = Callable[[Sequence[Item]], list[Made]]


def side_by_side(work: "Work[Item, Made]", items: Sequence[Item], least: int = 1) -> list[Made]:
    """Return what `work` makes of the items, in their order; each process is given `least` of them or more.

    What it makes must pickle, and what it changes elsewhere may be lost. Where no process may be forked, since threads
    run or the system is not Linux, or where one fails, its part is done here: errors are raised as if there were one.
    """
    count = max(1, min(_processors(), PROCESSES, len(items) // max(1, least))) if _may_fork() else 1
    own, *others = [items[first::count] for first in range(count)]  # neighbours often take alike long
    started = []
    try:
        for part in others:
            started.append(_start(work, part))
        made = [list(work(own))]
        for part, (_, connection) in zip(others, started, strict=True):
            received = _received(connection)
            made.append(work(part) if received is None else received)
        return [made[place % count][place // count] for place in range(len(items))]
    finally:
        for process, connection in started:
            connection.close()
            process.terminate()
            process.join()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_fork() -> bool:
    if sys.platform != "linux" or multiprocessing.current_process().daemon:  # a daemon has no children
        return False
    return threading.active_count() == 1 and not any(name in sys.modules for name in _UNSAFE)


def _start(work: "Work[Item, Made]", part: Sequence[Item]) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, work, part), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _send(connection: Connection, work: "Work[Item, Made]", part: Sequence[Item]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    try:
        made = work(part)
    except Exception:  # to be raised again where it is seen
        return
    connection.send(made)


def _received(connection: Connection) -> list[Any] | None:
    try:
        found: list[Any] = connection.recv()
    except (EOFError, OSError):
        return None
    return found
