"""Hold the logits of a cell's classifiers beside the test labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Predictions:
    """Hold logits, float32 (N, C), beside labels, int64 (N,).

    Of several episodes the rows stand one after the other, as many of each.
    """

    logits: np.ndarray
    labels: np.ndarray
    episodes: int = 1
    val_logits: np.ndarray | None = None  # on the validation labels, where the protocol keeps any
    val_labels: np.ndarray | None = None
    # Features of some test items, projected on their principal directions, float16 (M, k); of replicate 0 alone.
    shown_rows: np.ndarray | None = None  # which test items, int64 (M,)
    shown_before: np.ndarray | None = None  # of the backbone as it came
    shown_after: np.ndarray | None = None  # of the trained backbone, where there is one

    @classmethod
    def joined(cls, parts: "Sequence[Predictions]") -> "Predictions":
        """Put the predictions of episodes one after the other."""
        return cls(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.labels for part in parts]),
            len(parts),
            _concatenated([part.val_logits for part in parts]),
            _concatenated([part.val_labels for part in parts]),
        )

    def by_episode(self) -> "list[Predictions]":
        """Return the predictions of each episode."""
        if self.episodes == 1:
            return [self]
        logits, labels = np.split(self.logits, self.episodes), np.split(self.labels, self.episodes)
        if self.val_logits is None or self.val_labels is None:
            return [Predictions(*part) for part in zip(logits, labels, strict=True)]
        val_logits, val_labels = np.split(self.val_logits, self.episodes), np.split(self.val_labels, self.episodes)
        parts = zip(logits, labels, val_logits, val_labels, strict=True)
        return [Predictions(own, truth, 1, val, val_truth) for own, truth, val, val_truth in parts]


def _concatenated(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    found = [array for array in arrays if array is not None]
    return np.concatenate(found) if len(found) == len(arrays) else None
