"""Draw a heat map of strategies by transfers at one label budget, with the numbers in the cells."""

from collections.abc import Mapping, Set
from textwrap import fill
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgba

from tlbench import Budget
from tlbench_reports.drawing import Chart, cut, ink, lines_by_family, name_lines
from tlbench_reports.leading import relabelled
from tlbench_reports.measure import named
from tlbench_reports.palette import NOTE, PAPER, SHADE
from tlbench_reports.row import no_score, truth, worth
from tlbench_reports.rows import SETTINGS, conditions, partition
from tlbench_reports.words import file_name, known, listing, number, plain

if TYPE_CHECKING:
    from tlbench import Results

_COLOURS = {False: "cividis", True: "cividis_r"}  # the better the brighter; read alike without colour vision

_COLUMNS, _LINES = 10, 60  # at most
_FEWEST = 3  # transfers
_LETTERS = 13  # of a line of a column's heading

Place = tuple[str, str]  # transfer, backbone


def heat_maps(results: "Results", metric: str, rows: list[Any], most: int) -> list[Chart]:
    """Return a heat map for each label budget and setting of several datasets, of many for the `most` fullest.

    Of few, tables show the same.
    """
    found = {
        key: own
        for key, own in partition(rows, lambda row: (str(row["budget"]), str(row["setting"]))).items()
        if len({row["transfer"] for row in own}) >= _FEWEST
    }
    fullest = sorted(found, key=lambda key: len(found[key]), reverse=True)[:most]
    keys = sorted(fullest, key=lambda key: (Budget.parse(key[0]).order(), SETTINGS.index(key[1])))
    missing = len(found) - len(keys)
    note = f" {missing} further maps, with as many cells or fewer, are not drawn." if missing else ""
    return [_heat_map(results, metric, found[key], note) for key in keys]


def _heat_map(results: "Results", metric: str, rows: list[Any], note: str) -> Chart:
    budget, setting = str(rows[0]["budget"]), str(rows[0]["setting"])
    rows = relabelled(rows, backbone="")
    cells = {(row["label"], (row["transfer"], row["backbone"])): row for row in rows}
    every, labels = sorted({place for _, place in cells}), list(dict.fromkeys(row["label"] for row in rows))
    places, best = every[:_COLUMNS], _best(rows, every[:_COLUMNS])
    lines = lines_by_family(row for row in rows if row["label"] in best)
    if len(every) > len(places):
        note += f" The first {len(places)} of {len(every):,} transfers and backbones; tables/summary.csv has all."
    if len(labels) > len(best):
        note += f" The {len(best)} strategies of {len(labels):,} that score best."
    skipped = {
        (skip["strategy"], (skip["transfer"], skip["backbone"]))
        for skip in results.skipped
        if str(skip["budget"]) == budget
    }
    skipped_labels = {(row["label"], place) for row in rows for place in places if (row["strategy"], place) in skipped}
    counts = sorted({int(row["n"]) for row in cells.values() if row["n"]})
    metric = named(metric, results.higher_is_better(metric))
    return Chart(
        name=f"heat-map-{file_name(budget)}" + ("" if setting == SETTINGS[0] else f"-{setting}"),
        title=f"{metric}, {conditions(rows[0])}",
        caption=f"Means over replicates, n = {listing(counts) or 0}. Pale cells have no score, and say why.{note}",
        size=(2.1 + 0.95 * max(len(places), 2), 2.2 + 0.32 * len(lines)),
        draw=lambda figure: _draw(figure.subplots(), lines, places, cells, skipped_labels),
    )


def _best(rows: list[Any], places: list[Place]) -> Set[str]:
    """Return the labels that have the best scores in these places, as many as a map has lines."""
    scored: dict[str, list[float]] = {}
    for row in rows:
        if (row["transfer"], row["backbone"]) in places:
            scored.setdefault(row["label"], []).extend([worth(row)] if known(row["mean"]) else [])
    ranked = sorted(scored, key=lambda label: max(scored[label], default=float("-inf")), reverse=True)
    return set(ranked[:_LINES])


def _draw(
    axes: Axes,
    lines: list[tuple[str, str]],
    places: list[Place],
    cells: Mapping[tuple[str, Place], Any],
    skipped: Set[tuple[str, Place]],
) -> None:
    shown = {(label, place) for _, label in lines for place in places}
    means = [cell["mean"] for key, cell in cells.items() if key in shown and known(cell["mean"])]
    lower = any(truth(cell.get("lower_is_better")) for cell in cells.values())
    scale = matplotlib.cm.ScalarMappable(Normalize(min(means, default=0), max(means, default=1)), _COLOURS[lower])
    colours = np.full((len(lines), len(places), 4), to_rgba(SHADE))
    for y, (_, label) in enumerate(lines):
        colours[y] = colours[y] if label else to_rgba(PAPER)
        for x, place in enumerate(places if label else ()):
            cell = cells.get((label, place))
            if cell is not None and known(cell["mean"]):
                colours[y, x] = scale.to_rgba(cell["mean"])
                _write(axes, x, y, number(cell["mean"]), color=ink(colours[y, x]))
            else:
                reason = "skipped" if (label, place) in skipped else "not run"
                reason = no_score(cell) if cell is not None else reason
                _write(axes, x, y, reason, color=NOTE, style="italic", fontsize=9)
    edges = [np.arange(len(side) + 1) - 0.5 for side in (places, lines)]
    axes.pcolormesh(*edges, colours, edgecolors="white", linewidth=1.5, zorder=0)
    axes.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(lines) - 0.5, -0.5))
    axes.set_xticks(range(len(places)), [_heading(place, places) for place in places], fontsize=8)
    name_lines(axes, lines)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _heading(place: Place, places: list[Place]) -> str:
    """Name a column on lines short enough to stand beside the next."""
    transfer, backbone = map(plain, place)
    several = len({backbone for _, backbone in places}) > 1
    return "\n".join(
        fill(cut(name, 2 * _LETTERS), _LETTERS) for name in ([transfer, backbone] if several else [transfer])
    )


def _write(axes: Axes, x: int, y: int, text: str, **how: Any) -> None:
    axes.text(x, y, text, ha="center", va="center", in_layout=False, **how)
