"""Draw the performance profile: how many runs of each strategy score above each threshold."""

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from tlbench_reports.critical_difference import mean_ranks
from tlbench_reports.drawing import Chart, Look, broken
from tlbench_reports.words import plain

if TYPE_CHECKING:
    from tlbench import Across

MOST = 10


def performance_profile(across: "Across", name: str, where: str, style: dict[str, Look]) -> Chart:
    """Return the chart of one comparison over blocks."""
    ranked = [candidate for candidate, _ in mean_ranks(across)]
    shown = ranked[:MOST]
    profile = across.profile.set_index("candidate") if "candidate" in across.profile else across.profile
    thresholds = [float(column) for column in profile.columns]

    side = "above" if across.higher_is_better else "below"

    def draw(figure: Figure, **legend: Any) -> None:
        axes = figure.subplots()
        for i, candidate in enumerate(shown):
            look = style[candidate]
            axes.plot(
                thresholds, profile.loc[candidate].to_numpy(dtype=float), color=look.colour, linestyle=look.line,
                marker=look.marker, markersize=4, markevery=(i % 5, 5), label=broken(candidate, 30),
            )  # fmt: skip
        axes.set(xlabel=f"{plain(across.metric)} {side}", ylabel="share of runs", ylim=(-0.02, 1.02))
        figure.legend(**legend)

    chart = Chart(
        name=f"profile-{name}",
        title=f"Performance profile, {where}",
        caption=f"Of each strategy the share of its runs, over {len(across.blocks)} datasets and their replicates, "
        f"that score {side} the threshold; a line further up is better. No intervals."
        + (f" The {MOST} best of {len(ranked)} by mean rank." if len(ranked) > MOST else ""),
        size=(8.6, 4.2),
        draw=lambda figure: draw(figure, loc="outside right upper"),
    )
    size = (4.2, 3.2 + 0.2 * len(shown))
    return chart.with_narrow(size, lambda figure: draw(figure, loc="outside lower left"))
