"""Say what lies in a folder or an archive: files with their sizes, and what is passed over."""

from dataclasses import dataclass

MOST_DEEP = 64  # folders within folders: beyond, somebody is playing
_JUNK = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "icon\r"}  # written by file managers
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


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


def is_junk(name: str) -> bool:
    """Tell whether a file or folder is hidden, or one that a file manager left behind."""
    return name.startswith(".") or name.lower() in _JUNK


def is_split(name: str) -> str | None:
    """Return the split that a folder's name stands for, or None."""
    return _SPLITS.get(name.lower())
