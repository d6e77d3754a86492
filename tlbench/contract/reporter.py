"""Define what a reporter is: a way to write results down for people or for other programs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.contract.descriptors import FUNCTION, TEXT, check_descriptors
from tlbench.contract.parameters import check_identity
from tlbench.errors import PluginError

if TYPE_CHECKING:
    from tlbench.results import Results


@dataclass(frozen=True)
class Reporter:
    """Write reports in one format. `write` puts files into a folder and returns their paths, the main one last."""

    name: str
    write: "Callable[[Results, Path], list[Path]]"
    description: str = ""


def check_reporter(reporter: Any) -> None:
    """Raise PluginError where an object is not a usable reporter."""
    if not isinstance(reporter, Reporter):
        raise PluginError(f"{reporter!r} is not a tlbench.Reporter.")
    check_identity(reporter, "reporter", ("name",))
    check_descriptors(reporter, {"write": FUNCTION, "description": TEXT}, f"class Reporter, {reporter.name!r}")
