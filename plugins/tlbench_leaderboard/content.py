"""Read the files of a submission, JSON and tensors, without trusting them."""

import hashlib
import json
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlbench import Record, digest
from tlbench.errors import StoreError
from tlbench_leaderboard.source import PLAN, Source


def read_object(source: Source, place: str) -> dict[str, Any]:
    """Return a JSON object; raise StoreError where there is none, or where a key stands twice in it."""
    return parse_object(source.read(place), place)


def parse_object(content: bytes, place: str) -> dict[str, Any]:
    """Return the JSON object that bytes hold; raise StoreError where they hold none."""
    try:
        data = json.loads(content, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise StoreError(f"{place} is not readable as JSON: {why}.") from None
    if not isinstance(data, dict):
        raise StoreError(f"{place} holds no JSON object.")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def read_plan(source: Source) -> dict[str, Any]:
    """Return what was planned; empty where there is no plan."""
    return read_object(source, PLAN) if PLAN in source.sizes else {}


@dataclass(frozen=True, eq=False)
class Stored:
    """Hold the predictions of a record: logits, floating (N, C); labels, integers (N,)."""

    logits: np.ndarray
    labels: np.ndarray
    episodes: int
    sha256: str  # of the file

    @property
    def bits(self) -> str:
        """Name the logits and labels: equal bits have equal names, whatever else stands in the file."""
        digested = hashlib.sha256(np.ascontiguousarray(self.logits).tobytes())
        digested.update(np.ascontiguousarray(self.labels).tobytes())
        return digested.hexdigest()

    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return logits and labels of each episode."""
        return list(zip(np.split(self.logits, self.episodes), np.split(self.labels, self.episodes), strict=True))


def read_predictions(content: bytes, place: str) -> Stored:
    """Return predictions; raise StoreError where they are not what predictions are."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arrays = load(content)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, MemoryError) as error:
        raise StoreError(f"{place} is not readable as safetensors: {error}.") from None
    missing = [name for name in ("logits", "labels") if name not in arrays]
    if missing:
        raise StoreError(f"{place} holds no {' and no '.join(missing)}.")
    logits, labels = arrays["logits"], arrays["labels"]
    if logits.ndim != 2 or labels.ndim != 1 or len(logits) != len(labels) or not len(labels) or not logits.shape[1]:
        raise StoreError(
            f"{place} has logits of shape {logits.shape} and labels of shape {labels.shape}; they must be (N, C) "
            f"and (N,)."
        )
    if not np.issubdtype(logits.dtype, np.floating) or not np.issubdtype(labels.dtype, np.integer):
        raise StoreError(f"{place} has logits of {logits.dtype} and labels of {labels.dtype}.")
    episodes = arrays.get("episodes", np.ones(1, dtype=np.int64))
    count = int(episodes[0]) if episodes.shape == (1,) and np.issubdtype(episodes.dtype, np.integer) else 0
    if count < 1 or len(labels) % count:
        raise StoreError(f"{place} has {len(labels):,} rows, which are not those of {count} episodes.")
    if not np.isfinite(logits).all():
        raise StoreError(f"{place} has logits that are not finite.")
    return Stored(logits, labels, count, hashlib.sha256(content).hexdigest())


def digests_of_record(data: dict[str, Any]) -> set[str]:
    """Return the digests that a record with this JSON may state.

    A later tlbench may know more fields than stand here: the digest is that of what is stored, or of what this
    version makes of it.
    """
    found = {digest({key: value for key, value in data.items() if key != "digests"})}
    with suppress(TypeError, ValueError, AttributeError):
        found.add(Record.from_json(data).digest())
    return found
