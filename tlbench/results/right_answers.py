"""Which test items cells got right, read from their stored logits as fast as a hundred thousand files ask for."""

import json
import os
from functools import lru_cache
from typing import Any

import numpy as np

from tlbench.errors import StoreError
from tlbench.names import plural
from tlbench.results.store import Store

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
