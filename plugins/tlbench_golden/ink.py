"""Measure baselines that need no training: drawings compared as ink (Lake et al., 2015, one-shot classification)."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree


def ink(image: NDArray[np.uint8]) -> KDTree:
    """Return where a drawing, dark on light, (H, W), is inked: points (P, 2) about their centre of mass."""
    points = np.argwhere(image < 128).astype(np.float64)
    return KDTree(points - points.mean(axis=0))


def modified_hausdorff(one: KDTree, other: KDTree) -> float:
    """Return the larger of the two mean distances to the nearest point (Dubuisson & Jain, 1994, equations 6, 8)."""
    return float(max(other.query(one.data)[0].mean(), one.query(other.data)[0].mean()))


def nearest_by_hausdorff(support: list[KDTree], query: KDTree) -> int:
    """Return which support drawing is nearest."""
    return int(np.argmin([modified_hausdorff(query, drawing) for drawing in support]))


def nearest_by_pixels(support: NDArray[np.uint8], query: NDArray[np.uint8]) -> int:
    """Return which support image, of (N, H, W), is nearest by Euclidean distance of the pixels."""
    difference = support.astype(np.float64) - query
    return int(np.argmin(np.square(difference).sum(axis=(1, 2))))
