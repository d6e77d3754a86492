"""Rows of a frame of records, made up by score, for tests of what summaries and answers say."""

import numpy as np

FAMILIES = {"scratch": "scratch", "probe": "extract", "finetune": "finetune", "dann": "adapt", "source-only": "adapt"}
STEADY = np.array([0.0, 0.01, -0.01, 0.01, -0.01, 0.0])


def rows(strategy, scores, **given):
    """Return the frame's rows of one strategy: a record per score."""
    labels = {
        "strategy": strategy, "family": FAMILIES.get(strategy.partition("-")[0], FAMILIES.get(strategy, "finetune")),
        "setting": "inductive", "backbone": "tiny", "dataset": "toys", "source": "", "target": "all",
        "transfer": "toys", "budget": "5-shot", "selection": "last", "tuned": "", "seed": 0, "status": "ok",
        "upper_bound": False, "folds": 0, "splits": "given", "marked": strategy in ("scratch", "source-only"),
        "fit_seconds": 2.0, "prepare_seconds": 1.0, "tuning_seconds": np.nan, "members_seconds": np.nan,
        "source_accuracy": np.nan,
        "episodes": None, "train_labels": 10, "val_labels": 0, "unlabelled_target": 0, "source_labels": 0,
        "further_labels": None, "transductive": False, "transductive_measured": None, "pretrained_on": "things",
        "test_in_train": None, "test_in_source": None, "test_in_upstream": None, "did_not_learn": "", **given,
    }  # fmt: skip
    return [
        {**labels, "cell": f"{strategy}-{i}", "result": f"{strategy}-{i}", "replicate": i, "accuracy": score}
        for i, score in enumerate(scores)
    ]


SCRATCH = rows("scratch", 0.5 + STEADY)
