"""The label sampler on a million labels, against scikit-learn's stratified split of the same size."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from tlbench import Budget
from tlbench.data import labelled_positions

LABELS = np.random.default_rng(0).integers(0, 1000, 1_000_000)


@pytest.mark.benchmark(group="10% of a million labels")
@pytest.mark.parametrize("sampler", ["tlbench", "scikit-learn"])
def test_label_sampler(benchmark, sampler):
    rows = np.arange(len(LABELS))
    draw = {
        "tlbench": lambda: labelled_positions(LABELS, 1000, Budget.parse("10%"), seed=0),
        "scikit-learn": lambda: train_test_split(rows, train_size=0.1, stratify=LABELS, random_state=0)[0],
    }[sampler]
    chosen = benchmark.pedantic(draw, rounds=3)
    assert len(chosen) == 100_000
