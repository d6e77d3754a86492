"""Find nearest neighbours among features, a block of rows at a time."""

import torch

BLOCK = 1024  # rows whose distances to all others are in memory together


def nearest_others(features: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return squared distances and positions, both (N, count), of the nearest other rows of features (N, D).

    With fewer than `count` other rows there are as many columns as other rows.
    """
    count = min(count, len(features) - 1)
    lengths = features.square().sum(dim=1)
    distances, positions = [], []
    for start in range(0, len(features), BLOCK):
        rows = features[start : start + BLOCK]
        squared = lengths[start : start + BLOCK, None] + lengths - 2 * rows @ features.T
        squared[torch.arange(len(rows)), torch.arange(start, start + len(rows))] = torch.inf  # itself
        nearest = squared.topk(count, dim=1, largest=False)
        distances.append(nearest.values.clamp(min=0))
        positions.append(nearest.indices)
    return torch.cat(distances), torch.cat(positions)
