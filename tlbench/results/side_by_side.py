"""Run a pure function on many items in several processes, which are forked and so share what is in memory."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar

PROCESSES = 4  # at most: what they return is put together by one
_WIDTH = 4  # bytes of the number of a part
_MOST_PARTS = 1_000  # whose numbers a pipe holds while nobody reads
_UNSAFE = ("torch", "sklearn")  # a forked process may wait for ever for the threads of these

Item = TypeVar("Item")
Made = TypeVar("Made")
Work = Callable[[Sequence[Item]], list[Made]]


def side_by_side(work: "Work[Item, Made]", items: Sequence[Item], least: int = 1) -> list[Made]:
    """Return what `work` makes of the items, in their order; each process takes `least` of them, or more, at a time.

    What it makes must pickle, and what it changes elsewhere may be lost. Where no process may be forked, since threads
    run or the system is not Linux, or where one fails, its part is done here: errors are raised as if there were one.
    """
    count = min(_processors(), PROCESSES, len(items) // max(1, least)) if _may_fork() else 1
    if count < 2:
        return list(work(items))
    least = max(least, -(-len(items) // _MOST_PARTS))
    parts = [items[begin : begin + least] for begin in range(0, len(items), least)]
    turns = _turns(len(parts))
    started: list[tuple[Any, Connection]] = []
    try:
        for _ in range(count - 1):
            started.append(_start(work, parts, turns))
        made = {turn: work(parts[turn]) for turn in _taken(turns)}
        for _, connection in started:
            made |= _received(connection)
        return [each for turn, part in enumerate(parts) for each in (made[turn] if turn in made else work(part))]
    finally:
        os.close(turns)
        for process, connection in started:
            process.terminate()
            process.join()
            connection.close()


def _turns(count: int) -> int:
    """Return a pipe that holds the numbers of all parts: whoever is free reads the next, till none is left."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(number.to_bytes(_WIDTH, "little") for number in range(count)))
    os.close(writing)
    return reading


def _taken(turns: int) -> Iterator[int]:
    while number := os.read(turns, _WIDTH):
        yield int.from_bytes(number, "little")


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_fork() -> bool:
    if sys.platform != "linux" or multiprocessing.current_process().daemon:  # a daemon has no children
        return False
    return threading.active_count() == 1 and not any(name in sys.modules for name in _UNSAFE)


def _start(work: "Work[Item, Made]", parts: Sequence[Sequence[Item]], turns: int) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, work, parts, turns), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _send(connection: Connection, work: "Work[Item, Made]", parts: Sequence[Sequence[Item]], turns: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    try:
        connection.send({turn: list(work(parts[turn])) for turn in _taken(turns)})
    except Exception:  # the parent does these parts, and raises it again where it is seen
        return


def _received(connection: Connection) -> dict[int, list[Any]]:
    try:
        found: dict[int, list[Any]] = connection.recv()
    except (EOFError, OSError):
        return {}
    return found
