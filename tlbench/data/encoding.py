"""Encode each split once per encoding, and keep it in the cache."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import Backbone, Dataset
from tlbench.data.cache import LARGE, Cache
from tlbench.data.dataset_probe import example_bytes
from tlbench.errors import DataError, PluginError
from tlbench.host import blamed
from tlbench.progress import track

CHUNK = 256  # raw examples encoded at a time
DECODERS = 4  # threads that decode: image libraries release the interpreter's lock


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """Hold all inputs and labels of one split, encoded for one backbone.

    `inputs` is (N, ...), memory-mapped when large; `labels` int64 (N,).
    """

    inputs: Tensor
    labels: np.ndarray
    key: tuple[str, ...]  # names the content, for the feature cache
    reopen: Callable[[], np.ndarray]  # maps the file anew

    @property
    def name(self) -> str:
        """Return the split's name in its dataset."""
        return self.key[2]

    def take(self, rows: np.ndarray) -> Tensor:
        """Return the inputs of these rows as a tensor of its own: changing it changes nobody else's."""
        whole = len(rows) == len(self.labels) and bool((rows == np.arange(len(rows))).all())
        if whole and self.inputs.numel() * self.inputs.element_size() >= LARGE:
            return torch.from_numpy(self.reopen())  # mapped copy-on-write, never read as a whole
        return self.inputs[torch.from_numpy(rows)]


@dataclass(frozen=True, eq=False)
class Portion:
    """Select rows of encoded splits, one after the other: a split as a rule divides the data."""

    parts: tuple[tuple[EncodedSplit, np.ndarray | None], ...]  # None: all rows
    labels: np.ndarray  # int64 (N,)

    @property
    def whole(self) -> EncodedSplit | None:
        """Return the split that this is all of, or None."""
        (split, rows), *others = self.parts
        return split if rows is None and not others else None

    @property
    def inputs(self) -> Tensor:
        """Return all inputs, (N, ...)."""
        return self.whole.inputs if self.whole else self.take(np.arange(len(self.labels)))

    def take(self, rows: np.ndarray) -> Tensor:
        """Return the inputs of these rows as a tensor of its own."""
        if self.whole:
            return self.whole.take(rows)
        return self._gathered(rows, lambda split, own: split.take(own))

    def per_row(self, of: Callable[[str], np.ndarray]) -> np.ndarray:
        """Return what `of` knows about each row of an own split, by the split's name, put together; (N,)."""
        found = [of(split.name) if rows is None else of(split.name)[rows] for split, rows in self.parts]
        return np.concatenate(found)

    def gather(self, rows: np.ndarray | None, of: Callable[[EncodedSplit, np.ndarray | None], Tensor]) -> Tensor:
        """Return what `of` knows about the rows of each split (None: of all), put together in the order of `rows`."""
        if self.whole:
            return of(self.whole, rows)
        return self._gathered(np.arange(len(self.labels)) if rows is None else rows, of)

    def _gathered(self, rows: np.ndarray, of: Callable[[EncodedSplit, np.ndarray], Tensor]) -> Tensor:
        found: Tensor | None = None
        start = 0
        for split, own in self.parts:
            own = np.arange(len(split.labels)) if own is None else own
            here = np.flatnonzero((rows >= start) & (rows < start + len(own)))
            values = of(split, own[rows[here] - start])
            if found is None:
                found = values.new_empty((len(rows), *values.shape[1:]))
            found[torch.from_numpy(here)] = values
            start += len(own)
        assert found is not None
        return found


def encode_split(
    dataset: Dataset, fingerprint: str, domain: str, split: str, backbone: Backbone, cache: Cache
) -> EncodedSplit:
    """Return a split encoded for a backbone, from the cache where it is there."""
    loaded = dataset.load(domain, split)
    labels = np.asarray(loaded.labels, dtype=np.int64)
    key = (fingerprint, domain, split, backbone.encoding)

    def opened() -> np.ndarray:
        return cache.array("encoded", key, lambda path: _write_encoded(path, loaded.inputs, backbone, split))

    array = opened()
    if len(array) != len(labels):
        raise DataError(f"backbone {backbone.name!r} encoded {len(labels)} examples into {len(array)} rows.")
    return EncodedSplit(torch.from_numpy(array), labels, key, opened)


def _write_encoded(path: Path, raw: Sequence[Any], backbone: Backbone, split: str) -> None:
    """Encode chunk by chunk into a memory-mapped file, so that a large split never stands in memory."""
    chunks = [range(start, min(start + CHUNK, len(raw))) for start in range(0, len(raw), CHUNK)]
    with ThreadPoolExecutor(DECODERS) as pool:
        first, *_ = _encode_first(raw[0], backbone)
        with path.open("wb"):
            target = np.lib.format.open_memmap(path, "w+", first.dtype, (len(raw), *first.shape))
        for chunk in chunks:
            examples = track(
                pool.map(raw.__getitem__, chunk), f"reading {len(raw):,} examples, {split}", len(raw), chunk.start
            )
            encoded = _encode(list(examples), backbone)
            _require_alike(encoded, target, backbone)
            target[chunk.start : chunk.stop] = encoded
        target.flush()


def _require_alike(encoded: np.ndarray, target: np.ndarray, backbone: Backbone) -> None:
    """Raise DataError where examples are encoded into other types or shapes than the first: these would be cut."""
    if encoded.dtype != target.dtype or encoded.shape[1:] != target.shape[1:]:
        raise DataError(
            f"backbone {backbone.name!r} encodes the first example as {target.dtype} {target.shape[1:]} and another as "
            f"{encoded.dtype} {encoded.shape[1:]}. Serve all examples of a dataset as one type, of one number of "
            f"channels."
        )


def _encode_first(example: Any, backbone: Backbone) -> np.ndarray:
    """Encode one example, and see that it stays as it was: others are given the same."""
    before = example_bytes(example)
    encoded = _encode([example], backbone)
    if example_bytes(example) != before:
        raise PluginError(
            f"backbone {backbone.name!r}: encode changes the raw examples in place, and other backbones are given the "
            "same. Work on a copy, np.array(example), or normalise inside the network."
        )
    return encoded


def _encode(examples: list[Any], backbone: Backbone) -> np.ndarray:
    with blamed(f"backbone {backbone.name!r}: encode"):
        encoded = backbone.encode(examples)
    if not isinstance(encoded, Tensor) or len(encoded) != len(examples):
        got = tuple(encoded.shape) if isinstance(encoded, Tensor) else type(encoded).__name__
        raise DataError(
            f"backbone {backbone.name!r}: encode must return a tensor of {len(examples)} rows for as many examples; "
            f"got {got}."
        )
    array: np.ndarray = encoded.detach().cpu().contiguous().numpy()
    return array
