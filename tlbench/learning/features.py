"""Extract the features of a frozen backbone once per split, and keep account of what they cost."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.data import Cache, EncodedSplit, Portion
from tlbench.learning.determinism import Stopwatch
from tlbench.learning.training import PREDICT_BATCH, predict
from tlbench.progress import FEATURES, once, track


def feature_key(split: tuple[str, ...], backbone_identity: object, device: torch.device) -> tuple[Any, ...]:
    """Name features, of the encoded split of this key, by everything that may change their bits."""
    return (split, backbone_identity, torch.__version__, device.type, torch.get_num_threads(), PREDICT_BATCH)


def extract_split(
    split: EncodedSplit, network: Callable[[], nn.Module], identity: object, device: torch.device, cache: Cache
) -> np.ndarray:
    """Return the features of a whole split, float32 (N, feature_dim), cached; `network` is built when they are not."""

    key = feature_key(split.key, identity, device)

    def make(path: Path) -> None:
        frozen = network()
        batches = -(-len(split.inputs) // PREDICT_BATCH)
        with Stopwatch(device) as watch:
            starts = track(range(0, len(split.inputs), PREDICT_BATCH), f"{FEATURES}, once: {split.name}", batches)
            features = torch.cat(
                [predict(frozen, split.inputs[start : start + PREDICT_BATCH], device) for start in starts]
            )
        cache.state("extraction", key, lambda: ({}, {"seconds": repr(watch.seconds)}))
        with path.open("wb") as file:
            np.save(file, features.numpy())

    return cache.array("features", key, make)


def extraction_seconds(split: EncodedSplit, identity: object, device: torch.device, cache: Cache) -> float:
    """Return the seconds that extracting a split's features took, whenever that was."""
    return seconds_noted(feature_key(split.key, identity, device), cache)


def seconds_noted(key: tuple[Any, ...], cache: Cache) -> float:
    """Return the seconds that extracting features, named by `feature_key`, took; NaN where nobody noted them."""
    _, texts = cache.state("extraction", key, lambda: ({}, {"seconds": "nan"}))
    return float(texts["seconds"])


@dataclass(eq=False)
class FeatureSource:
    """Find features of encoded splits under one frozen backbone, and keep account of what they cost.

    Costs must not depend on what the cache happened to hold: the seconds spent here are told apart from the
    seconds owed, the share of the extraction that falls to the rows that were asked for.
    """

    cache: Cache
    device: torch.device
    identity: Any  # of the backbone, with the replicate where its start is random
    network: Callable[[], nn.Module]
    is_shared: bool = True  # False where the backbone starts at random, in each replicate anew
    seconds_here: float = 0.0
    seconds_owed: float = 0.0

    def rows(self, portion: Portion, rows: np.ndarray | None = None) -> Tensor:
        """Return features, float32 (N, feature_dim), of some rows or all rows of a portion."""
        return portion.gather(rows, self._of_split)

    def _of_split(self, split: EncodedSplit, rows: np.ndarray | None) -> Tensor:
        with Stopwatch(self.device) as watch:
            with once() if self.is_shared else nullcontext():
                features = extract_split(split, self.network, self.identity, self.device, self.cache)
            found = torch.from_numpy(np.array(features if rows is None else features[rows]))
        self.seconds_here += watch.seconds
        whole = extraction_seconds(split, self.identity, self.device, self.cache)
        self.seconds_owed += whole * len(found) / len(split.labels)
        return found

    def settle(self) -> float:
        """Return the seconds to add to a measured time, owed minus spent, and set both to 0."""
        difference = self.seconds_owed - self.seconds_here
        self.seconds_here = self.seconds_owed = 0.0
        return difference
