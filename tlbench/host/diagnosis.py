"""What went wrong in a stranger's code: the cause in one line, how to mend it, and the line where it happened."""

import importlib
import importlib.util
import linecache
import pkgutil
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tlbench.errors import PluginError, TlbenchError
from tlbench.names import near_miss

HERE = Path(__file__).resolve().parents[1]
# Packages whose distribution has another name than the module.
DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
}


class Place(NamedTuple):
    """A line of a plugin's own code."""

    file: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}, line {self.line}" + (f": {self.code}" if self.code else "")


def cause_of(error: BaseException) -> str:
    """Say an exception in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, TlbenchError):
        return text
    if isinstance(error, SyntaxError) and error.lineno:
        code = " ".join((error.text or "").split())
        return f"{type(error).__name__}: {error.msg} (line {error.lineno}{': ' + code if code else ''})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def mend_of(error: BaseException, file: str = "") -> str:
    """Return the sentence that tells how to mend what an exception shows, or nothing where none is known.

    `file` is the plugin's own: what lies beside it explains some imports.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing_module(error.name, file)
    if isinstance(error, ImportError):
        return _missing_name(error)
    if isinstance(error, AttributeError) and getattr(error.obj, "__name__", "") == "tlbench":
        return _name_of_tlbench(error.name or "", "tlbench")
    text = str(error)
    if isinstance(error, NameError) and error.name:
        import tlbench

        home = "tlbench" if error.name in tlbench.__all__ else _USUAL.get(error.name)
        return f"Write `from {home} import {error.name}` at the top." if home else ""
    if isinstance(error, ValueError) and (
        found := re.search(r"mutable default <class '([\w.]+)'> for field (\w+)", text)
    ):
        return _mutable_default(*found.groups())
    if isinstance(error, TypeError) and "non-default argument" in text:
        return "Give every field a default: users set what they want to change."
    if isinstance(error, TypeError) and (found := re.search(r"abstract class \w+ .*methods? (.+)", text)):
        return f"Write {found.group(1)}."
    if "cannot assign to field" in text:
        return "The class is frozen: keep what a method makes in local variables, and return it."
    if isinstance(error, SystemExit):
        return "A module must not end the program while it is imported: raise an error, or leave sys.exit out."
    return ""


_USUAL = {"dataclass": "dataclasses", "field": "dataclasses", "nn": "torch", "Path": "pathlib", "ClassVar": "typing"}


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
    """Say in one line that a plugin's method raised an error, where, and how to mend it."""
    place, mend = place_of(error), mend_of(error)
    where = f" ({place})" if place else ""
    cause = cause_of(error)
    return f"{what} raised {cause}{'' if cause.endswith('.') or where else '.'}{where + '.' if where else ''}" + (
        f" {mend}" if mend else ""
    )


def _missing_module(name: str, file: str) -> str:
    root = name.partition(".")[0]
    if root == "tlbench":
        return f"tlbench has no module {name!r}.{_near_module(name)}"
    if file and (Path(file).parent / f"{root}.py").is_file() and Path(file).is_file():
        return (
            f"{root}.py lies beside it, and a plugin file stands alone: put both into one file, into a package, or run "
            f"with PYTHONPATH={Path(file).parent}."
        )
    near = near_miss(root, [*sys.stdlib_module_names, "torch", "numpy", "tlbench", "timm", "sklearn"], cutoff=0.8)
    return f"{near.strip()} " * bool(near) + f"Install it where tlbench is: python -m pip install {_distribution(root)}"


def _distribution(module: str) -> str:
    return DISTRIBUTIONS.get(module, module.replace("_", "-"))


def _near_module(name: str) -> str:
    modules = [f"tlbench.{item.name}" for item in pkgutil.iter_modules([str(HERE)])]
    return near_miss(name, modules)


def _missing_name(error: ImportError) -> str:
    found = re.search(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'", str(error))
    if not found:
        return ""
    name, module = found.groups()
    if module.partition(".")[0] == "tlbench":
        return _name_of_tlbench(name, module)
    if "partially initialized" in str(error):
        return f"{module} imports itself in a circle: import {name} inside the function that needs it."
    return near_miss(name, dir(sys.modules[module])).strip() if module in sys.modules else ""


def _name_of_tlbench(name: str, module: str) -> str:
    """Say what was probably meant by a name that `tlbench`, or a module of it, does not have."""
    import tlbench

    offered = dir(sys.modules[module]) if module in sys.modules else []
    public = [other for other in {*offered, *tlbench.__all__} if not other.startswith("_")]
    if name in tlbench.__all__:
        return f"Write `from tlbench import {name}`."
    for item in pkgutil.iter_modules([str(HERE)]):
        if re.search(rf"^(?:class|def) {name}\b", _source(item.name), re.MULTILINE):
            return f"It stands in tlbench.{item.name}: write `from tlbench.{item.name} import {name}`."
    near = near_miss(name, public)
    from tlbench import __version__

    return f"{module} {__version__} has no {name!r}.{near or ' docs/writing-plugins.md lists what it has.'}"


def _source(module: str) -> str:
    path = HERE / f"{module}.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _mutable_default(kind: str, name: str) -> str:
    if kind in ("list", "set"):
        return f"Write a tuple: {name}: tuple[int, ...] = ()."
    if kind == "dict":
        return f"Write a field for each key, or a tuple of pairs: {name}: tuple[tuple[str, float], ...] = ()."
    return (
        f"A field is a number, a text, a boolean or a tuple of them: make the {kind.rpartition('.')[2]} inside the "
        f"method that needs it."
    )
