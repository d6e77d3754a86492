"""Scores with both their intervals, strategy by strategy, where there is only one label budget."""

from typing import Any

from matplotlib.figure import Figure

from tlbench_reports.drawing import GREY, Chart, Look, broken, place_name, score_limits
from tlbench_reports.words import known, listing, plain


def score_plot(metric: str, name: str, rows: list[Any], style: dict[str, Look]) -> Chart:
    """Return the chart of one transfer, backbone and budget, whose rows of the summary these are."""
    counts = sorted({int(row["n"]) for row in rows if row["n"]})

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for y, row in enumerate(rows):
            if not known(row["mean"]):
                axes.annotate("failed", (0.02, y), xycoords=("axes fraction", "data"), va="center", style="italic")
                continue
            look = style[row["label"]]
            axes.plot([row["seed_low"], row["seed_high"]], [y, y], color=look.colour, alpha=0.35, linewidth=7)
            axes.plot([row["item_low"], row["item_high"]], [y, y], color=look.colour, linewidth=1.6)
            axes.plot(row["mean"], y, color=look.colour, marker=look.marker, markersize=7)
            if row["is_baseline"]:
                axes.axvline(row["mean"], color=GREY, linestyle="--", linewidth=1, zorder=0)
        axes.set_yticks(range(len(rows)), [broken(row["label"], 34) for row in rows])
        axes.set(xlabel=plain(metric), xlim=score_limits(rows), ylim=(len(rows) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)

    return Chart(
        name=f"scores-{name}",
        title=f"{plain(metric)} at label budget {rows[0]['budget']}: {place_name(rows[0])}",
        caption=f"Points: means over replicates, n = {listing(counts) or 0}. Broad bars: 95% t intervals of the mean "
        "over replicates, which share their test items; none where n = 1. Thin bars: 95% bootstrap intervals over test "
        "items. "
        "Bars are cut where they leave the chart. Dashed line: the baseline.",
        size=(7.4, 1.9 + 0.36 * len(rows)),
        draw=draw,
    )
