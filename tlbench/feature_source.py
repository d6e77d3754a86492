"""Features of a frozen backbone for the cells that ask, with an account of what they cost."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.cache import Cache
from tlbench.determinism import Stopwatch
from tlbench.features import EncodedSplit, Portion, extract_split, extraction_seconds


@dataclass(eq=False)
class FeatureSource:
    """Finds features of encoded splits under one frozen backbone, and keeps account of what they cost.

    Costs must not depend on what the cache happened to hold: the seconds spent here are told apart from the
    seconds owed, the share of the extraction that falls to the rows that were asked for.
    """

    cache: Cache
    device: torch.device
    identity: Any  # of the backbone, with the replicate where its start is random
    network: Callable[[], nn.Module]
    seconds_here: float = 0.0
    seconds_owed: float = 0.0

    def rows(self, portion: Portion, rows: np.ndarray | None = None) -> Tensor:
        """Return features, float32 (N, feature_dim), of some rows or all rows of a portion."""
        return portion.gather(rows, self._of_split)

    def _of_split(self, split: EncodedSplit, rows: np.ndarray | None) -> Tensor:
        with Stopwatch(self.device) as watch:
            features = extract_split(split, self.network, self.identity, self.device, self.cache)
            found = torch.from_numpy(np.array(features if rows is None else features[rows]))
        self.seconds_here += watch.seconds
        whole = extraction_seconds(split, self.identity, self.device, self.cache)
        self.seconds_owed += whole * len(found) / len(split.labels)
        return found

    def settle(self) -> float:
        """Return what to add to a measured time, owed minus spent, and begin anew."""
        difference = self.seconds_owed - self.seconds_here
        self.seconds_here = self.seconds_owed = 0.0
        return difference
