"""Arrange listed files as nested folders."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tlbench_datasets.listing import Listing, Member


@dataclass
class Tree:
    """Describe a folder with what is in it."""

    path: str
    folders: dict[str, "Tree"] = field(default_factory=dict)
    files: list[Member] = field(default_factory=list)

    def everything(self) -> Iterator[Member]:
        """Yield the files in this folder and in all folders below."""
        yield from self.files
        for folder in self.folders.values():
            yield from folder.everything()

    def below(self, parts: tuple[str, ...]) -> "Tree":
        """Return the folder at these names, made where it is missing."""
        tree = self
        for position, part in enumerate(parts):
            if part not in tree.folders:
                tree.folders[part] = Tree("/".join(filter(None, (self.path, *parts[: position + 1]))))
            tree = tree.folders[part]
        return tree


def tree_of(listing: Listing) -> Tree:
    """Return the listing as nested folders."""
    top = Tree("")
    for folder in listing.folders:
        top.below(PurePosixPath(folder).parts)
    for member in sorted(listing.members, key=lambda member: member.path):
        top.below(PurePosixPath(member.path).parts[:-1]).files.append(member)
    return top
