"""Draw scores against label budgets: a chart for each transfer, backbone and setting, a panel for each family."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import GREY, Chart, Look, broken, looks, place_name, score_limits
from tlbench_reports.leading import is_baseline_of
from tlbench_reports.row import no_score, worth
from tlbench_reports.rows import is_episodic, partition
from tlbench_reports.words import known, listing, plain

_COLUMNS = 2  # panels side by side
_BRIGHT = 5  # strategies of a panel with a colour, beside baselines and upper bounds
_LINE = 0.15  # inches that a line of a name takes
_PALE = Look("#9a9a9a", "", "-")


@dataclass(frozen=True)
class End:
    """Locate the end of a strategy's line, for its name to stand beside."""

    label: str
    colour: str
    x: float = math.nan
    y: float = math.nan
    why: str = ""  # there is no line

    @property
    def drawn(self) -> bool:
        """Tell whether there is a line at all."""
        return known(self.y)


def label_curve(metric: str, name: str, rows: list[Any], families: list[str], style: dict[str, Look]) -> Chart:
    """Return the chart of comparable rows of one transfer and backbone, with a panel for each of these families."""
    panels = {family: _members(rows, family) for family in families}
    columns = min(len(panels), _COLUMNS)
    lines = -(-len(panels) // columns)
    names = [sum(_height(label) for label in {row["label"] for row in shown}) for shown in panels.values()]
    height = max(2.3, 1.1 * _LINE * max(names))  # inches, of the axes of a panel
    paled = max(len({row["label"] for row in shown if _competes(row)}) for shown in panels.values()) > _BRIGHT
    compared = any(row["is_baseline"] for shown in panels.values() for row in shown)
    first = rows[0]
    what = "episodes" if is_episodic(first) else "label budget"
    over = (
        "the episodes of all replicates" if is_episodic(first) else listing(row["over"] for row in rows if row["over"])
    )
    setting = "" if first["setting"] == "inductive" else f", {first['setting']}"

    def draw(figure: Figure) -> None:
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        low, high = score_limits([row for shown in panels.values() for row in shown])
        for axes, (family, shown) in zip(grid.flat, panels.items(), strict=False):
            axes.set_ylim(low, high)
            _panel(axes, family, shown, style, (high - low) * _LINE / height)
            axes.set_xlabel(what)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel(plain(metric))

    counts = sorted({int(row["n"]) for row in rows if row["n"]})
    return Chart(
        name=f"labels-{name}",
        title=f"{plain(metric)} against {what}{setting}: {place_name(first)}",
        caption=f"Points: means over replicates, n = {listing(counts) or 0}. Bars: 95% intervals of the mean over "
        f"{over}, cut where they leave the chart."
        + (" Dashed: the baseline that a panel's strategies are compared with." if compared else "")
        + (f" Grey, without bars: all but the {_BRIGHT} best of a panel." if paled else ""),
        size=(5.0 * columns + 0.6, lines * (height + 0.8) + 0.9),
        draw=draw,
    )


def _members(rows: list[Any], family: str) -> list[Any]:
    """Return the rows of a family, after those of the baselines that it is compared with."""
    own = [row for row in rows if row["family"] == family]
    chosen = [row for row in rows if any(is_baseline_of(row, other) for other in own)]
    return chosen + [row for row in own if row not in chosen]


def _competes(row: Any) -> bool:
    return not (row["is_baseline"] or row["upper_bound"])


def _height(name: str) -> int:
    return broken(name).count("\n") + 1


def _panel(axes: Axes, family: str, rows: list[Any], style: dict[str, Look], line: float) -> None:
    """Draw one family; `line` is the height of a line of text on the axis of scores."""
    budgets = list(dict.fromkeys(str(row["budget"]) for row in rows))
    by_label = partition(rows, lambda row: row["label"])
    chosen = _looks(by_label, style)
    bright = [label for label in by_label if chosen[label] is not _PALE]
    ends = []
    for label, of_label in by_label.items():
        own = [row for row in of_label if known(row["mean"])]
        look = chosen[label]
        place = bright.index(label) - (len(bright) - 1) / 2 if label in bright else 0
        x = [budgets.index(str(row["budget"])) + 0.07 * place for row in own]  # side by side, else bars hide each other
        y = [row["mean"] for row in own]
        if look is _PALE:
            axes.plot(x, y, color=look.colour, linewidth=0.9, marker=".", markersize=4, zorder=1)
        else:
            bars = _bars(own)
            axes.errorbar(
                x, y, bars, color=look.colour, marker=look.marker, linestyle=look.line, elinewidth=1, capsize=2
            )
        colour = GREY if look is _PALE else look.colour
        ends.append(End(label, colour, x[-1], y[-1]) if own else End(label, colour, why=no_score(of_label[0])))
    axes.set_title(plain(family))
    axes.set_xticks(range(len(budgets)), budgets)
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.grid(axis="x", visible=False)
    _name_lines(axes, ends, line)


def _looks(by_label: dict[str, list[Any]], style: dict[str, Look]) -> dict[str, Look]:
    """Return how each strategy of a panel is drawn: where they are many, all but the best are pale.

    Colours are those of the other charts, unless two of a panel have the same.
    """
    competing = {label: own for label, own in by_label.items() if _competes(own[0])}

    def rank(label: str) -> tuple[int, float]:
        means = [worth(row) for row in competing[label] if known(row["mean"])]
        return len(means), float(np.mean(means)) if means else 0.0

    best = sorted(competing, key=rank, reverse=True)[:_BRIGHT]
    if len({style[label].colour for label in best}) < len(best):
        style = style | looks((label for label in competing if label in best), ())
    return {label: style[label] if label in best or label not in competing else _PALE for label in by_label}


def _name_lines(axes: Axes, ends: list[End], line: float) -> None:
    """Write each strategy's name beside the panel, as high as its line ends, without names on names."""
    low, high = axes.get_ylim()
    ends = sorted(ends, key=lambda end: end.y if end.drawn else low, reverse=True)
    wanted = [end.y if end.drawn else low for end in ends]
    beside = axes.get_yaxis_transform()  # across as shares of the panel, upwards as scores
    for end, y in zip(ends, spread(wanted, [_height(end.label) * line for end in ends], low, high), strict=True):
        if end.drawn:
            link = {"arrowstyle": "-", "color": end.colour, "linewidth": 0.5, "alpha": 0.6}
            axes.annotate("", (end.x, end.y), (1.04, y), textcoords=beside, arrowprops=link, annotation_clip=False)
        text = broken(end.label) + ("" if end.drawn else f" ({end.why})")
        axes.text(1.05, y, text, transform=beside, va="center", fontsize=8.5, color=end.colour)


def spread(wanted: list[float], sizes: list[float], low: float, high: float) -> list[float]:
    """Return heights near the wanted ones, which fall, so far apart that things of these sizes do not overlap."""
    places: list[float] = []
    top = high
    for centre, size in zip(wanted, sizes, strict=True):
        places.append(min(centre, top - size / 2))
        top = places[-1] - size / 2
    bottom = low
    for i in reversed(range(len(places))):  # what was pushed out below moves up again
        places[i] = max(places[i], bottom + sizes[i] / 2)
        bottom = places[i] + sizes[i] / 2
    return places


def _bars(rows: list[Any]) -> list[list[float]]:
    """Return how far each interval, of episodes over these, reaches below and above its mean; NaN draws nothing."""
    over = ["episode_" if row["n_episodes"] else "" for row in rows]
    below = [row["mean"] - row[f"{name}low"] for row, name in zip(rows, over, strict=True)]
    above = [row[f"{name}high"] - row["mean"] for row, name in zip(rows, over, strict=True)]
    return [below, above]
