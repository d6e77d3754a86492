"""Test whether the scores of a submission lie above those of its reruns more often, and by more, than noise would."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.01  # at most so many honest submissions are refuted by it
FEWEST = 7  # differences with which a probability below LEVEL is possible: 1 / 2 ** 7
WORTH_MORE = 3  # better scores, and no worse one, after which more records are rerun


@dataclass(frozen=True)
class Direction:
    """Hold what the differences of all reruns say together."""

    above: int  # records that claim more than their rerun gave
    below: int
    p: float

    @property
    def refutes(self) -> bool:
        """Tell whether noise in both directions alike is ruled out."""
        return self.p <= LEVEL

    @property
    def is_open(self) -> bool:
        """Tell whether all that differ are better, and too few to tell that from noise: then more are worth a rerun.

        Reruns that go on until one is worse, or seven are better, refute noise with a probability of 1 / 2 ** 7.
        """
        return WORTH_MORE <= self.above < FEWEST and not self.below

    @property
    def words(self) -> str:
        """Say what was found; nothing where nothing differs."""
        differ = self.above + self.below
        if not differ:
            return ""
        said = f"scores that differ from their rerun: {self.above} better, {self.below} worse"
        if self.refutes:
            return f"{said}; noise does that with probability {self.p:.2g}, so they were raised"
        if differ < FEWEST:
            return f"{said}; of fewer than {FEWEST} nobody can tell noise from a lean"
        return f"{said}; noise does that with probability {self.p:.2g}"


def direction(differences: Sequence[float]) -> Direction:
    """Test claimed less rerun scores, positive where the claim is the better one, for a lean to the better side.

    One-sided signed-rank test (Wilcoxon, 1945), exact, with mean ranks of ties; differences of 0 are left out. Its size
    is at most `LEVEL` where each difference is as likely to have either sign, whatever its size.
    """
    values = np.array([value for value in differences if value], dtype=float)
    if not len(values):
        return Direction(0, 0, 1.0)
    return Direction(int((values > 0).sum()), int((values < 0).sum()), _p(values))


def _p(values: np.ndarray) -> float:
    """Return the probability of a rank sum as large, by counting the sums of all signs."""
    sizes = np.round(np.abs(values), 12)
    order = np.sort(sizes)
    twice = np.searchsorted(order, sizes, "left") + np.searchsorted(order, sizes, "right") + 1  # of the mean ranks
    share = np.zeros(int(twice.sum()) + 1)
    share[0] = 1.0
    for rank in twice:
        moved = np.zeros_like(share)
        moved[rank:] = share[: len(share) - rank]
        share = (share + moved) / 2
    return min(1.0, float(share[int(twice[values > 0].sum()) :].sum()))
