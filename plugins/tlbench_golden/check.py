"""Define golden checks: a figure of ours beside one that others can look up, and the band it must lie in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Kind = Literal["published", "reference", "identity", "order"]


@dataclass(frozen=True)
class Setup:
    """Hold where checks find data, and where those that run suites keep their results."""

    data: Path | None
    out: Path
    jobs: int = 1

    def file(self, name: str) -> Path:
        """Return the path of a data file that the check has named in `files`."""
        assert self.data is not None
        return self.data / name


@dataclass(frozen=True)
class Row:
    """Hold one line of the table."""

    method: str
    what: str  # what is compared
    source: str  # paper with its table, or package
    reference: str  # what the source says
    ours: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Tell whether our figure lies in the band; NaN does not."""
        return self.low <= self.ours <= self.high


@dataclass(frozen=True)
class Check:
    """Make some rows together."""

    name: str
    kind: Kind
    methods: tuple[str, ...]
    make: Callable[[Setup], Iterable[Row]]
    packages: tuple[str, ...] = ()  # modules that must be importable
    files: tuple[str, ...] = ()  # below the data folder

    def hindrance(self, setup: Setup) -> str | None:
        """Say why this check cannot run here, and what to do about it; None where it can."""
        missing = [package for package in self.packages if find_spec(package) is None]
        if missing:
            return f"needs {', '.join(missing)}: pip install 'tlbench[golden]'"
        absent = [name for name in self.files if setup.data is None or not (setup.data / name).exists()]
        if absent:
            where = "give --data FOLDER with" if setup.data is None else f"{setup.data} lacks"
            return f"{where} {', '.join(absent)} (docs/golden.md says where they come from)"
        return None


class Checks:
    """Hold the checks of one module, in the order in which it defines them."""

    def __init__(self) -> None:
        self.all: list[Check] = []

    def __iter__(self) -> Iterator[Check]:
        return iter(self.all)

    def figure(
        self,
        *methods: str,
        kind: Kind,
        source: str,
        reference: str,
        band: tuple[float, float],
        packages: tuple[str, ...] = (),
        files: tuple[str, ...] = (),
    ) -> Callable[[Callable[[Setup], float]], Callable[[Setup], float]]:
        """Make a check of a function that returns one figure; its docstring, less the verb, says what is compared."""

        def register(function: Callable[[Setup], float]) -> Callable[[Setup], float]:
            what = (function.__doc__ or "").strip().splitlines()[0].rstrip(".").partition(" ")[2]
            what = what[:1].upper() + what[1:]

            def make(setup: Setup) -> Iterator[Row]:
                ours = float(function(setup))
                for method in methods:
                    yield Row(method, what, source, reference, ours, *band)

            self.all.append(Check(function.__name__.replace("_", "-"), kind, methods, make, packages, files))
            return function

        return register

    def identity(
        self, *methods: str, of: str, says: str, band: tuple[float, float] = (0.0, 0.0)
    ) -> Callable[[Callable[[Setup], float]], Callable[[Setup], float]]:
        """Make a check of a function that returns a largest difference: none, unless a band is given."""
        return self.figure(*methods, kind="identity", source=of, reference=says, band=band)

    def rows(
        self, *methods: str, kind: Kind, packages: tuple[str, ...] = (), files: tuple[str, ...] = ()
    ) -> Callable[[Callable[[Setup], Iterable[Row]]], Callable[[Setup], Iterable[Row]]]:
        """Make a check of a function that yields several rows."""

        def register(function: Callable[[Setup], Iterable[Row]]) -> Callable[[Setup], Iterable[Row]]:
            self.all.append(Check(function.__name__.replace("_", "-"), kind, methods, function, packages, files))
            return function

        return register
