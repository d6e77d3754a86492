"""Choose a test split by what the examples contain, for data that come without one.

Two people with the same examples get the same split, whatever the files are called, wherever they lie and in
whatever order they are listed. Identical copies fall on the same side, in every class and domain, and so do
examples that belong together (a patient's, a scene's).
"""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from tlbench.errors import DataError


def unite_groups(rows: Iterable[tuple[Sequence[str], str]]) -> Mapping[str, str]:
    """Return the name of the whole that each group is a part of: the first, by spelling, of its groups' names.

    `rows` are the groups of each example and its digest.
    """
    parent: dict[str, str] = {}
    first_of: dict[str, str] = {}
    for groups, digest in rows:
        root = _root(parent, groups[0])
        for other in (*groups[1:], first_of.setdefault(digest, groups[0])):
            root, later = sorted((root, _root(parent, other)))
            parent[later] = root
    return {group: _root(parent, group) for group in parent}


def _root(parent: dict[str, str], group: str) -> str:
    root = parent.setdefault(group, group)
    while parent[root] != root:
        root = parent[root]
    while parent[group] != root:  # the way is shorter next time
        parent[group], group = root, parent[group]
    return root


Part = Counter[int]  # how many distinct examples a unit has of each class, by the class's number

TEST_SHARE = 0.3
_SALT = b"tlbench test split 1:"  # the fixed seed: another one would choose another split
_ALL_TRIED = 12  # groups up to which every choice is compared
_ALL_SWAPPED = 300  # groups up to which every exchange of two is tried
_ROUNDS = 20
_EMPTY = 1e3  # the cost of a class with nothing on one side, above all that shares can add up to
_LEAST = 1e-9  # what counts as better, so that rounding decides nothing


def choose_groups(
    classes: Mapping[tuple[str, str], Iterable[str]], place: str, together: Iterable[Collection[str]]
) -> frozenset[str]:
    """Return the digests that make the test split: as nearly 30 % of each class as whole groups allow.

    `classes` holds the digests of each (domain, class), `together` sets of digests that must not be parted. Raises
    DataError for a class that cannot stand on both sides.
    """
    distinct = {name: frozenset(digests) for name, digests in classes.items()}
    # In an order that no name decides.
    names = sorted(distinct, key=lambda name: sorted(map(rank, distinct[name])))
    units = sorted(_units(frozenset().union(*distinct.values()), together), key=lambda unit: rank(",".join(unit)))
    position = {digest: index for index, unit in enumerate(units) for digest in unit}
    parts: list[Part] = [Counter() for _ in units]
    for number, name in enumerate(names):
        for digest in distinct[name]:
            parts[position[digest]][number] += 1
        _require_two(name, distinct[name], {position[digest] for digest in distinct[name]}, place)
    balance = _Balance(parts, [len(distinct[name]) for name in names])
    chosen = balance.best() if len(units) <= _ALL_TRIED else balance.descended()
    for number, name in enumerate(names):
        if not 0 < sum(part[number] for part, taken in zip(parts, chosen, strict=True) if taken) < len(distinct[name]):
            raise DataError(f"{_of(name, place)} shares its groups with other classes so that none can be split off.")
    return frozenset(digest for unit, taken in zip(units, chosen, strict=True) if taken for digest in unit)


def _units(digests: frozenset[str], together: Iterable[Collection[str]]) -> Iterable[Sequence[str]]:
    """Return what must stay whole, each sorted: groups, joined where they share an image, and single images."""
    rows = [((str(number),), digest) for number, group in enumerate(together) for digest in group if digest in digests]
    whole = unite_groups(rows)
    members: dict[str, set[str]] = {}
    for (group,), digest in rows:
        members.setdefault(whole[group], set()).add(digest)
    alone = digests.difference(*members.values())
    return [*map(sorted, members.values()), *([digest] for digest in alone)]


def rank(content: str) -> bytes:
    """Return what examples and groups are ordered by: a hash of their content, so that no name decides."""
    return hashlib.sha256(_SALT + content.encode()).digest()


class _Balance:
    """Which units are in the test split, and how far each class is from the share that is wanted."""

    def __init__(self, parts: Sequence[Part], total: Sequence[int]) -> None:
        self._parts = parts
        self._total = total
        self._wanted = [min(max(1, round(TEST_SHARE * count)), count - 1) for count in total]
        self._test = [0] * len(total)  # examples of each class in the test split
        self._chosen = [False] * len(parts)
        self._empty = _EMPTY

    def best(self) -> list[bool]:
        """Return the best of all choices; of those as good, the one that takes the units that come first."""
        best, least = self._chosen, math.inf
        for chosen in itertools.product((True, False), repeat=len(self._parts)):
            test = Counter[int]()
            for part, taken in zip(self._parts, chosen, strict=True):
                if taken:
                    test.update(part)
            cost = sum(self._cost(number, test[number]) for number in range(len(self._total)))
            if cost < least - _LEAST:
                best, least = list(chosen), cost
        return best

    def descended(self) -> list[bool]:
        """Return a choice that no change of one unit (and, of few units, no exchange of two) makes better."""
        self._empty = 0.0  # else the first unit of a class would join the test split however large it is
        self._improve_by_one()
        self._empty = _EMPTY
        for _ in range(_ROUNDS):
            if not self._improve_by_one() and not self._improve_by_two():
                break
        return self._chosen

    def _cost(self, number: int, test: int) -> float:
        """Return the cost of having so many test examples of a class."""
        total = self._total[number]
        return ((test - self._wanted[number]) / total) ** 2 + (self._empty if test in (0, total) else 0.0)

    def _gain(self, unit: int) -> float:
        """Return by how much the cost falls when a unit changes sides."""
        sign = -1 if self._chosen[unit] else 1
        test = self._test
        return sum(
            self._cost(number, test[number]) - self._cost(number, test[number] + sign * count)
            for number, count in self._parts[unit].items()
        )

    def _flip(self, unit: int) -> None:
        sign = -1 if self._chosen[unit] else 1
        for number, count in self._parts[unit].items():
            self._test[number] += sign * count
        self._chosen[unit] = not self._chosen[unit]

    def _improve_by_one(self) -> bool:
        """Let each unit change sides where that is better; return whether any did."""
        better = False
        for unit in range(len(self._parts)):
            if self._gain(unit) > _LEAST:
                self._flip(unit)
                better = True
        return better

    def _improve_by_two(self) -> bool:
        """Let a unit of either side take the other's place where that is better; return whether any did."""
        if len(self._parts) > _ALL_SWAPPED:
            return False
        for unit, other in itertools.product(range(len(self._parts)), repeat=2):
            if self._chosen[unit] and not self._chosen[other]:
                gain = self._gain(unit)
                self._flip(unit)
                if gain + self._gain(other) > _LEAST:
                    self._flip(other)
                    return True
                self._flip(unit)
        return False


def _require_two(name: tuple[str, str], digests: Collection[str], units: Collection[int], place: str) -> None:
    if len(digests) < 2:
        raise DataError(f"{_of(name, place)} has one distinct image only, and a test split needs another. Add images.")
    if len(units) < 2:
        raise DataError(
            f"{_of(name, place)} has images of one group only, and a test split needs another. Add images of others."
        )


def _of(name: tuple[str, str], place: str) -> str:
    domain, label = name
    return f"{place}: class {label!r}" + ("" if domain == "all" else f" of domain {domain!r}")


def choose_test_split(
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
