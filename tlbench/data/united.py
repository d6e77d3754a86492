"""Groups that belong together: a shared image makes two groups one, and so does a row of both."""

from collections.abc import Iterable, Mapping, Sequence


def united(rows: Iterable[tuple[Sequence[str], str]]) -> Mapping[str, str]:
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
