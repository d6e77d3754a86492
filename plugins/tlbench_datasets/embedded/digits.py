"""The ten digits, typed and handwritten: the embedded domain shift and few-label target."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tlbench import Labelled
from tlbench_datasets.embedded.drawing import Hand, distance_fields, draw, enlargement
from tlbench_datasets.embedded.drawn import Drawn

_GRID = 8  # cells a side: what the scanner of the handwritten digits kept
_SIDE = 32  # pixels a side: what that scanner saw, and the size that both domains are enlarged to again
_INK_PER_CELL = 16  # a cell counts the inked pixels of its 4x4 block
_TEST_SHARE = 1 / 3
_SPLIT_SEED = 21
_TYPED_PER_CLASS = {"train": 180, "test": 50}
_TYPED_SEEDS = {"train": 22, "test": 23}
_TYPED_HAND = Hand(
    size=(0.80, 1.00),
    elastic=0.03,
    thickness=(-0.5, 1.5),
    blur=(0.3, 0.5),
    noise=0.0,  # the scanner's threshold leaves none
    ink=(255.0, 255.0),
)


@dataclass(frozen=True)
class Digits(Drawn):
    """Digits typed in the faces that matplotlib ships, and digits written by hand; both kept at 8x8 cells."""

    name: ClassVar[str] = "digits"
    version: ClassVar[str] = "1"
    license: ClassVar[str] = (
        "handwritten: CC BY 4.0; typed: Bitstream Vera (DejaVu), STIX Fonts User License, Knuth (Computer Modern)"
    )
    citation: ClassVar[str] = "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998"
    classes = tuple("0123456789")
    domains = ("typed", "handwritten")

    def drawn_domains(self) -> tuple[str, ...]:
        """Only the typed ones: the handwritten ones come with scikit-learn."""
        return ("typed",)

    def draw(self, domain: str, split: str) -> Labelled:
        """Return digits, uint8, (N, 32, 32), white on black, and labels, int64, (N,)."""
        return {"typed": _typed, "handwritten": _handwritten}[domain](split)


def _typed(split: str) -> Labelled:
    """Return digits drawn from the fonts and scanned as the handwritten ones were, class by class."""
    count = _TYPED_PER_CLASS[split]
    seen = []
    for label in range(10):
        generator = np.random.default_rng([_TYPED_SEEDS[split], label])
        seen.append(draw(distance_fields(str(label)), count, _SIDE, _TYPED_HAND, generator))
    return Labelled(_enlarge(_scan(np.concatenate(seen))), np.repeat(np.arange(10), count).astype(np.int64))


def _handwritten(split: str) -> Labelled:
    """Return scikit-learn's scanned digits, in their order; every class is split alike."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    generator = np.random.default_rng(_SPLIT_SEED)
    in_test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        members = generator.permutation(np.flatnonzero(labels == label))
        in_test[members[: round(len(members) * _TEST_SHARE)]] = True
    chosen = in_test if split == "test" else ~in_test
    return Labelled(_enlarge(images[chosen].reshape(-1, _GRID, _GRID)), labels[chosen].astype(np.int64))


def _scan(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Count each cell's inked pixels, as the handwritten were: (N, 32, 32) to (N, 8, 8), 0 to 16."""
    block = _SIDE // _GRID
    return (images > 127).reshape(-1, _GRID, block, _GRID, block).sum(axis=(2, 4)).astype(np.float64)


def _enlarge(counts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return counts of 0 to 16, (N, 8, 8), as grey images, uint8, (N, 32, 32)."""
    bilinear = enlargement(_GRID, _SIDE)
    return np.rint(bilinear @ (counts * (255 / _INK_PER_CELL)) @ bilinear.T).astype(np.uint8)
