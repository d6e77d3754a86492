"""Find examples that stand in other data too: equal, or near-duplicates by perceptual hash and thumbnail.

A hash alone would call two writers' ones the same picture. So it only proposes pairs, and thumbnails decide.
They are laid over each other, since a crop moves every edge, and compared where they differ most, since two photographs
of one thing on one ground differ in a small place only. docs/data.md says what is found and what is missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tlbench.data.image_alignment import detailed_share, laid_over, left_over, standardised
from tlbench.data.image_hashes import SIDE, Array, distances
from tlbench.progress import track

EQUAL, NEAR, MIRRORED = 0, 1, 2  # kinds of copies: same values; near-duplicate; near-duplicate of the mirror image

COPY = np.dtype([("row", "<i8"), ("other", "<i8"), ("kind", "u1")])


@dataclass(frozen=True)
class _Limits:
    """Say when two thumbnails show the same picture; `python benchmarks/near_duplicates.py` measures the limits."""

    correlation: float  # at least, as they are
    laid_over: float  # at least, once one is laid over the other
    left_over: float  # at most, where they differ most
    by_detail: bool = False  # that limit is for an image full of detail, and less for one that is partly flat


# Photographs. Different ones of one class leave 1.8 or more, copies less: 99 % of those stored as JPEG of quality 30
# leave 0.02 (of 32 pixels 0.6), and of those cropped by 3 % 0.51. Of hands on an empty ground different ones leave 0.25
# or more, copies cropped by 3 % 0.15: there is less for them to differ in.
_BITS = 14
_PHOTOGRAPH = _Limits(0.7, 0.9, 0.7, by_detail=True)

# Drawings on an empty ground: two of one class may lie over each other well. Of 163 pairs of Omniglot within 6 bits one
# passes two of the limits and none all three. Small ones are not laid over each other, since everybody's ones are the
# same line: two writers' leave over 0.10 on USPS and 0.23 on MNIST, copies stored as JPEG of quality 90 or at twice the
# size less than 0.07; of lower quality they cannot be told from another writer's.
_BITS_OF_DRAWING = 6
_LARGE_DRAWING = _Limits(0.8, 0.96, 0.25)
_SMALL_DRAWING = _Limits(0.96, 0.96, 0.07)
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
    side = np.minimum(one["side"], other["side"])
    is_plain = one["is_plain"] | other["is_plain"]
    is_small = is_plain & (side < _LARGE)
    whole = np.ones_like(mine)
    share = np.maximum(*(detailed_share(standardised(each, whole)) for each in (mine, theirs)))
    # What one of the two was stored at is all that can agree.
    blurred = ~is_plain & (side < SIDE)
    mine[blurred], theirs[blurred] = (_blurred(each[blurred]) for each in (mine, theirs))
    result = np.zeros(len(one), dtype=np.float32)
    for which, limits in (
        (~is_plain, _PHOTOGRAPH),
        (is_plain & ~is_small, _LARGE_DRAWING),
        (is_small, _SMALL_DRAWING),
    ):
        rows = np.flatnonzero(which)
        for start in range(0, len(rows), _LAID_OVER):
            some = rows[start : start + _LAID_OVER]
            agree, left = _agreement(mine[some], theirs[some], limits, lay=limits is not _SMALL_DRAWING)
            most = limits.left_over * (share[some] if limits.by_detail else 1)
            result[some] = np.where((agree >= limits.laid_over) & (left <= most), agree, 0)
    return result


def _agreement(images: Array, others: Array, limits: _Limits, *, lay: bool) -> tuple[Array, Array]:
    """Return how well pairs of thumbnails agree, and what is left over, 0 and 1 where they do not."""
    agree, left = np.zeros(len(images), dtype=np.float32), np.ones(len(images), dtype=np.float32)
    whole = np.ones_like(images)
    one, other = standardised(images, whole), standardised(others, whole)
    near = np.flatnonzero((one * other).mean(axis=(1, 2)) >= limits.correlation)
    if len(near):
        images, others, one, other = images[near], others[near], one[near], other[near]
        inside = whole[near]
        if lay:
            others, inside = laid_over(images, others)
            one, other = standardised(images, inside), standardised(others, inside)
        agree[near] = (one * other).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
        left[near] = left_over(one, other)
    return agree, left


def _blurred(images: Array) -> Array:
    from scipy.ndimage import gaussian_filter

    blurred: Array = gaussian_filter(images, sigma=(0, 1, 1))
    return blurred


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
