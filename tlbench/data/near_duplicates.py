"""Find examples that stand in other data too: equal, or near-duplicates by perceptual hash and thumbnail.

A hash alone would call two writers' ones the same picture. So it only proposes pairs, and thumbnails decide.
Measured on test against training images of MNIST, USPS, CIFAR-10, Oxford flowers, Omniglot and the embedded data, and
on copies of them that were stored as JPEG, resized, brightened, turned grey or cropped (docs/why.md has the table).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tlbench.data.image_alignment import laid_over, left_over, standardised
from tlbench.data.image_hashes import SIDE, Array, distances
from tlbench.progress import track

EQUAL, NEAR, MIRRORED = 0, 1, 2  # kinds of copies: same values; near-duplicate; near-duplicate of the mirror image

COPY = np.dtype([("row", "<i8"), ("other", "<i8"), ("kind", "u1")])

# The limits stand far from both sides; `python benchmarks/near_duplicates.py` measures what they find and what they miss.
_BITS = 14
_SIMILAR = 0.9
_LEFT_OVER = 0.6

# Drawings on an empty ground. Of one class they lie over each other well, and small ones (28 pixels, 16) nearly exactly:
# by up to 0.998 two writers' ones correlate (USPS; digits 0.996, MNIST 0.989), so that nothing is laid over there.
_BITS_OF_DRAWING = 6
_SIMILAR_LARGE_DRAWING = 0.96
_LEFT_OVER_OF_DRAWING = 0.4
_SIMILAR_DRAWING = 0.999
_LARGE = 64  # pixels of the shorter side

_MOST = 32  # candidates that are looked at for each example, the nearest first: a bound where thousands look alike
_PAIRS = 1 << 18  # pairs of hashes compared at a time: what a processor's cache holds
_LOOKS = 4096  # pairs of thumbnails compared at a time
_LAID_OVER = 256  # pairs of them laid over each other at a time


def find_copies(examples: Array, others: Array, *, earlier: bool = False) -> Array:
    """Return which examples stand among others, the closest copy of each that has one: an array of dtype `COPY`.

    Both are sketches. An equal example goes before a near-duplicate, and of several the first. With `earlier` both are
    the same array, and only what stands before an example counts.
    """
    found = _equal(examples, others, earlier)
    waiting = ~examples["is_blank"]
    waiting[found["row"]] = False
    photo, plain = (np.flatnonzero(waiting & (examples["is_plain"] == kind)) for kind in (False, True))
    their_photo, their_plain = (
        np.flatnonzero(~others["is_blank"] & (others["is_plain"] == kind)) for kind in (False, True)
    )
    best: dict[int, tuple[float, int, int]] = {}
    for rows, columns, bits, kind in (
        (photo, their_photo, _BITS, NEAR),
        (
            photo,
            their_photo,
            _BITS,
            MIRRORED,
        ),  # not of drawings: an 8 is nearly its own mirror image
        (photo, their_plain, _BITS_OF_DRAWING, NEAR),
        (plain, np.union1d(their_photo, their_plain), _BITS_OF_DRAWING, NEAR),
    ):
        left = np.setdiff1d(rows, np.fromiter(best, dtype=np.int64))
        for row, other in _candidates(examples, others, left, columns, bits, kind, earlier):
            similar = _similar(examples[row], others[other], kind)
            for at in np.flatnonzero(similar > 0).tolist():
                better = (-float(similar[at]), kind, int(other[at]))
                best[int(row[at])] = min(best.get(int(row[at]), better), better)
    near = [(row, other, kind) for row, (_, kind, other) in best.items()]
    whole = np.concatenate([found, np.array(near, dtype=COPY)])
    ordered: Array = whole[np.argsort(whole["row"], kind="stable")]
    return ordered


def _candidates(
    examples: Array, others: Array, rows: Array, columns: Array, bits: int, kind: int, earlier: bool
) -> Iterator[tuple[Array, Array]]:
    """Yield some pairs of positions at a time whose hashes are near enough, `_MOST` at most for each of `rows`."""
    mine, theirs = examples["hash"][rows], others["hash" if kind == NEAR else "mirrored"][columns]
    step = max(1, _PAIRS // max(1, len(columns)))
    waiting: list[tuple[Array, Array]] = []
    starts = range(0, len(rows), step)
    for start in track(starts, "comparing hashes", len(starts)):
        apart = distances(mine[start : start + step], theirs).reshape(-1)
        at = np.flatnonzero(apart <= bits)
        if not len(at):
            continue
        row, other, apart = rows[start + at // len(columns)], columns[at % len(columns)], apart[at]
        if earlier:
            row, other, apart = (each[other < row] for each in (row, other, apart))
        order = np.lexsort((other, apart, row))
        row, other = row[order], other[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)  # among the candidates of the same example
        waiting.append((row[place < _MOST], other[place < _MOST]))
        if sum(len(each) for each, _ in waiting) >= _LOOKS:
            yield from _portions(waiting)
            waiting = []
    yield from _portions(waiting)


def _portions(waiting: list[tuple[Array, Array]]) -> Iterator[tuple[Array, Array]]:
    if waiting:
        row, other = (np.concatenate(each) for each in zip(*waiting, strict=True))
        for start in range(0, len(row), _LOOKS):
            yield row[start : start + _LOOKS], other[start : start + _LOOKS]


def _equal(examples: Array, others: Array, earlier: bool) -> Array:
    first: dict[bytes, int] = {}
    for position, content in enumerate(others["content"].tolist()):
        first.setdefault(content, position)
    pairs = [(row, first.get(content, -1)) for row, content in enumerate(examples["content"].tolist())]
    found = [(row, other, EQUAL) for row, other in pairs if other >= 0 and not (earlier and other >= row)]
    return np.array(found, dtype=COPY)


def _similar(one: Array, other: Array, kind: int) -> Array:
    """Return how similar pairs of thumbnails are, 0 to 1; 0 where they are no near-duplicates."""
    mine = one["thumbnail"].astype(np.float32)
    theirs = other["thumbnail"].astype(np.float32)
    if kind == MIRRORED:
        theirs = theirs[:, :, ::-1]
    plain = one["is_plain"] | other["is_plain"]
    side = np.minimum(one["side"], other["side"])
    exact = plain & (side < _LARGE)
    result = np.zeros(len(one), dtype=np.float32)
    if exact.any():
        agree = _correlation(mine[exact], theirs[exact])
        result[exact] = np.where(agree >= _SIMILAR_DRAWING, agree, 0)
    for which, least, most in ((plain & ~exact, _SIMILAR_LARGE_DRAWING, _LEFT_OVER_OF_DRAWING), (~plain, _SIMILAR, _LEFT_OVER)):
        rows = np.flatnonzero(which)
        for start in range(0, len(rows), _LAID_OVER):
            some = rows[start : start + _LAID_OVER]
            result[some] = _agreement(mine[some], theirs[some], side[some] < SIDE, least, most)
    return result


def _agreement(images: Array, others: Array, coarse: Array, least: float, most: float) -> Array:
    from scipy.ndimage import gaussian_filter

    images, others = (np.where(coarse[:, None, None], gaussian_filter(each, (0, 1, 1)), each) for each in (images, others))
    moved, inside = laid_over(images, others)
    one, other = standardised(images, inside), standardised(moved, inside)
    agree = (one * other).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
    return np.where((agree >= least) & (left_over(one, other) <= most), agree, 0)


def _correlation(one: Array, other: Array) -> Array:
    whole = np.ones_like(one)
    result: Array = (standardised(one, whole) * standardised(other, whole)).mean(axis=(1, 2))
    return result


HASHES = np.dtype([("hash", "<u8"), ("is_plain", "?")])  # what is left of sketches beside weights: nine bytes


def hashes_of(sketches: Array) -> Array:
    """Return the hashes of sketches that have one, a structured array of dtype `HASHES`."""
    some = sketches[~sketches["is_blank"]]
    found = np.empty(len(some), dtype=HASHES)
    for name in HASHES.names or ():
        found[name] = some[name]
    return found


def may_have_copies(examples: Array, hashes: Array) -> bool:
    """Tell whether `find_copies` would look at anything, of whose sketches only the hashes are known."""
    if examples["is_blank"].any():  # these have no hash
        return True
    shown = examples
    photo = hashes[~hashes["is_plain"]]
    for rows, others, bits, name in (
        (shown[~shown["is_plain"]], photo, _BITS, "hash"),
        (shown[~shown["is_plain"]], photo, _BITS, "mirrored"),
        (shown, hashes, _BITS_OF_DRAWING, "hash"),
    ):
        step = max(1, _PAIRS // max(1, len(others)))
        for start in range(0, len(rows), step):
            if (distances(rows[name][start : start + step], others["hash"]) <= bits).any():
                return True
    return False
