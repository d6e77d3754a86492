"""Define the path in `folder:PATH`: found and of the right kind, or an error that says what to type instead."""

import difflib
import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from tlbench import DataError, shown, some


def found(path: Path, kind: str) -> os.stat_result:
    """Return the path's stat; raise DataError, with a near miss among its siblings, where it cannot be reached."""
    try:
        return path.stat()
    except FileNotFoundError:
        raise DataError(f"{kind} '{shown(str(path))}' does not exist.{_instead(path)}") from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        raise DataError(f"{kind} '{shown(str(path))}' cannot be reached: {reason(error)}.") from None


def _instead(path: Path) -> str:
    """Return a close sibling, or the first parent that is missing too, or what to check."""
    missing = path
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    try:
        siblings = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        siblings = []
    parent = "" if missing == path else f" Already its parent '{shown(str(missing))}' is missing."
    hint = near(missing.name, siblings)
    return parent + (hint or f" Check the path; relative ones start at '{shown(str(Path.cwd()))}'.")


def require_folder(path: Path) -> None:
    """Raise DataError where the path is not a folder, and say what would read it."""
    status = found(path, "folder")
    if not stat.S_ISDIR(status.st_mode):
        raise DataError(f"'{shown(str(path))}' is a file, not a folder.{_fitting(path)}")


def require_file(path: Path, kind: str) -> os.stat_result:
    """Return the file's stat; raise DataError where the path is no regular file."""
    status = found(path, kind)
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"'{shown(str(path))}' is a folder, and {kind}: reads a file. Write folder:{shown(str(path))}.")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"'{shown(str(path))}' is not a regular file. Name a .{kind} file.")
    return status


def _fitting(path: Path) -> str:
    kinds = {"zip": "zip", "npz": "npz", "tar": "tar", "tgz": "tar", "csv": "csv", "parquet": "parquet"}
    ends = [suffix.lower().lstrip(".") for suffix in path.suffixes[-2:]]  # .tar.gz has two
    kind = next((kinds[end] for end in ends if end in kinds), None)
    if kind:
        return f" Write {kind}:{shown(str(path))}."
    return " Name the folder that holds the class folders."


def require_known(name: str, known: Collection[str], what: str, place: str) -> None:
    """Raise DataError, with a near miss and what there is, where a place has no domain or split of a name."""
    if name not in known:
        raise DataError(f"{place} has no {what} '{name}'.{near(name, known)} It has: {some(known)}.")


def reason(error: Exception) -> str:
    """Return an operating system's words without its number and path."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")


def near(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?`, or nothing where no known name is close."""
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{shown(by_lower[close[0]])}'?" if close else ""
