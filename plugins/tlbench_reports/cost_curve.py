"""Scores against cost: what each second of training buys, and which strategies no other beats on both."""

import math
from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from tlbench_reports.drawing import GREY, Chart, Look, broken, families, looks, place_name, score_limits
from tlbench_reports.rows import conditions
from tlbench_reports.words import known, plain

if TYPE_CHECKING:
    from tlbench import Results

_KEYS = ("strategy", "source", "backbone", "transfer", "budget")
_COLUMNS = 2
Seconds = dict[tuple[str, ...], float]
Styles = dict[str, Look]
_LEAST = 1e-3  # seconds; a logarithmic axis has no zero


def cost_curve(metric: str, name: str, rows: list[Any], seconds: Seconds, style: Styles) -> Chart | None:
    """Return the chart of one transfer and backbone, or None where no cost is known."""
    shown = [row for row in rows if known(row["mean"]) and known(seconds.get(_key(row)))]
    if not shown:
        return None
    budgets = list(dict.fromkeys(row["budget"] for row in shown))
    crowded = families(shown)  # a legend of forty names helps nobody
    own_looks = looks(crowded, ()) if crowded else {}
    grouped = [row["label"] for row in shown if crowded and not row["upper_bound"]]
    names = {row["label"]: plain(row["family"]) if row["label"] in grouped else row["label"] for row in shown}
    style = {label: own_looks[name] if label in grouped else style[label] for label, name in names.items()}
    columns = min(len(budgets), _COLUMNS)
    lines = -(-len(budgets) // columns)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        for axes, budget in zip(grid.flat, budgets, strict=False):
            own = [row for row in shown if row["budget"] == budget]
            _panel(axes, conditions(own[0]), own, seconds, style, names)
        for axes in grid.flat[len(budgets) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set(ylabel=plain(metric), ylim=score_limits(shown))
        handles = {
            label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc="outside right upper")

    return Chart(
        name=f"cost-{name}",
        title=f"{plain(metric)} against cost: {place_name(rows[0])}",
        caption="Cost: mean seconds to fit, with the whole of a source-side training that several cells may share. "
        "Bars: 95% t intervals over replicates. Line and rings: the Pareto front, strategies that no other beats on "
        "score at equal or less cost"
        + (", numbered by cost; colours are families. " if crowded else ". ")
        + "Seconds hold for the machine they were taken on.",
        size=(3.6 * columns + 2.6, 3.0 * lines + 1.1),
        draw=draw,
    )


def training_seconds(results: "Results") -> Seconds:
    """Return the mean seconds that a classifier takes, source-side training included, by row of the summary."""
    found = {}
    for row in results.costs().to_dict("records"):
        prepare = row["prepare_seconds"] if known(row["prepare_seconds"]) else 0.0
        if known(row["fit_seconds"]):
            found[_key(row)] = max(row["fit_seconds"] + prepare, _LEAST)
    return found


def pareto(points: Iterable[tuple[str, float, float]]) -> list[str]:
    """Return the names, cheapest first, of points (name, cost, score) that no cheaper or equal one outscores."""
    front: list[str] = []
    best = float("-inf")
    for name, _, score in sorted(points, key=lambda point: (point[1], -point[2])):
        if score > best:
            front.append(name)
            best = score
    return front


def _key(row: Any) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in _KEYS)


def _decades(seconds: Iterable[float]) -> tuple[float, float]:
    """Return the powers of ten around all costs, so that an axis always has two labels and charts share it."""
    logarithms = [math.log10(value) for value in seconds]
    return 10.0 ** math.floor(min(logarithms) - 0.05), 10.0 ** math.ceil(max(logarithms) + 0.05)


def _panel(axes: Axes, title: str, rows: list[Any], seconds: Seconds, style: Styles, names: Mapping[str, str]) -> None:
    """Draw the rows of one budget; `names` says what each is called in the legend."""
    places = {row["label"]: (seconds[_key(row)], row["mean"]) for row in rows}
    bounds = {row["label"] for row in rows if row["upper_bound"]}
    front = pareto((name, *place) for name, place in places.items() if name not in bounds)
    numbered = any(name != shown for name, shown in names.items())
    if front:
        axes.step(*zip(*(places[name] for name in front), strict=True), where="post", color=GREY, linewidth=1, zorder=1)
    for row in rows:
        name, (x, y) = row["label"], places[row["label"]]
        look = style[name]
        reach = [[y - row["seed_low"]], [row["seed_high"] - y]]
        axes.errorbar(x, y, yerr=reach, fmt="none", ecolor=look.colour, elinewidth=0.8, alpha=0.5)
        axes.plot(x, y, marker=look.marker, color=look.colour, linestyle="none", label=broken(names[name]))
        if name in front:
            axes.plot(x, y, marker="o", markersize=11, markerfacecolor="none", markeredgecolor=GREY)
        if name in front and numbered:
            place = front.index(name) + 1
            offset = (-6, 6) if place % 2 else (6, -12)
            axes.annotate(str(place), (x, y), offset, textcoords="offset points", ha="center", fontsize=8)
    listed = (
        [f"{place}\N{NO-BREAK SPACE}{plain(name)}" for place, name in enumerate(front, start=1)]
        if numbered
        else list(map(plain, front))
    )
    # Names beside the points would cover each other: what is cheap stands close together.
    axes.set_title(title + "\n" + fill(f"front: {', '.join(listed)}", 46), fontsize=9.5)
    axes.set_xscale("log")
    axes.set_xlim(_decades(seconds.values()))
    axes.xaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("seconds to train (log scale)")
    axes.tick_params(labelbottom=True)
