"""Order labelled examples by their content, take a fingerprint, and choose a test split where there is none.

For dataset plugins: with these, the same images are the same dataset whichever way they arrive.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tlbench.data.test_split import choose_test_split


@dataclass(frozen=True, slots=True)
class Content:
    """Name one example: the SHA-256 of its bytes, where it belongs, and where it was found."""

    digest: str
    domain: str
    split: str
    label: str  # the class's name
    source: str  # a file's path, or a library's own split
    row: int = 0  # within the library's split
    group: str = ""  # what it must not be parted from


def sorted_by_content(contents: Iterable[Content]) -> list[Content]:
    """Return the examples in an order that no place decides, save between indistinguishable copies."""
    return sorted(contents, key=lambda each: (each.digest, each.label, each.source, each.row))


def with_test_split(contents: Sequence[Content], place: str, *, groups_everywhere: bool = False) -> list[Content]:
    """Return the examples with a test split taken out of `train` in every domain that has none.

    Groups of what is divided are kept whole; with `groups_everywhere` also by way of members in `val` or in another
    domain. Raises DataError where a class cannot be divided.
    """
    undivided = {each.domain for each in contents} - {each.domain for each in contents if each.split == "test"}
    classes: dict[tuple[str, str], list[str]] = {}
    groups: dict[str, set[str]] = {}
    for each in contents:
        is_free = each.domain in undivided and each.split == "train"
        if is_free:
            classes.setdefault((each.domain, each.label), []).append(each.digest)
        if each.group and (is_free or groups_everywhere):
            groups.setdefault(each.group, set()).add(each.digest)
    test = choose_test_split(classes, place, list(groups.values()))
    return [
        replace(each, split="test")
        if each.domain in undivided and each.split == "train" and each.digest in test
        else each
        for each in contents
    ]


def content_fingerprint(classes: Sequence[str], contents: Iterable[Content], served: object = None) -> str:
    """Return a digest of classes, domains, splits, labels and contents; of no place and no order.

    `served` tells apart what equal files are served as, where that is not the default.
    """
    lines = sorted((each.domain, each.split, each.label, each.digest) for each in contents)
    digest = hashlib.sha256(repr(tuple(classes)).encode() + (b"" if served is None else repr(served).encode()))
    for line in lines:
        digest.update(repr(line).encode())
    return digest.hexdigest()


def by_domain_and_split(contents: Iterable[Content]) -> Mapping[tuple[str, str], list[Content]]:
    """Return the examples by domain and split, in the order in which they come."""
    found: dict[tuple[str, str], list[Content]] = {}
    for each in contents:
        found.setdefault((each.domain, each.split), []).append(each)
    return found
