"""Say what lies in a folder or an archive: files with their sizes, and what is passed over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

MOST_DEEP = 64  # folders within folders: beyond, somebody is playing
_JUNK = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "icon\r"}  # written by file managers


@dataclass(frozen=True)
class Member:
    """Describe one file, by its path below the folder or archive with forward slashes."""

    path: str
    size: int  # bytes


@dataclass(frozen=True)
class Listing:
    """Hold everything that lies in a place, in no particular order."""

    place: str  # how messages call it: folder 'flowers'
    members: tuple[Member, ...]
    folders: frozenset[str]  # also empty ones
    ignored: tuple[str, ...]  # hidden files and what file managers leave behind
    links: tuple[str, ...] = ()  # symbolic links that were followed
    unreadable: tuple[tuple[str, str], ...] = ()  # what is no file that could be read, with the reason


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


def is_junk(name: str) -> bool:
    """Tell whether a file or folder is hidden, or one that a file manager left behind."""
    return name.startswith(".") or name.lower() in _JUNK


def tree_of(listing: Listing) -> Tree:
    """Return the listing as nested folders."""
    top = Tree("")
    for folder in listing.folders:
        top.below(PurePosixPath(folder).parts)
    for member in sorted(listing.members, key=lambda member: member.path):
        top.below(PurePosixPath(member.path).parts[:-1]).files.append(member)
    return top
