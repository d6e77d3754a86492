"""Scores against label budgets: a chart for each transfer and backbone, a panel for each family."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, Look, broken, place_name, score_limits
from tlbench_reports.words import known, listing, plain

_COLUMNS = 3  # panels side by side


def label_curve(metric: str, name: str, rows: list[Any], style: dict[str, Look]) -> Chart:
    """Return the chart of one transfer and backbone, whose rows of the summary these are."""
    budgets = list(dict.fromkeys(str(row["budget"]) for row in rows))
    compared = [row for row in rows if not row["is_baseline"]] or rows
    panels = {family: _members(rows, family) for family in dict.fromkeys(row["family"] for row in compared)}
    columns = 2 if len(panels) == 4 else min(len(panels), _COLUMNS)
    lines = -(-len(panels) // columns)
    longest = max(len({row["label"] for row in shown}) for shown in panels.values())

    def draw(figure: Figure) -> None:
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for axes, (family, shown) in zip(grid.flat, panels.items(), strict=False):
            _panel(axes, family, shown, budgets, style)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set(ylabel=plain(metric), ylim=score_limits(rows))

    counts = sorted({int(row["n"]) for row in rows if row["n"]})
    return Chart(
        name=f"labels-{name}",
        title=f"{plain(metric)} against label budget: {place_name(rows[0])}",
        caption=f"Points: means over replicates, n = {listing(counts) or 0}. Bars: 95% t intervals of the mean over "
        "replicates, which share their test items; none where n = 1, cut where they leave the chart. Dashed: the "
        "baseline that a panel's strategies are compared with.",
        size=(3.1 * max(columns, 2) + 0.6, lines * (2.5 + 0.21 * longest) + 0.9),
        draw=draw,
    )


def _members(rows: list[Any], family: str) -> list[Any]:
    """Return the rows of a family, after those of the baselines that it is compared with."""
    own = [row for row in rows if row["family"] == family]
    baselines = {row["baseline"] for row in own}
    chosen = [row for row in rows if row["is_baseline"] and row["strategy"] in baselines]
    return chosen + [row for row in own if row not in chosen]


def _panel(axes: Axes, family: str, rows: list[Any], budgets: list[str], style: dict[str, Look]) -> None:
    strategies = list(dict.fromkeys(row["label"] for row in rows))
    for i, strategy in enumerate(strategies):
        own = [row for row in rows if row["label"] == strategy and known(row["mean"])]
        shift = 0.09 * (i - (len(strategies) - 1) / 2)  # side by side, else bars hide each other
        look = style[strategy]
        axes.errorbar(
            [budgets.index(str(row["budget"])) + shift for row in own],
            [row["mean"] for row in own],
            yerr=_bars(own),
            label=broken(strategy) + ("" if own else " (failed)"),
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
            elinewidth=1,
            capsize=2,
        )
    axes.set_title(plain(family))
    axes.set_xticks(range(len(budgets)), budgets)
    axes.set_xlim(-0.5, len(budgets) - 0.5)
    axes.set_xlabel("label budget")
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.24), borderaxespad=0)


def _bars(rows: list[Any]) -> list[list[float]]:
    """Return how far each interval reaches below and above its mean; NaN draws nothing."""
    return [[row["mean"] - row["seed_low"] for row in rows], [row["seed_high"] - row["mean"] for row in rows]]
