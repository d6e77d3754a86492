"""Draw scores with their intervals, strategy by strategy, at one label budget."""

from typing import Any

from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, Look, lines_by_family, name_lines, place_name, score_limits
from tlbench_reports.palette import GREY
from tlbench_reports.row import Row, no_score
from tlbench_reports.rows import conditions, sampling
from tlbench_reports.svg import point
from tlbench_reports.words import known, listing, number, plain


def score_plot(metric: str, name: str, rows: list[Any], style: dict[str, Look]) -> Chart:
    """Return the chart of one transfer, backbone, budget and setting, whose rows of the summary these are."""
    counts = sorted({int(row["n"]) for row in rows if row["n"]})
    sampled = any(row["n_episodes"] for row in rows)
    over = sampling(map(Row, rows))
    lines = lines_by_family(rows)
    heights = {label: y for y, (_, label) in enumerate(lines) if label}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for row in rows:
            y = heights[row["label"]]
            if not known(row["mean"]):
                axes.annotate(no_score(row), (0.02, y), xycoords=("axes fraction", "data"), va="center", style="italic")
                continue
            look = style[row["label"]]
            axes.plot([row["low"], row["high"]], [y, y], color=look.colour, alpha=0.35, linewidth=7)
            if row["n_episodes"]:
                axes.plot([row["episode_low"], row["episode_high"]], [y, y], color=look.colour, linewidth=1.6)
            [mark] = axes.plot(row["mean"], y, color=look.colour, marker=look.marker, markersize=7)
            mark.set_gid(point(f"{plain(row['label'])}, {conditions(row)}: {number(row['mean'])} [{Row(row).between}]"))
            if row["is_baseline"]:
                axes.axvline(row["mean"], color=GREY, linestyle="--", linewidth=1, zorder=0)
        name_lines(axes, lines)
        axes.set(xlabel=plain(metric), xlim=score_limits(rows), ylim=(len(lines) - 0.5, -0.5))
        axes.grid(axis="y", visible=False)

    return Chart(
        name=f"scores-{name}",
        title=f"{plain(metric)}, {conditions(rows[0])}: {place_name(rows[0])}",
        caption=f"Points: means over replicates, n = {listing(counts) or 0}. Bars: 95% intervals of the mean "
        f"over {listing(row['over'] for row in rows if row['over']) or 'nothing'}. "
        + (f"Thin bars: over {over}. " if sampled else "")
        + "Bars are cut where they leave the chart."
        + (" Dashed line: the baseline." if any(row["is_baseline"] for row in rows) else ""),
        size=(5.6, 2.1 + 0.3 * len(lines)),
        draw=draw,
    )
