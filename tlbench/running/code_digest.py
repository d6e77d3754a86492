"""Name the code that something is made by: its own module, and what that imports from its own package."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path

import tlbench
from tlbench.contract import digest


@lru_cache(maxsize=256)
def source_digest(name: str) -> str:
    """Return the SHA-256 of a loaded module's source; empty where there is none."""
    try:
        module = sys.modules.get(name)
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest() if module else ""
    except (OSError, TypeError):
        return ""


@lru_cache(maxsize=256)
def package_digest(name: str) -> str:
    """Return the digest of a loaded module and of all files that it imports from its own top-level package.

    The packages above it count with what they import themselves, not with what their functions import: a plugin's
    `__init__` names all its strategies in its hooks, and one of them is not made by the others. Empty without source.
    """
    top = name.partition(".")[0]
    folder = _folder(top)
    if folder is None:
        return source_digest(name)
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        module = waiting.pop()
        path = _path(folder, module)
        if module in found or path is None:
            continue
        source = path.read_bytes()
        found[module] = hashlib.sha256(source).hexdigest()
        is_above = name.startswith(f"{module}.")
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        waiting += [each for each in _imports(source, package, is_above) if each.partition(".")[0] == top]
        waiting += [module.rpartition(".")[0]] if "." in module else []
    return digest(sorted(found.items())) if name in found else source_digest(name)


@lru_cache(maxsize=1)
def core_digest() -> str:
    """Return the digest of the source of tlbench's own package; empty without source."""
    root = Path(tlbench.__file__).parent
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    return (
        digest({name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}) if files else ""
    )


def _folder(top: str) -> Path | None:
    """Return the folder of a loaded package; None for a single module."""
    places = list(getattr(sys.modules.get(top), "__path__", ()))
    return Path(places[0]) if places else None


def _path(folder: Path, module: str) -> Path | None:
    """Return the file of a module below a package's folder."""
    place = folder.joinpath(*module.split(".")[1:])
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imports(source: bytes, package: str, of_itself: bool) -> Iterator[str]:
    """Yield the modules, or names in them, that a source imports; with `of_itself` only when it is loaded."""
    tree = ast.parse(source)
    for node in tree.body if of_itself else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
