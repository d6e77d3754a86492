"""The heat map: every strategy against every transfer at one label budget, with the numbers in the cells."""

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from tlbench import Budget
from tlbench_reports.drawing import Chart, lines_by_family, name_lines
from tlbench_reports.rows import SETTINGS, conditions, partition
from tlbench_reports.words import file_name, known, listing, number, plain

if TYPE_CHECKING:
    from tlbench import Results

_COLOURS = "cividis"  # reads alike with and without colour vision, and in grey
_MISSING = "#f2f2f2"

Place = tuple[str, str]  # transfer, backbone


def heat_maps(results: "Results", metric: str, rows: list[Any]) -> list[Chart]:
    """Return a heat map for each label budget and setting of a summary's rows."""
    found = partition(rows, lambda row: (str(row["budget"]), str(row["setting"])))
    keys = sorted(found, key=lambda key: (Budget.parse(key[0]).order(), SETTINGS.index(key[1])))
    return [_heat_map(results, metric, found[key]) for key in keys]


def _heat_map(results: "Results", metric: str, rows: list[Any]) -> Chart:
    budget, setting = str(rows[0]["budget"]), str(rows[0]["setting"])
    cells = {(row["label"], (row["transfer"], row["backbone"])): row for row in rows}
    lines = lines_by_family(rows)
    places = sorted({place for _, place in cells})
    skipped = {
        (skip["strategy"], (skip["transfer"], skip["backbone"]))
        for skip in results.skipped
        if str(skip["budget"]) == budget
    }
    skipped_labels = {(row["label"], place) for row in rows for place in places if (row["strategy"], place) in skipped}
    counts = sorted({int(row["n"]) for row in cells.values() if row["n"]})
    return Chart(
        name=f"heat-map-{file_name(budget)}" + ("" if setting == SETTINGS[0] else f"-{setting}"),
        title=f"{plain(metric)}, {conditions(rows[0])}",
        caption=f"Means over replicates, n = {listing(counts) or 0}. Pale cells have no score, and say why.",
        size=(2.8 + 1.9 * max(len(places), 2), 1.7 + 0.34 * len(lines)),
        draw=lambda figure: _draw(figure.subplots(), metric, lines, places, cells, skipped_labels),
    )


def _draw(
    axes: Axes,
    metric: str,
    lines: list[tuple[str, str]],
    places: list[Place],
    cells: Mapping[tuple[str, Place], Any],
    skipped: Set[tuple[str, Place]],
) -> None:
    means = [cell["mean"] for cell in cells.values() if known(cell["mean"])]
    scale = matplotlib.cm.ScalarMappable(Normalize(min(means, default=0), max(means, default=1)), _COLOURS)
    for y, (_, label) in enumerate(lines):
        for x, place in enumerate(places if label else ()):
            cell = cells.get((label, place))
            if cell is not None and known(cell["mean"]):
                _score(axes, x, y, cell["mean"], scale)
            else:
                reason = "skipped" if (label, place) in skipped else "not run"
                _gap(axes, x, y, "failed" if cell is not None else reason)
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(lines) - 0.5, -0.5))
    axes.set_xticks(range(len(places)), [_heading(place, places) for place in places])
    name_lines(axes, lines)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if means:
        axes.figure.colorbar(scale, ax=axes, label=plain(metric), shrink=0.9, aspect=max(20, len(lines)))


def _heading(place: Place, places: list[Place]) -> str:
    transfer, backbone = map(plain, place)
    several = len({backbone for _, backbone in places}) > 1
    lines = transfer.replace("/", "/\n", 1)
    return f"{lines}\n{backbone}" if several else lines


def _score(axes: Axes, x: int, y: int, mean: float, scale: Any) -> None:
    colour = scale.to_rgba(mean)
    axes.add_patch(Rectangle((x - 0.49, y - 0.48), 0.98, 0.96, color=colour, linewidth=0))
    red, green, blue = (channel**2.2 for channel in colour[:3])
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179  # where black and white contrast alike (WCAG 2)
    axes.text(x, y, number(mean), ha="center", va="center", color="black" if bright else "white")


def _gap(axes: Axes, x: int, y: int, reason: str) -> None:
    axes.add_patch(Rectangle((x - 0.49, y - 0.48), 0.98, 0.96, color=_MISSING, linewidth=0))
    axes.text(x, y, reason, ha="center", va="center", color="#555555", style="italic", fontsize=9)
