"""Draw scores against cost: what each second, parameter or byte buys, and which strategies no other beats on both."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from tlbench_reports.drawing import Chart, Look, broken, cut, place_name, score_limits
from tlbench_reports.palette import COLOURS, GREY
from tlbench_reports.row import worth
from tlbench_reports.rows import conditions, cost_rows, partition
from tlbench_reports.svg import point
from tlbench_reports.words import known, listing, number, plain, quantity

if TYPE_CHECKING:
    from tlbench import Results

# What tells the rows of the costs apart; those that a results folder's rows lack are left out.
_KEYS = ("strategy", "source", "backbone", "transfer", "budget", "setting", "selection", "tuned")
_COLUMNS = 3
_LISTED = 10  # names of a front above a panel
_ALIKE = 1.05  # the largest over the least of costs that are nearly the same
_LEAST = 1e-3  # seconds; a logarithmic axis has no zero
Amounts = Mapping[tuple[str, ...], float]
Styles = dict[str, Look]


@dataclass(frozen=True)
class Cost:
    """Describe a kind of cost: what an axis calls it, and the columns of the costs whose sum it is."""

    name: str
    columns: tuple[str, ...]
    is_time: bool = False


TRAINING = Cost(
    "seconds to train", ("fit_seconds", "prepare_seconds", "tuning_seconds", "members_seconds"), is_time=True
)
OTHERS = (
    Cost("seconds to predict", ("predict_seconds",), is_time=True),
    Cost("parameters trained", ("parameters_trained",)),
    Cost("parameters stored", ("parameters_stored",)),
    Cost("FLOPs per example", ("flops_per_example",)),
    Cost("peak memory, bytes", ("peak_memory_bytes",)),
)


@dataclass(frozen=True)
class Panel:
    """Hold one pair of axes: its heading, its rows of the summary, and their cost."""

    heading: str
    axis: str
    rows: list[Any]
    amounts: Amounts
    is_time: bool


def cost_curve(metric: str, name: str, rows: list[Any], seconds: Amounts, style: Styles) -> Chart | None:
    """Return the chart of the seconds that training took, a panel per budget, or None where no cost is known."""
    shown = _scored(rows, seconds)
    if not shown:
        return None
    budgets = list(dict.fromkeys(row["budget"] for row in shown))
    parts = [[row for row in shown if row["budget"] == budget] for budget in budgets]
    panels = [Panel(conditions(own[0]), "seconds to train (log scale)", own, seconds, True) for own in parts]
    return _chart(
        f"cost-{name}",
        f"{plain(metric)} against cost: {place_name(rows[0])}",
        "Cost: median seconds to fit, with tuning, an ensemble's members, and the whole of a source-side training that "
        "several cells may share. ",
        panels,
        metric,
        style,
        columns=min(2, len(panels)),
    )


def cost_panels(metric: str, name: str, rows: list[Any], costs: Mapping[Cost, Amounts], style: Styles) -> Chart | None:
    """Return the chart of all other costs at one label budget, or None where none differs from row to row.

    `costs` has for each kind the mean amounts by row. The budget is the one with most rows, of several the largest.
    """
    by_budget: dict[str, list[Any]] = {}
    for row in rows:
        if known(row["mean"]):
            by_budget.setdefault(row["budget"], []).append(row)
    if not by_budget:
        return None
    chosen = max(reversed(by_budget.values()), key=len)
    panels, unknown, equal = [], [], []
    for cost, amounts in costs.items():
        own = _scored(chosen, amounts)
        different = [amounts[row_key(row)] for row in own]
        if not own:
            unknown.append(cost.name)
        elif len(own) > 1 and max(different) <= _ALIKE * min(different):
            equal.append(f"{cost.name} ({quantity(max(different))})")
        else:
            panels.append(Panel(cost.name, f"{cost.name} (log scale)", own, amounts, cost.is_time))
    if not panels:
        return None
    left_out = f"Nearly the same for all, and not shown: {'; '.join(equal)}. " if equal else ""
    left_out += f"Not known: {listing(unknown)}. " if unknown else ""
    return _chart(
        f"costs-{name}",
        f"{plain(metric)} against other costs, {conditions(chosen[0])}: {place_name(rows[0])}",
        f"Costs: medians over replicates. {left_out}",
        panels,
        metric,
        style,
        columns=min(_COLUMNS, len(panels)),
    )


def amounts(costs: list[dict[str, Any]], cost: Cost) -> dict[tuple[str, ...], float]:
    """Return the cost of each row of the summary where it is known, from the rows of `Results.costs`."""
    found = {}
    for row in costs:
        first, *others = (row.get(column) for column in cost.columns)
        if known(first):
            total = float(first) + sum(float(other) for other in others if known(other))
            found[row_key(row)] = max(total, _LEAST) if cost.is_time else total
    return found


def training_seconds(results: "Results") -> dict[tuple[str, ...], float]:
    """Return the seconds that a classifier takes, with all that it rests on, by row."""
    return amounts(cost_rows(results), TRAINING)


def pareto(points: Iterable[tuple[str, float, float]]) -> list[str]:
    """Return the names, cheapest first, of points (name, cost, score) that no cheaper or equal one outscores."""
    front: list[str] = []
    best = float("-inf")
    for name, _, score in sorted(points, key=lambda point: (point[1], -point[2])):
        if score > best:
            front.append(name)
            best = score
    return front


def row_key(row: Any) -> tuple[str, ...]:
    """Return what tells a row of the costs, or of the summary, from the others."""
    return tuple(str(row[column]) for column in _KEYS if column in row)


def _scored(rows: list[Any], amounts: Amounts) -> list[Any]:
    return [row for row in rows if known(row["mean"]) and known(amounts.get(row_key(row)))]


def _chart(name: str, title: str, costs: str, panels: list[Panel], metric: str, style: Styles, columns: int) -> Chart:
    shown = [row for panel in panels for row in panel.rows]
    competing = [row for row in shown if not (row["upper_bound"] or row["is_baseline"])]
    crowded = len({row["label"] for row in competing}) > len(COLOURS)  # a legend of forty names helps nobody
    grouped = {row["label"]: plain(row["family"]) for row in competing if crowded}
    names = {row["label"]: grouped.get(row["label"], row["label"]) for row in shown}
    counts = sorted({int(row["n"]) for row in shown if row["n"]})

    def draw(figure: Figure, columns: int, legend: str) -> None:
        lines = -(-len(panels) // columns)
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel, panels, style, names)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set(ylabel=plain(metric), ylim=score_limits(shown))
        handles = {
            label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc=legend, ncols=2 if "lower" in legend else 1)

    chart = Chart(
        name=name,
        title=title,
        caption=costs + f"Bars: 95% intervals of the score, n = {listing(counts) or 0}. Line and "
        "rings: the Pareto front, strategies that no other beats on score at equal or less cost"
        + (", numbered by cost; colours are families." if crowded else ".")
        + (" Seconds hold for the machine they were taken on." if any(panel.is_time for panel in panels) else ""),
        size=((3.6 if columns < _COLUMNS else 3.0) * columns + 2.0, 3.0 * -(-len(panels) // columns) + 1.1),
        draw=lambda figure: draw(figure, columns, "outside right upper"),
    )
    size = (4.2, 2.9 * len(panels) + 0.1 * len(set(names.values())) + 0.4)
    return chart.with_narrow(size, lambda figure: draw(figure, 1, "outside lower left"))


def _decades(costs: Iterable[float]) -> tuple[float, float]:
    """Return the powers of ten around all costs, so that an axis always has two labels and charts share it."""
    logarithms = [math.log10(value) for value in costs if value > 0] or [0.0]
    return 10.0 ** math.floor(min(logarithms) - 0.05), 10.0 ** math.ceil(max(logarithms) + 0.05)


def _draw_panel(axes: Axes, panel: Panel, panels: list[Panel], style: Styles, names: Mapping[str, str]) -> None:
    """Draw one panel; `names` says what each strategy is called in the legend."""
    costs = {row["label"]: panel.amounts[row_key(row)] for row in panel.rows}
    # Panels of one cost share an axis.
    shared = [each.amounts[row_key(row)] for each in panels if each.axis == panel.axis for row in each.rows]
    low, high = _decades(shared)
    has_zero = min(shared) <= 0
    zero = low / 10  # where a cost of nothing stands
    places = {row["label"]: (costs[row["label"]] or zero, row["mean"]) for row in panel.rows}
    bounds = {row["label"] for row in panel.rows if row["upper_bound"]}
    front = pareto(
        (row["label"], places[row["label"]][0], worth(row)) for row in panel.rows if row["label"] not in bounds
    )
    numbered = any(name != shown for name, shown in names.items())
    if front:
        axes.step(*zip(*(places[name] for name in front), strict=True), where="post", color=GREY, linewidth=1, zorder=1)
    reach = [
        [row["mean"] - row["low"] for row in panel.rows],
        [row["high"] - row["mean"] for row in panel.rows],
    ]
    colours = [style[row["label"]].colour for row in panel.rows]
    axes.errorbar(
        *zip(*places.values(), strict=True), yerr=reach, fmt="none", ecolor=colours, elinewidth=0.8, alpha=0.5
    )
    for row in panel.rows:
        look, label = style[row["label"]], row["label"]
        [mark] = axes.plot(*places[label], marker=look.marker, color=look.colour, linestyle="none")
        mark.set_gid(point(f"{plain(label)}, {panel.heading}: {number(row['mean'])}, {_amount(costs[label], panel)}"))
    for shown, alike in partition(places, lambda name: names[name]).items():
        look = style[alike[0]]
        marker = "s" if shown != alike[0] else look.marker  # a square for a family, whose marks differ
        axes.plot([], [], marker=marker, color=look.colour, linestyle="none", label=broken(cut(shown)))
    if front:
        on_front = zip(*(places[name] for name in front), strict=True)
        axes.plot(*on_front, "o", markersize=11, markerfacecolor="none", markeredgecolor=GREY)
    for place, name in enumerate(front if numbered else (), start=1):
        offset = (-6, 6) if place % 2 else (6, -12)
        axes.annotate(str(place), places[name], offset, textcoords="offset points", ha="center", fontsize=8)
    listed = (
        [f"{place}\N{NO-BREAK SPACE}{plain(name)}" for place, name in enumerate(front, start=1)]
        if numbered
        else list(map(plain, front))
    )
    if len(listed) > _LISTED:
        listed = [*listed[:_LISTED], f"and {len(listed) - _LISTED} more"]
    # Names beside the points would cover each other: what is cheap stands close together.
    heading = fill(f"front: {', '.join(listed)}", 40, break_on_hyphens=False)
    axes.set_title(f"{panel.heading}\n{heading}", fontsize=9.5)
    axes.set_xscale("log")
    axes.set_xlim(zero / 2 if has_zero else low, high)
    axes.xaxis.set_major_locator(LogLocator(numticks=7))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, position: "0" if has_zero and value < low else _short(value))
    axes.set_xlabel(panel.axis)


def _amount(cost: float, panel: Panel) -> str:
    return f"{quantity(cost)} s" if panel.is_time else f"{quantity(cost)} {panel.axis.partition(' (')[0]}"


def _short(value: float) -> str:
    """Write a power of ten for an axis: `0.01`, `10`, `1 M`."""
    return f"{value:g}" if value < 1e5 else quantity(value) if value >= 1e6 else f"{value / 1e3:g} k"
