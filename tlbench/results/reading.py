"""Read what thousands of cells have stored: 100,000 take one process half a minute."""

import gc
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from tlbench.contract import Record
from tlbench.errors import StoreError
from tlbench.names import plural
from tlbench.results.sharing import Sharing
from tlbench.results.side_by_side import side_by_side
from tlbench.results.store import Store

MANY = 5_000  # cells that a process reads at a time


def read_records(store: Store) -> list[Record]:
    """Return all records of a folder, equal parts that a process read as one object.

    Raises StoreError where one cannot be read.
    """
    sharing = Sharing()  # of each process its own, once it is forked

    def read(cells: Sequence[str]) -> list[Record]:
        return [store.read(cell, sharing.parse) for cell in cells]

    with _without_collection():
        return side_by_side(read, sorted(store.cells()), MANY)


def read_right_answers(store: Store, cells: Sequence[str]) -> Callable[[str], np.ndarray]:
    """Return a function from one of these cells to which test items it got right, bool (episodes, items).

    Raises StoreError where predictions cannot be read.
    """

    def read(part: Sequence[str]) -> list[tuple[tuple[int, ...], bytes]]:
        found = (right_answers(store, cell) for cell in part)
        return [(right.shape, np.packbits(right).tobytes()) for right in found]

    packed = dict(zip(cells, side_by_side(read, cells, MANY), strict=True))

    def right(cell: str) -> np.ndarray:
        (episodes, items), bits = packed[cell]
        flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=episodes * items)
        return flags.view(bool).reshape(episodes, items)

    return right


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


_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


def right_answers(store: Store, cell: str) -> np.ndarray:
    """Return which test items a cell classified rightly, bool (episodes, items).

    Raises StoreError where its predictions cannot be read.
    """
    try:
        arrays = _arrays(os.path.join(store.records_folder, f"{cell}.safetensors"))
        logits, labels, episodes = arrays["logits"], arrays["labels"], int(arrays["episodes"][0])
    except (
        OSError,
        LookupError,
        ValueError,
        TypeError,
    ):  # not as we write them: the library knows more, or says why not
        predictions = store.predictions(cell)
        logits, labels, episodes = predictions.logits, predictions.labels, predictions.episodes
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or episodes < 1 or len(labels) % episodes:
        raise StoreError(
            f"the predictions of {cell} in {store.folder} do not fit together: {logits.shape} logits, {labels.shape} "
            f"labels and {plural(episodes, 'episode')}. Delete its two files and run again."
        )
    right: np.ndarray = logits.argmax(axis=1) == labels
    return right.reshape(episodes, -1)


@lru_cache(maxsize=256)
def _header(content: bytes) -> dict[str, Any]:
    """Return what a header says: cells of one test set have the same."""
    found: dict[str, Any] = json.loads(content)
    return found


def _arrays(path: str) -> dict[str, np.ndarray]:
    """Read what is needed of a safetensors file: the length of its header, the header in JSON, then the numbers."""
    with open(path, "rb") as file:
        content = file.read()
    begin = 8 + int.from_bytes(content[:8], "little")
    header, data = _header(content[8:begin]), memoryview(content)[begin:]
    found: dict[str, np.ndarray] = {}
    for name in ("logits", "labels", "episodes"):
        facts = header[name]
        start, end = facts["data_offsets"]
        found[name] = np.frombuffer(data[start:end], _TYPES[facts["dtype"]]).reshape(facts["shape"])
    return found
