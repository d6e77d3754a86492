"""The probe of the pixels themselves: against scikit-learn, and blind to the backbone."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from small_tasks import CORNERS, corners, fit

from tlbench import Task
from tlbench_scratch.pixel_probe import PixelProbe, Shrink


def test_it_is_scikit_learns_logistic_regression_on_means_of_blocks(tiny_bench):
    train, test = corners(24, 1), corners(40, 2)
    side = train.inputs.shape[-1]
    blocks = [
        (part.inputs.double() / 255)
        .reshape(len(part.labels), -1, 2, side // 2, 2, side // 2)
        .mean(dim=(3, 5))
        .flatten(1)
        for part in (train, test)
    ]
    known, asked = (part.numpy() for part in blocks)
    mean = known.mean(axis=0)
    scale = np.sqrt(((known - mean) ** 2).mean())
    solved = LogisticRegression(max_iter=1000).fit((known - mean) / scale, train.labels)
    model = fit(PixelProbe(size=2), Task(CORNERS, train, None), tiny_bench()).eval()
    with torch.no_grad():
        found = model(test.inputs).softmax(1)
    assert np.abs(found.numpy() - solved.predict_proba((asked - mean) / scale)).max() < 1e-3


def test_it_asks_the_backbone_for_nothing(tiny_bench, monkeypatch):
    bench = tiny_bench()
    for name in ("features", "backbone", "classifier"):
        monkeypatch.setattr(bench, name, None)
    model = fit(PixelProbe(), Task(CORNERS, corners(24, 1), None), bench)
    assert not [name for name, _ in model.named_modules() if "backbone" in name]


def test_images_of_any_size_are_shrunk_and_those_smaller_are_kept_apart():
    assert Shrink(4)(torch.zeros(2, 3, 37, 50, dtype=torch.uint8)).shape == (2, 48)
    assert Shrink(2)(torch.full((1, 1, 4, 4), 255, dtype=torch.uint8)).tolist() == [[1.0] * 4]
