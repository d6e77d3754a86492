"""Look at the metric that a suite chooses, before anything runs: whether rows can have a score by it."""

from collections.abc import Iterable

from tlbench.contract import UNSUPERVISED, Cell, Metric
from tlbench.data import Resources
from tlbench.errors import PlanError


def metric_notes(metric: Metric, cells: Iterable[Cell], resources: Resources) -> list[str]:
    """Return where a metric will be undefined; raise PlanError where no row can have a score by it."""
    cells = list(cells)
    own = [cell for cell in cells if (cell.labels["setting"] == UNSUPERVISED) == (metric.of == "clusters")]
    if not own:
        rows = "classifiers" if metric.of == "clusters" else "clusterings"
        raise PlanError(f"the metric {metric.name!r} is of {metric.of}, and all rows of this suite are {rows}.")
    places = {_place(cell): classes(cell, resources) for cell in own}
    others = [f"{place} ({count})" for place, count in places.items() if metric.classes not in (0, count)]
    if not others:
        return []
    said = f"the metric {metric.name!r} is of {metric.classes} classes, and is undefined on {', '.join(others)}"
    if len(others) == len(places):
        raise PlanError(f"{said}: no row can have a score by it. Choose another with --metric, as balanced-accuracy.")
    return [f"{said}."]


def classes(cell: Cell, resources: Resources) -> int:
    """Return how many classes a cell's classifiers tell apart."""
    return cell.budget.ways or len(resources.dataset(cell.transfer.dataset).dataset.classes)


def _place(cell: Cell) -> str:
    return f"{cell.labels['transfer']}{f' in {cell.budget}' if cell.budget.is_episodic else ''}"
