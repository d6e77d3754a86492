"""Define what a reporter is: a way to write results down for people or for other programs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.contract.descriptors import FUNCTION, TEXT, Wanted, check_descriptors
from tlbench.contract.parameters import check_identity
from tlbench.errors import PluginError

if TYPE_CHECKING:
    from tlbench.results import Results


@dataclass(frozen=True)
class Reporter:
    """Write reports in one format. `write` puts files into a folder and returns their paths, the main one last.

    `figures` draws some results for a person at a notebook, by a name of Python: `results.plot.NAME(...)` calls it with
    the results first, and it returns a figure of matplotlib.
    """

    name: str
    write: "Callable[[Results, Path], list[Path]]"
    description: str = ""
    figures: "Mapping[str, Callable[..., Any]]" = field(default_factory=dict)


def _are_figures(value: Any) -> bool:
    return isinstance(value, Mapping) and all(str(name).isidentifier() and callable(value[name]) for name in value)


_WANTED = {
    "write": FUNCTION,
    "description": TEXT,
    "figures": Wanted("a dict of names of Python to functions", _are_figures),
}


def check_reporter(reporter: Any) -> None:
    """Raise PluginError where an object is not a usable reporter."""
    if not isinstance(reporter, Reporter):
        raise PluginError(f"{reporter!r} is not a tlbench.Reporter.")
    check_identity(reporter, "reporter", ("name",))
    check_descriptors(reporter, _WANTED, f"class Reporter, {reporter.name!r}")
