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

_PLACE = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)  # of pixels, from the middle


def laid_over(images: Array, others: Array) -> tuple[Array, Array]:
    """Return the others shifted and stretched to agree with the images, and which pixels have both: (N, 32, 32)."""
    fit = np.zeros((len(images), 4), dtype=np.float32)  # shift across and down, stretch across and down
    slopes = np.ones((len(images), 6, SIDE, SIDE), dtype=np.float32)
    slopes[:, 4] = -images  # contrast; the last one is brightness
    moved, inside = _moved(others, fit)
    for _ in range(_STEPS):
        down, across = np.gradient(moved, axis=(1, 2))
        slopes[:, 0], slopes[:, 1], slopes[:, 2], slopes[:, 3] = across, down, across * _PLACE, down * _PLACE[:, None]
        seen = (slopes * inside[:, None]).reshape(len(images), 6, SIDE * SIDE)
        squares = seen @ seen.transpose(0, 2, 1) + 1e-3 * np.eye(6, dtype=np.float32)
        step = np.linalg.solve(squares, seen @ moved.reshape(len(images), SIDE * SIDE, 1))[:, :4, 0]
        fit = (fit - step.clip(-_STEP, _STEP)).clip(-_MOST, _MOST)
        moved, inside = _moved(others, fit)
    return moved, inside


def _moved(images: Array, fit: Array) -> tuple[Array, Array]:
    """Return images shifted and stretched, linearly interpolated, and which of their pixels lie inside."""
    places = (_PLACE * (1 + fit[:, 2:, None]) + fit[:, :2, None] + (SIDE - 1) / 2).astype(np.float32)  # (N, 2, 32)
    inside = ((places >= 0) & (places <= SIDE - 1)).astype(np.float32)
    apart = np.abs(places.clip(0, SIDE - 1)[..., None] - np.arange(SIDE, dtype=np.float32))
    across, down = (1 - apart).clip(min=0).transpose(1, 0, 2, 3)  # what each pixel of a row weighs in each that is new
    return down @ images @ across.transpose(0, 2, 1), inside[:, 1, :, None] * inside[:, 0, None, :]


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
    most: Array = (difference / (_detail(images) + _detail(others) + _FLAT)).max(axis=(1, 2))
    return most


def detailed_share(images: Array) -> Array:
    """Return the share of windows that are not flat, (N,): where it is small, images have little to differ in."""
    share: Array = (_detail(images) > _FLAT).mean(axis=(1, 2))
    return share


def _detail(images: Array) -> Array:
    return _windows((images - _windows(images)) ** 2)


def _windows(values: Array) -> Array:
    """Return means of windows."""
    from scipy.ndimage import uniform_filter

    means: Array = uniform_filter(values, size=(1, _WINDOW, _WINDOW), mode="constant")
    return means
