"""Define what a tracker is: it reports a run, while it goes on, to an experiment tracker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench.contract.descriptors import TEXT, check_descriptors
from tlbench.contract.parameters import check_identity
from tlbench.errors import PluginError

if TYPE_CHECKING:
    from tlbench.contract.plan import Plan


@dataclass(frozen=True)
class Tracker:
    """Open observers for one kind of experiment tracker, which users choose as `--track NAME:PLACE`.

    `open(place, plan)` returns an observer: an object whose methods are hook implementations, such as
    `tlbench_cell_finished(cell, record)` and `tlbench_run_finished(results_dir)`. It is called before any cell runs
    and raises TlbenchError, in a sentence, where a library is missing or the place cannot be written to.

    In a run the observer is told of every cell of the plan: first of those whose records were there before, then of
    each new one. Whoever runs a plan twice tells twice, so an observer leaves out what its place already holds.
    """

    name: str
    open: "Callable[[str, Plan], object]"
    description: str = ""


def check_tracker(tracker: Any) -> None:
    """Raise PluginError where an object is not a usable tracker."""
    if not isinstance(tracker, Tracker):
        raise PluginError(f"{tracker!r} is not a tlbench.Tracker.")
    check_identity(tracker, "tracker", ("name",))
    check_descriptors(tracker, {"description": TEXT}, f"class Tracker, {tracker.name!r}")
    if not callable(tracker.open):
        raise PluginError(f"tracker {tracker.name!r}: open is {tracker.open!r}; it must be a function (place, plan).")
