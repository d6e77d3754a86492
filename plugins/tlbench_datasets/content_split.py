"""Choose a test split by what the examples contain, where the data come without one.

Two people with the same images get the same split, whatever the files are called, wherever they lie and in
whatever order they are listed; byte-identical copies fall on the same side, in every class and domain.
"""

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from tlbench import DataError
from tlbench_datasets.examples import Example
from tlbench_datasets.wording import shown

TEST_SHARE = 0.3
_SALT = b"tlbench test split 1:"  # the fixed seed: another one would choose another split


def divided(examples: Sequence[Example], domains: Collection[str], place: str) -> list[Example]:
    """Return the examples with a test split taken out of `train` in the given domains."""
    groups: dict[tuple[str, str], list[str]] = {}
    for example in examples:
        if example.domain in domains and example.split == "train":
            groups.setdefault((example.domain, example.label), []).append(example.digest)
    test = choose_test(groups, place)
    return [
        replace(example, split="test")
        if example.split == "train" and example.domain in domains and example.digest in test
        else example
        for example in examples
    ]


def choose_test(groups: Mapping[tuple[str, str], Iterable[str]], place: str) -> frozenset[str]:
    """Return the digests that make the test split: 30 % of each group's distinct ones, and never none or all.

    A group is the digests of one (domain, class).
    """
    ranked = {group: sorted(set(digests), key=_rank) for group, digests in groups.items()}
    test: set[str] = set()
    decided: set[str] = set()
    # Groups in an order that no name decides; what an earlier one settled stays, so that copies stay together.
    for group in sorted(ranked, key=lambda group: [_rank(digest) for digest in ranked[group]]):
        digests = ranked[group]
        wanted = min(max(1, round(TEST_SHARE * len(digests))), len(digests) - 1)
        free = [digest for digest in digests if digest not in decided]
        test.update(free[: max(0, wanted - len(test.intersection(digests)))])
        decided.update(digests)
    for group, digests in ranked.items():
        _require_both_sides(group, len(test.intersection(digests)), len(digests), place)
    return frozenset(test)


def _rank(digest: Hashable) -> bytes:
    return hashlib.sha256(_SALT + str(digest).encode()).digest()


def _require_both_sides(group: tuple[str, str], in_test: int, distinct: int, place: str) -> None:
    domain, name = group
    where = f"{place}: class '{shown(name)}'" + ("" if domain == "all" else f" of domain '{shown(domain)}'")
    if distinct < 2:
        raise DataError(f"{where} has one distinct image only, and a test split needs another. Add images.")
    if in_test in (0, distinct):
        raise DataError(f"{where} shares its images with other classes or domains and cannot be split. Add images.")
