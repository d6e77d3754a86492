"""Draw mean ranks over datasets and mean scores without the extremes, each with its bootstrap interval."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, Look, broken, cut
from tlbench_reports.measure import named
from tlbench_reports.palette import BLACK, GREY
from tlbench_reports.words import known, plain

if TYPE_CHECKING:
    from tlbench import Across

MOST = 40


def rank_plot(across: "Across", name: str, where: str, style: dict[str, Look]) -> Chart:
    """Return the chart of one comparison over blocks."""
    ranks = across.ranks.sort_values("mean_rank", kind="stable")
    rows, candidates = ranks.head(MOST).to_dict("records"), len(ranks)
    left_out = [
        f"{plain(candidate)} ({has} of {of})"
        for candidate, (has, of) in across.coverage.items()
        if candidate not in across.candidates
    ]

    def draw(figure: Figure, letters: int) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        for y, row in enumerate(rows):
            look = style[str(row["candidate"])]
            for axes, middle, ends in ((left, "mean_rank", "rank"), (right, "iqm", "iqm")):
                low, high = row[f"{ends}_low"], row[f"{ends}_high"]
                if known(low) and known(high):
                    axes.plot([low, high], [y, y], color=look.colour, linewidth=1.8)
                if known(row[middle]):
                    axes.plot(row[middle], y, marker=look.marker, color=look.colour, markersize=7)
            _say(right, y, f"{row['wins']:g} of {len(across.blocks)}")
        _say(right, -0.9, "best or tied", GREY)
        left.set_yticks(range(len(rows)), [broken(cut(str(row["candidate"])), letters) for row in rows])
        left.set(xlabel="mean rank\n(1 is best)", ylim=(len(rows) - 0.5, -0.5))
        right.set(xlabel=f"interquartile mean\nof {named(across.metric, across.higher_is_better)}")
        for axes in (left, right):
            axes.grid(axis="y", visible=False)

    chart = Chart(
        name=f"ranks-{name}",
        title=f"Ranks over {len(across.blocks)} datasets, {where}",
        caption=f"Left: mean rank, n = {len(across.blocks)} datasets, with its 95% bootstrap interval. Right: mean "
        "of the middle half of the runs, with its 95% bootstrap interval. Only strategies with a score on every "
        "dataset are ranked."
        + (f" Left out, with the datasets they have: {_first(left_out)}." if left_out else "")
        + (f" The {MOST} best of {candidates}." if candidates > MOST else ""),
        size=(8.6, 1.9 + 0.32 * len(rows)),
        draw=lambda figure: draw(figure, 34),
    )
    return chart.with_narrow((5.2, 0.7 + 0.34 * len(rows)), lambda figure: draw(figure, 16))


def _say(axes: Axes, y: float, text: str, colour: str = BLACK) -> None:
    axes.text(1.03, y, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=colour)


def _first(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
