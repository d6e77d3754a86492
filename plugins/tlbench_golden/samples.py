"""Draw the tensors that both implementations of a comparison are given."""

import torch
from torch import Tensor

from tlbench.learning import generator


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    """Return a sample of a standard normal distribution, float32."""
    return torch.randn(*shape, generator=generator(seed))


def few_shot(shots: int = 5, ways: int = 5, queries: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """Return support features (ways * shots, 16) with labels, and query features, of overlapping classes."""
    centres = 1.5 * gaussian(ways, 16, seed=3)
    labels = torch.arange(ways).repeat_interleave(shots)
    support = centres[labels] + gaussian(ways * shots, 16, seed=4)
    asked = centres[torch.arange(ways).repeat_interleave(queries)] + gaussian(ways * queries, 16, seed=5)
    return support.relu(), labels, asked.relu()


def pictures(count: int = 60, classes: int = 4, side: int = 32) -> tuple[Tensor, Tensor]:
    """Return images, uint8 (N, 3, H, W), with labels; those of class 1 are darker in the upper half of one channel."""
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator(0))
    labels = torch.arange(count) % classes
    images[labels == 1, 0, : side // 2] //= 2
    return images, labels
