"""Make and compare what tests of strategies share: images with a brighter corner, a seeded fit, equal parameters."""

import numpy as np
import torch

from tlbench import Labelled
from tlbench.learning import seed_everything

CORNERS = ("north-west", "north-east", "south-west", "south-east")


def corners(count, seed, hardness=40):
    """Return noisy images, uint8 (count, 1, 8, 8), with a brighter corner, which is their class."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    images = draw.integers(0, 120, (count, 1, 8, 8))
    for image, label in zip(images, labels, strict=True):
        top, left = 4 * (label // 2), 4 * (label % 2)
        image[0, top : top + 4, left : left + 4] += hardness
    return Labelled(torch.from_numpy(images.astype(np.uint8)), torch.from_numpy(labels))


def fit(strategy, task, bench, seed=0):
    """Fit a strategy as a cell does: from seeded generators."""
    seed_everything(seed)
    return strategy.fit(task, bench)


def same(one, other, tolerance=0.0):
    """Tell whether two modules, or two state dicts, have the same names and values, up to a tolerance."""
    mine, others = (each.state_dict() if isinstance(each, torch.nn.Module) else each for each in (one, other))
    return mine.keys() == others.keys() and all(
        torch.equal(value, others[name])
        if not tolerance
        else torch.allclose(value.float(), others[name].float(), rtol=0, atol=tolerance)
        for name, value in mine.items()
    )
