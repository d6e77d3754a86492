"""Which test items cells got right, read from their stored logits as fast as a hundred thousand files ask for."""

import json
import os
from typing import Any

import numpy as np

from tlbench.store import Store

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


def right_answers(store: Store, cell: str) -> np.ndarray:
    """Return which test items a cell classified rightly, bool (episodes, items).

    Raises StoreError where its predictions cannot be read.
    """
    try:
        arrays = _arrays(os.path.join(store.records_folder, f"{cell}.safetensors"))
        logits, labels, episodes = arrays["logits"], arrays["labels"], int(arrays["episodes"][0])
    except (OSError, KeyError, ValueError, TypeError):  # not as we write them: the library knows more, or says why not
        predictions = store.predictions(cell)
        logits, labels, episodes = predictions.logits, predictions.labels, predictions.episodes
    right: np.ndarray = logits.argmax(axis=1) == labels
    return right.reshape(episodes, -1)


def _arrays(path: str) -> dict[str, np.ndarray]:
    """Read what is needed of a safetensors file: the length of its header, the header in JSON, then the numbers."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    found: dict[str, np.ndarray] = {}
    for name in ("logits", "labels", "episodes"):
        facts = header[name]
        start, end = facts["data_offsets"]
        found[name] = np.frombuffer(data[start:end], _TYPES[facts["dtype"]]).reshape(facts["shape"])
    return found
