"""Say what went wrong in a plugin's code: the cause in one line, and the line where it happened."""

import importlib
import importlib.util
import linecache
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tlbench.errors import PluginError, TlbenchError
from tlbench.names import near_miss

HERE = Path(__file__).resolve().parents[1]
WINGS = ("contract", "host", "data", "results", "planning", "learning", "running", "cli")


class Place(NamedTuple):
    """Name a line of a plugin's own code."""

    file: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}, line {self.line}" + (f": {self.code}" if self.code else "")


def cause_of(error: BaseException) -> str:
    """Describe an exception in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, TlbenchError):
        return text
    if isinstance(error, SyntaxError) and error.lineno:
        code = " ".join((error.text or "").split())
        return f"{type(error).__name__}: {error.msg} (line {error.lineno}{': ' + code if code else ''})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def hint_of(error: BaseException) -> str:
    """Return where a name that a plugin asked tlbench for stands, or the nearest one; nothing for any other error."""
    if not isinstance(error, ImportError) or (error.name or "").partition(".")[0] != "tlbench":
        return ""
    if isinstance(error, ModuleNotFoundError):
        return near_miss(error.name or "", [f"tlbench.{name}" for name in ("testing", *WINGS)]).strip()
    asked = str(error).partition("'")[2].partition("'")[0]
    offered: dict[str, str] = {}
    for module in ("tlbench", *(f"tlbench.{name}" for name in WINGS)):
        for name in importlib.import_module(module).__all__:
            offered.setdefault(name, module)
    if asked in offered:
        return f"Write `from {offered[asked]} import {asked}`."
    return near_miss(asked, offered).strip()


def place_of(error: BaseException, file: str = "") -> Place | None:
    """Return the last line of a plugin's own code in an exception's traceback, or None.

    `file` is the plugin's file or folder; without it the last line that is neither ours nor a library's counts.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return Place(error.filename, error.lineno, " ".join((error.text or "").split()))
    own = None
    for frame in traceback.extract_tb(error.__traceback__):
        if _is_own(frame.filename, file):
            line = frame.lineno or 0
            own = Place(frame.filename, line, linecache.getline(frame.filename, line).strip())
    return own


def _is_own(filename: str, file: str) -> bool:
    if filename.startswith("<"):
        return False
    path = Path(filename).resolve()
    if file:
        return path == Path(file).resolve() or Path(file).resolve() in path.parents
    libraries = ("site-packages", "dist-packages")
    return HERE not in path.parents and not any(part in libraries for part in path.parts) and not _is_standard(path)


def _is_standard(path: Path) -> bool:
    return Path(traceback.__file__).resolve().parent in path.parents


def own_place(module: str) -> str:
    """Return the file or folder of a top-level module, without importing it; an empty text where it has none."""
    try:
        spec = importlib.util.find_spec(module.partition(":")[0].partition(".")[0])
    except (ImportError, ValueError):
        return ""
    if spec is None:
        return ""
    return next(iter(spec.submodule_search_locations or ()), None) or spec.origin or ""


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """Turn what a plugin's method raises into a PluginError that names the method, the cause and the line.

    Errors of tlbench pass: they have their sentence. So do a lack of memory and a missing device.
    """
    try:
        yield
    except (TlbenchError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(sentence_of(error, what)) from error


def sentence_of(error: BaseException, what: str) -> str:
    """Say in one line that a plugin's method raised an error, and where."""
    place, cause = place_of(error), cause_of(error)
    where = f" ({place})" if place else ""
    return f"{what} raised {cause}{'' if cause.endswith('.') or where else '.'}{where + '.' if where else ''}"
