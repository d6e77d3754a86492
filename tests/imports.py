"""Read who imports whom in the core and the plugins: every statement, at whatever depth, resolved to modules."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (
    ("cli",),
    ("testing",),
    ("running",),
    ("planning", "learning"),
    ("data", "results"),
    ("host",),
    ("contract",),
    ("names", "seeds", "progress", "files"),
    ("errors",),
)  # top to bottom, as pyproject.toml has them


@dataclass(frozen=True)
class Import:
    """One name, or a whole module, that a module imports."""

    importer: str
    module: str  # as it is written
    name: str  # empty for `import module`
    home: str  # the module that defines the name
    line: int
    for_types: bool  # under TYPE_CHECKING
    is_lazy: bool  # inside a function


def wing(module: str) -> str:
    """Return the first name below `tlbench` of a module of the core; an empty text for any other module."""
    return module.split(".")[1] if module.startswith("tlbench.") else ""


def modules(folder: str) -> dict[str, Path]:
    """Return the modules below `tlbench` or `plugins`, by dotted name."""
    base = ROOT if folder == "tlbench" else ROOT / folder
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        if folder == "tlbench" or parts[0].startswith("tlbench_"):
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def everything() -> dict[str, Path]:
    """Return all modules of the core and of the plugins."""
    return modules("tlbench") | modules("plugins")


@cache
def shown(package: str) -> dict[str, str]:
    """Return the names that a package's stub shows, each with the module that defines it."""
    stub = everything()[package].with_name("__init__.pyi")
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body if stub.is_file() else ():
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{package}.{node.module}" if node.module else f"{package}.{alias.name}"
                found[alias.asname or alias.name] = module
    return found


def home(module: str, name: str) -> str:
    """Return the module that `from module import name` reads in the end."""
    if name in (names := shown(module) if module in everything() else {}):
        return names[name]
    return f"{module}.{name}" if f"{module}.{name}" in everything() else module


@cache
def imports(module: str) -> tuple[Import, ...]:
    """Return what a module imports of the core and the plugins."""
    found: list[Import] = []

    def visit(node: ast.AST, for_types: bool, is_lazy: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for_types = True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_lazy = True
        names: list[tuple[str, str]] = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        for origin, name in names:
            if origin.partition(".")[0].startswith("tlbench"):
                place = home(origin, name)
                found.append(Import(module, origin, name, place, node.lineno, for_types, is_lazy))
        for child in ast.iter_child_nodes(node):
            visit(child, for_types, is_lazy)

    visit(ast.parse(everything()[module].read_text(encoding="utf-8")), False, False)
    return tuple(found)


def graph() -> dict[str, set[str]]:
    """Return which modules each module imports, at whatever depth and for types too."""
    known = everything()
    return {
        module: {each.home for each in imports(module) if each.home in known and each.home not in ("tlbench", module)}
        for module in known
    }
