"""Choose a test split by what the examples contain, for data that come without one.

Two people with the same examples get the same split, whatever the files are called, wherever they lie and in
whatever order they are listed. Identical copies fall on the same side, in every class and domain, and so do
examples that belong together (a patient's, a scene's).
"""

from collections.abc import Collection, Iterable, Mapping

from tlbench.data.group_split import TEST_SHARE as TEST_SHARE
from tlbench.data.group_split import choose_groups, rank
from tlbench.errors import DataError


def choose_test(
    classes: Mapping[tuple[str, str], Iterable[str]], place: str, together: Collection[Collection[str]] = ()
) -> frozenset[str]:
    """Return the digests that make the test split: 30 % of each class's distinct ones, and never none or all.

    `classes` holds the digests of each (domain, class), `together` sets of digests that must not be parted. With such
    sets the share is met as nearly as whole sets allow. Raises DataError, beginning with `place`, for a class that
    cannot be divided.
    """
    if any(len(unit) > 1 for unit in together):
        return choose_groups(classes, place, together)
    ranked = {name: sorted(set(digests), key=rank) for name, digests in classes.items()}
    test: set[str] = set()
    decided: set[str] = set()
    # Classes in an order that no name decides; what an earlier one settled stays, so that copies stay together.
    for name in sorted(ranked, key=lambda name: [rank(digest) for digest in ranked[name]]):
        digests = ranked[name]
        wanted = min(max(1, round(TEST_SHARE * len(digests))), len(digests) - 1)
        free = [digest for digest in digests if digest not in decided]
        test.update(free[: max(0, wanted - len(test.intersection(digests)))])
        decided.update(digests)
    for name, digests in ranked.items():
        _require_both_sides(name, len(test.intersection(digests)), len(digests), place)
    return frozenset(test)


def _require_both_sides(name: tuple[str, str], in_test: int, distinct: int, place: str) -> None:
    domain, label = name
    where = f"{place}: class {label!r}" + ("" if domain == "all" else f" of domain {domain!r}")
    if distinct < 2:
        raise DataError(f"{where} has one distinct image only, and a test split needs another. Add images.")
    if in_test in (0, distinct):
        raise DataError(f"{where} shares its images with other classes or domains and cannot be split. Add images.")
