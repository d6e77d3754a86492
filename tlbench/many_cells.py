"""Reads what thousands of cells have stored, with several processes: one takes half a minute for 100,000."""

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.record import Record
from tlbench.right_answers import right_answers
from tlbench.sharing import sharing
from tlbench.store import Store

MANY = 5_000  # cells that are worth a process of their own
PROCESSES = 4  # at most: what they read is put together by one
_START = "from tlbench.many_cells import _serve; _serve()"


def read_records(store: Store) -> list[Record]:
    """Return all records of a folder, their equal parts as one object; raise StoreError where one cannot be read."""
    return _read("records", store, sorted(store.cells()))


def read_right_answers(store: Store, cells: Sequence[str]) -> Callable[[str], np.ndarray]:
    """Return a function from one of these cells to which test items it got right, bool (episodes, items).

    Raises StoreError where predictions cannot be read.
    """
    packed = dict(zip(cells, _read("right answers", store, cells), strict=True))

    def right(cell: str) -> np.ndarray:
        shape, bits = packed[cell]
        return np.unpackbits(np.frombuffer(bits, np.uint8), count=shape[0] * shape[1]).view(bool).reshape(shape)

    return right


def _records(store: Store, cells: Sequence[str]) -> list[Record]:
    return list(sharing(map(store.read, cells)))


def _right_answers(store: Store, cells: Sequence[str]) -> list[tuple[tuple[int, ...], bytes]]:
    found = (right_answers(store, cell) for cell in cells)
    return [(right.shape, np.packbits(right).tobytes()) for right in found]


_READERS: dict[str, Callable[[Store, Sequence[str]], list[Any]]] = {
    "records": _records,
    "right answers": _right_answers,
}


def _read(what: str, store: Store, cells: Sequence[str]) -> list[Any]:
    """Read a part in this process and as large ones in others; what another cannot read is read, or said, here."""
    count = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, PROCESSES)
    count = max(1, min(count, len(cells) // MANY))
    ends = [len(cells) * i // count for i in range(count + 1)]
    own, *others = [cells[begin:end] for begin, end in pairwise(ends)]
    with _without_collection(), ThreadPoolExecutor(max_workers=count) as pool:
        reading = [pool.submit(_elsewhere, what, store.folder, part) for part in others]
        found = _READERS[what](store, own)
        for part, elsewhere in zip(others, reading, strict=True):
            data = elsewhere.result()
            found += pickle.loads(data) if data else _READERS[what](store, part)  # from a process of our own
    return found


def _elsewhere(what: str, folder: Path, cells: Sequence[str]) -> bytes:
    """Have another process read, and return what it sends; nothing where it fails."""
    command = [sys.executable, "-P", "-c", _START, what, os.path.abspath(folder)]
    try:
        done = subprocess.run(command, input="\n".join(cells).encode(), capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _serve() -> None:
    """Read as a process for `_elsewhere`: what and from where in the arguments, the cells on standard input."""
    what, folder = sys.argv[1:]
    cells = sys.stdin.read().split("\n")
    with _without_collection():
        sys.stdout.buffer.write(pickle.dumps(_READERS[what](Store(Path(folder)), cells), pickle.HIGHEST_PROTOCOL))


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the search for reference cycles, which looks through all that is read again and again; there are none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
