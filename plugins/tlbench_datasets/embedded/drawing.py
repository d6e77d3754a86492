"""Draw characters from the fonts that matplotlib ships, with random shape, stroke, blur and noise.

Every (face, character) becomes one signed distance field. A drawing is that field looked up through a random
affine and elastic map: adding to a distance thickens the stroke and its slope gives smooth edges at any size,
so one look-up does all of it, for a whole class at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlbench_datasets.embedded.outlines import FACES, fill, has

_FIELD_SIDE = 64  # pixels
_LETTER_SIDE = 44  # pixels that the longer side of a letter takes in its field; the margin lets a stroke grow
_ELASTIC_NODES = 4  # a side; coarser than a stroke is long, finer than a letter


@dataclass(frozen=True)
class Hand:
    """How much drawings of one character differ; a pair is the range of a uniform draw."""

    size: tuple[float, float] = (0.70, 0.95)  # longer side of the letter, as a share of the image's side
    stretch: float = 0.15  # width against height varies by this factor either way, in log units
    rotation: float = 10.0  # degrees, either way
    shear: float = 0.15  # horizontal slant per unit of height, either way
    shift: float = 0.05  # share of the image's side, either way
    elastic: float = 0.03  # standard deviation of the bending, as a share of the image's side
    thickness: tuple[float, float] = (-0.3, 0.8)  # pixels added to each edge of a stroke
    blur: tuple[float, float] = (0.3, 0.9)  # pixels, standard deviation
    noise: float = 12.0  # grey levels, largest standard deviation
    ink: tuple[float, float] = (180.0, 255.0)  # grey level of a full stroke


def distance_fields(character: str, most: int = len(FACES)) -> NDArray[np.float32]:
    """Return signed distances to the outline, inside positive, in pixels, float32, (faces, 64, 64).

    The faces are those that have the character, thinned out evenly to at most `most`.
    """
    from scipy.ndimage import distance_transform_edt

    faces = [face for face in FACES if has(face, character)]
    if not faces:
        raise ValueError(f"no font shipped with matplotlib draws {character!r}")
    chosen = np.linspace(0, len(faces) - 1, min(most, len(faces))).astype(int)
    masks = [fill(faces[place], character, _FIELD_SIDE, _LETTER_SIDE) for place in chosen]
    fields = [distance_transform_edt(mask) - distance_transform_edt(~mask) for mask in masks]
    return np.stack(fields).astype(np.float32)


def draw(
    fields: NDArray[np.float32], count: int, side: int, hand: Hand, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return drawings of one character, white on black, uint8, (count, side, side), faces in turn."""
    from scipy.ndimage import map_coordinates

    faces = np.arange(count) % len(fields)
    size = generator.uniform(*hand.size, count)
    columns, rows = _letter_coordinates(count, side, size, hand, generator)
    centre = (_FIELD_SIDE - 1) / 2
    where = np.stack(
        [
            np.broadcast_to(faces[:, None, None], rows.shape),
            rows * _LETTER_SIDE + centre,
            columns * _LETTER_SIDE + centre,
        ]
    )
    distance = map_coordinates(fields, where, order=1, mode="nearest", output=np.float64)
    distance *= (size * side / _LETTER_SIDE)[:, None, None]  # field pixels to image pixels
    thickness = generator.uniform(*hand.thickness, (count, 1, 1))
    coverage = np.clip(distance + thickness + 0.5, 0.0, 1.0)
    coverage = _blur(coverage, generator.uniform(*hand.blur, count))
    ink = generator.uniform(*hand.ink, (count, 1, 1))
    noise = generator.standard_normal(coverage.shape, dtype=np.float32)
    noise *= generator.uniform(0.0, hand.noise, (count, 1, 1)).astype(np.float32)
    return np.clip(np.rint(coverage * ink + noise), 0, 255).astype(np.uint8)


def enlargement(small: int, large: int) -> NDArray[np.float64]:
    """Return the bilinear matrix, (large, small), that enlarges a side of an image: `m @ image @ m.T`."""
    position = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    return np.clip(1 - np.abs(position[:, None] - np.arange(small)), 0.0, 1.0)


def _letter_coordinates(
    count: int, side: int, size: NDArray[np.float64], hand: Hand, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each image pixel's place on the letter, columns and rows, each (count, side, side)."""
    axis = (np.arange(side) + 0.5) / side - 0.5
    bend = enlargement(_ELASTIC_NODES, side)
    offsets = generator.normal(0.0, hand.elastic, (2, count, _ELASTIC_NODES, _ELASTIC_NODES))
    offsets = bend @ offsets @ bend.T + generator.uniform(-hand.shift, hand.shift, (2, count, 1, 1))
    columns, rows = axis[None, :] - offsets[0], axis[:, None] - offsets[1]

    angle = np.deg2rad(generator.uniform(-hand.rotation, hand.rotation, (count, 1, 1)))
    slant = generator.uniform(-hand.shear, hand.shear, (count, 1, 1))
    stretch = np.exp(generator.uniform(-hand.stretch, hand.stretch, (count, 1, 1)) / 2)
    cosine, sine, scale = np.cos(angle), np.sin(angle), size[:, None, None]
    turned_columns, turned_rows = cosine * columns + sine * rows, cosine * rows - sine * columns
    return (turned_columns + slant * turned_rows) / (scale * stretch), turned_rows * stretch / scale


def _blur(images: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return images, (N, side, side), each blurred by its own Gaussian, (N,), in pixels."""
    position = np.arange(images.shape[-1])
    apart = np.square(position[:, None] - position) / 2
    kernel = np.exp(-apart / np.square(sigma)[:, None, None])
    kernel /= kernel.sum(axis=2, keepdims=True)
    return kernel @ images @ kernel.transpose(0, 2, 1)
