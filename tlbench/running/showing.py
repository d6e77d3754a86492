"""Features of a few test items, small enough to keep, for a picture of them before and after training."""

from typing import Any

import numpy as np
import torch

from tlbench.learning import Classifier, predict
from tlbench.running.fit_task import Trial
from tlbench.seeds import derive

SHOWN = 200  # test items, at most
DIRECTIONS = 16  # principal directions that are kept, at most


def shown_features(trial: Trial, seed: int) -> dict[str, Any]:
    """Return `shown_rows`, `shown_before` and `shown_after` of `Predictions`, as far as there are such features.

    Before: of the frozen backbone, where the classifier stands on it. After: of the backbone that was trained.
    """
    classifier, bench = trial.classifier, trial.bench
    if not isinstance(classifier, Classifier):
        return {}
    inputs = trial.drawn.queries
    rows = np.sort(np.random.default_rng(derive(seed, "shown")).permutation(len(inputs))[:SHOWN])
    if classifier.backbone is bench.frozen_backbone():
        return {"shown_rows": rows, "shown_before": projected(trial.drawn.query_features()[rows])}
    features = predict(classifier.backbone, inputs[torch.from_numpy(rows)], bench.device)
    return {"shown_rows": rows, "shown_after": projected(features)}


def projected(features: torch.Tensor) -> np.ndarray:
    """Return features (M, d) on their principal directions, float16 (M, at most 16), scaled to a largest value of 1."""
    centred = features.double().numpy()
    centred = centred - centred.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    found = centred @ directions[:DIRECTIONS].T
    scaled: np.ndarray = (found / max(float(np.abs(found).max()), 1e-12)).astype(np.float16)
    return scaled
