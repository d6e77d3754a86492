"""Lay thumbnails over each other, and tell what is left of their difference where it is largest.

A crop shifts and stretches every edge a little, and hides in that what else differs. So shift, stretch, brightness and
contrast are fitted first, by least squares on the image's slopes (Lucas and Kanade, 1981, "An iterative image
registration technique with an application to stereo vision").
"""

import numpy as np

from tlbench.data.image_hashes import SIDE, Array

_STEPS = 4  # of least squares
_SHIFT = 2.0  # pixels of a thumbnail: six per cent
_STRETCH = 0.12  # share of a side, both ends together
_STEP = np.array([1, 1, 0.05, 0.05], dtype=np.float32)  # the most that one step may change
_MOST = np.array([_SHIFT, _SHIFT, _STRETCH, _STRETCH], dtype=np.float32)
_WINDOW = 5  # pixels: what differs may be as small as a finger
_FLAT = 0.1  # of an image's variance: what a window without detail counts as having

_ACROSS = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
_Y, _X = np.meshgrid(_ACROSS, _ACROSS, indexing="ij")


def laid_over(images: Array, others: Array) -> tuple[Array, Array]:
    """Return the others shifted and stretched to agree with the images, and which pixels have both: (N, 32, 32)."""
    fit = np.zeros((len(images), 4), dtype=np.float32)  # shift across and down, stretch across and down
    moved, inside = _moved(others, fit)
    for _ in range(_STEPS):
        down, across = np.gradient(moved, axis=(1, 2))
        slopes = np.stack([across, down, across * _X, down * _Y, -images, -np.ones_like(images)], axis=-1)
        slopes = (slopes * inside[..., None]).reshape(len(images), SIDE * SIDE, 6)
        squares = np.einsum("nki,nkj->nij", slopes, slopes) + 1e-3 * np.eye(6, dtype=np.float32)
        target = -np.einsum("nki,nk->ni", slopes, (moved * inside).reshape(len(images), SIDE * SIDE))
        step = np.linalg.solve(squares, target[..., None])[:, :4, 0]
        fit = (fit + step.clip(-_STEP, _STEP)).clip(-_MOST, _MOST)
        moved, inside = _moved(others, fit)
    return moved, inside


def _moved(images: Array, fit: Array) -> tuple[Array, Array]:
    shift_x, shift_y, stretch_x, stretch_y = fit.T[:, :, None, None]
    x, y = (_X * (1 + stretch_x) + shift_x + _X[0, -1], _Y * (1 + stretch_y) + shift_y + _Y[-1, 0])
    inside = ((x >= 0) & (x <= SIDE - 1) & (y >= 0) & (y <= SIDE - 1)).astype(np.float32)
    x, y = x.clip(0, SIDE - 1), y.clip(0, SIDE - 1)
    left, top = (np.minimum(each.astype(np.int64), SIDE - 2) for each in (x, y))
    right_share, low_share = x - left, y - top
    which = np.arange(len(images))[:, None, None]
    upper = images[which, top, left] * (1 - right_share) + images[which, top, left + 1] * right_share
    lower = images[which, top + 1, left] * (1 - right_share) + images[which, top + 1, left + 1] * right_share
    between: Array = upper * (1 - low_share) + lower * low_share
    return between, inside


def standardised(images: Array, inside: Array) -> Array:
    """Return images with mean 0 and variance 1 over the pixels inside, and 0 elsewhere."""
    count = inside.sum(axis=(1, 2), keepdims=True)
    centred = (images - (images * inside).sum(axis=(1, 2), keepdims=True) / count) * inside
    spread: Array = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True) / count)
    result: Array = centred / np.maximum(spread, 1e-3)
    return result


def left_over(images: Array, others: Array) -> Array:
    """Return how much two images differ in the window where they differ most, (N,).

    Both are standardised. 0 is no difference; 1 is as much as there is detail in both together.
    """
    difference = _windows((images - others) ** 2)
    detail = _windows(sum((each - _windows(each)) ** 2 for each in (images, others)))
    most: Array = (difference / (detail + _FLAT)).max(axis=(1, 2))
    return most


def _windows(values: Array) -> Array:
    """Return means of windows."""
    from scipy.ndimage import uniform_filter

    means: Array = uniform_filter(values, size=(1, _WINDOW, _WINDOW), mode="constant")
    return means
