"""Check a dataset before anything is trained, so that a fault costs nothing."""

from typing import Any

import numpy as np

from tlbench.contract import Dataset, Labelled
from tlbench.errors import DataError, PluginError
from tlbench.host import blamed

LOOKS = 8  # examples of a split that are compared


def example_bytes(example: Any) -> bytes:
    """Return the bytes of a raw example with its shape and type."""
    if isinstance(example, str):
        return example.encode()
    array = np.asarray(example)
    return f"{array.dtype}{array.shape}".encode() + array.tobytes()


def loaded(dataset: Dataset, domain: str, split: str) -> Labelled:
    """Return a split; raise PluginError where load raises or returns something else, DataError for strange labels."""
    where = f"{dataset.label}, domain {domain!r}, split {split!r}"
    with blamed(f"{where}: load"):
        found = dataset.load(domain, split)
    if not isinstance(found, Labelled):
        raise PluginError(f"{where}: load returned {type(found).__name__}; write return Labelled(inputs, labels).")
    fault = label_fault(found.labels)
    if fault:
        raise DataError(f"{where}: {fault}")
    return found


def label_fault(labels: Any) -> str | None:
    """Say what is wrong with the type of labels, and what to write, or None."""
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1:
        return (
            f"labels of shape {array.shape} look one-hot; labels are positions in `classes`, int64 (N,). "
            "Write labels.argmax(axis=1)."
        )
    if array.ndim != 1:
        return f"labels have shape {array.shape}; they are int64 (N,). Write labels.reshape(-1)."
    if array.dtype.kind in "OUS" and array.size:
        return (
            f"labels are {type(array[0]).__name__}, such as {array[0]!r}; they are positions in `classes`, int64 (N,). "
            "Write np.array([classes.index(name) for name in labels])."
        )
    if array.dtype == bool or (array.size and not np.issubdtype(array.dtype, np.integer)):
        return f"labels are {array.dtype}; they are positions in `classes`, int64 (N,). Write labels.astype(np.int64)."
    return None


def check_loads_alike(dataset: Dataset, domain: str, split: str) -> None:
    """Raise DataError where a second load gives other labels or examples than the first."""
    first = loaded(dataset, domain, split)
    rows = rows_to_look_at(len(first))
    labels = np.array(first.labels)  # a copy: a load that works in place changes what it gave before
    with blamed(f"{dataset.label}, domain {domain!r}, split {split!r}: reading an example"):
        seen = [example_bytes(first.inputs[row]) for row in rows]
        second = loaded(dataset, domain, split)
        alike = np.array_equal(labels, np.asarray(second.labels)) and seen == [
            example_bytes(second.inputs[row]) for row in rows
        ]
    if not alike:
        raise DataError(
            f"{dataset.label}, domain {domain!r}, split {split!r}: a second load gives other examples or another "
            "order, so that features and labels would not belong together. Change nothing in place (index by "
            "np.random.default_rng(0).permutation(n) instead of shuffle), and draw from generators with a fixed seed."
        )


def rows_to_look_at(count: int) -> list[int]:
    """Return a few rows of a split, spread over all of it."""
    return sorted({int(row) for row in np.linspace(0, max(count - 1, 0), min(count, LOOKS))})
