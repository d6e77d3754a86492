"""Draw the critical-difference diagram: mean ranks over datasets, joined where they are not apart (Demšar, 2006)."""

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, Look, broken, cut
from tlbench_reports.measure import named
from tlbench_reports.palette import BLACK, GREY
from tlbench_reports.words import known, plain

if TYPE_CHECKING:
    from tlbench import Across

MOST = 24  # candidates whose names an axis can hold
_STEP = 0.5  # between lines, in units of the diagram
_LETTERS = 30  # of a line of a name
_BAR = 0.28  # between bars that join candidates


def critical_difference(across: "Across", name: str, where: str, style: dict[str, Look]) -> Chart | None:
    """Return the diagram of one comparison over blocks, or None without a critical difference."""
    if not known(across.critical_difference):
        return None
    ranked = mean_ranks(across)
    shown = ranked[:MOST]
    bars = bars_of(across, [candidate for candidate, _ in shown])
    step = _STEP * max(broken(cut(candidate), _LETTERS // 2).count("\n") + 1 for candidate, _ in shown)
    height = 1.2 + _BAR * len(bars) + step * -(-len(shown) // 2)

    def draw(figure: Figure, letters: int) -> None:
        difference = across.critical_difference
        _draw(figure.subplots(), shown, len(ranked), difference, bars, step, style, letters)

    p = across.friedman_p
    tested = f"Friedman's test: p = {p:.3g}" if known(p) else "Friedman's test does not apply"
    chart = Chart(
        name=f"critical-difference-{name}",
        title=f"Mean ranks of {named(across.metric, across.higher_is_better)}, {where}",
        caption=f"Rank 1 is best; means over {len(across.blocks)} datasets, n = {len(across.blocks)}. A bar joins "
        f"strategies whose mean ranks differ by less than the critical difference of Nemenyi's test at 5% (CD = "
        f"{across.critical_difference:.2f}). {tested}."
        + (f" The {MOST} best of {len(ranked)}." if len(ranked) > MOST else "")
        + (f" Beware: {plain(across.warning)}" if across.warning else ""),
        size=(8.6, 1.2 + 0.42 * height),
        draw=lambda figure: draw(figure, _LETTERS),
    )
    return chart.with_narrow((5.2, 0.3 + 0.42 * height), lambda figure: draw(figure, _LETTERS // 2))


def mean_ranks(across: "Across") -> list[tuple[str, float]]:
    """Return the candidates with their mean ranks, best first."""
    rows = across.ranks.to_dict("records")
    return sorted(((str(row["candidate"]), float(row["mean_rank"])) for row in rows), key=lambda pair: pair[1])


def bars_of(across: "Across", shown: list[str]) -> list[tuple[float, float]]:
    """Return the mean ranks that each bar reaches from and to; bars that lie within another are left out."""
    ranks = dict(mean_ranks(across))
    groups = [[ranks[name] for name in group if name in shown] for group in across.groups]
    spans = sorted({(min(own), max(own)) for own in groups if len(own) > 1})
    return [
        span
        for span in spans
        if not any(other != span and other[0] <= span[0] and span[1] <= other[1] for other in spans)
    ]


def _draw(
    axes: Axes,
    shown: list[tuple[str, float]],
    candidates: int,
    difference: float,
    bars: list[tuple[float, float]],
    step: float,
    style: dict[str, Look],
    letters: int,
) -> None:
    low, high = 1, max(candidates, 2)
    span = high - low
    axes.plot([low, high], [0, 0], color=BLACK, linewidth=1.2)
    for rank in range(low, high + 1, max(1, span // 12)):
        axes.plot([rank, rank], [0, -0.15], color=BLACK, linewidth=1)
        axes.text(rank, -0.22, str(rank), ha="center", va="bottom", fontsize=9)
    above = -1.0
    axes.plot([low, low + difference], [above, above], color=BLACK, linewidth=1.2)
    for end in (low, low + difference):
        axes.plot([end, end], [above - 0.1, above + 0.1], color=BLACK, linewidth=1.2)
    axes.text(low + difference / 2, above - 0.15, f"CD = {difference:.2f}", ha="center", va="bottom", fontsize=9)
    for i, (start, end) in enumerate(bars):
        axes.plot([start - 0.012 * span, end + 0.012 * span], [0.28 + _BAR * i] * 2, color=BLACK, linewidth=3.5,
                  solid_capstyle="butt")  # fmt: skip
    first = 0.28 + _BAR * len(bars) + 0.25
    half = -(-len(shown) // 2)
    for i, (candidate, rank) in enumerate(shown):
        left = i < half
        line = i if left else len(shown) - 1 - i
        y, x = first + step * line, (low - 0.03 * span if left else high + 0.03 * span)
        look = _look(style, candidate)
        axes.plot([rank, rank, x], [0, y, y], color=look.colour, linewidth=1.1)
        axes.plot(rank, 0, marker=look.marker, color=look.colour, markersize=5, clip_on=False)
        text = (
            f"{broken(cut(candidate), letters)}  {rank:.2f}"
            if left
            else f"{rank:.2f}  {broken(cut(candidate), letters)}"
        )
        axes.text(x, y, f" {text} ", ha="right" if left else "left", va="center", fontsize=9, color=look.colour)
    axes.set_ylim(first + step * half, above - 0.7)
    axes.set_xlim(low - 0.03 * span, max(high + 0.03 * span, low + difference))
    axes.set_axis_off()


def _look(style: dict[str, Look], candidate: str) -> Any:
    return style.get(candidate, Look(GREY, "o", "-"))
