"""Draw paired differences to the baseline with their intervals, from most gained to most lost."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import BLACK, GREY, Chart, Look, broken, place_name
from tlbench_reports.row import truth
from tlbench_reports.rows import conditions, partition
from tlbench_reports.words import amount, chance, known, listing, plain, signed

_MOST, _LEAST = 10, 6  # rows of a panel with the largest and the smallest differences; half of it in many panels
_FEW = 2  # panels
_PANELS = 6
_COLUMNS = (0.18, 0.40, 0.61, 0.66)  # where numbers end and words begin, as shares of their axes
_WORSE = "#D55E00"  # vermilion of Okabe and Ito


def difference_forest(metric: str, name: str, rows: list[Any], style: dict[str, Look]) -> Chart | None:
    """Return the chart of comparable rows of one place, a panel per label budget, or None without a comparison."""
    compared = [row for row in rows if known(row["delta"]) and not row["upper_bound"]]
    by_budget = list(partition(compared, lambda row: str(row["budget"])).values())
    if not by_budget:
        return None
    panels = [sorted(own, key=_gain, reverse=True) for own in by_budget[:_PANELS]]
    part = 1 if len(panels) <= _FEW else 2
    lines = [_cut(own, _MOST // part, _LEAST // part) for own in panels]
    heights = [len(own) + 1.6 for own in lines]
    counts = sorted({int(row["delta_n"]) for own in panels for row in own})
    width = max(len(line) for own in lines for row in own for line in _name(row, own).split("\n"))

    def draw(figure: Figure) -> None:
        grid = figure.subplots(
            len(lines), 2, squeeze=False, sharex="col", sharey="row", height_ratios=heights, width_ratios=(5, 3)
        )
        for (axes, beside), own in zip(grid, lines, strict=True):
            _panel(axes, beside, own, style)
        grid[-1, 0].set_xlabel(f"difference in {plain(metric)}")

    return Chart(
        name=f"differences-{name}",
        title=f"Differences in {plain(metric)} to the baseline: {place_name(rows[0])}",
        caption=f"Points: mean differences, paired by replicate, n = {listing(counts)}. Bars: their 95% intervals, "
        "none for one pair. Filled: not separable from the best of its panel; hollow: separable. p: corrected after "
        "Holm for all comparisons of these results. Needed: replicates that would make an unclear difference of this "
        "size clear with a power of 80%."
        + (" After the stroke: the baseline." if any(_has_several(own) for own in lines) else "")
        + (f" First {_PANELS} of {len(by_budget)} label budgets." if len(by_budget) > _PANELS else ""),
        size=(6.9 + 0.075 * width, 1.6 + 0.27 * sum(heights)),
        draw=draw,
    )


def _gain(row: Any) -> float:
    return round(-row["delta"] if truth(row.get("lower_is_better")) else row["delta"], 9)


def _cut(rows: list[Any], most: int, least: int) -> list[Any]:
    """Leave out the middle of many rows, which are sorted; a number in its place says how many these were."""
    missing = len(rows) - most - least
    return [*rows[:most], missing, *rows[-least:]] if missing > 1 else rows


def _panel(axes: Axes, beside: Axes, rows: list[Any], style: dict[str, Look]) -> None:
    """Draw the intervals of some rows, and write their numbers beside them."""
    for y, row in enumerate(rows):
        if isinstance(row, int):
            continue
        negative, tied = truth(row.get("negative_transfer")), truth(row.get("tied"))
        colour, marker = style[row["label"]].colour, style[row["label"]].marker
        # Rounded, since what is left of equal differences is noise that depends on the processor.
        delta, low, high = (round(float(row[end]), 9) for end in ("delta", "delta_low", "delta_high"))
        if known(low):
            axes.plot([low, high], [y, y], color=colour, linewidth=1.6)
        axes.plot(delta, y, marker=marker, color=colour, markerfacecolor=colour if tied else "white")
        said = (
            signed(row["delta"]), chance(row.get("p_holm")), amount(row.get("needed")),
            _words(row, negative, tied),
        )  # fmt: skip
        for x, text in zip(_COLUMNS, said, strict=True):
            align = "left" if x == _COLUMNS[-1] else "right"
            colour = _WORSE if negative else BLACK
            words = x == _COLUMNS[-1]  # numbers have their room in any case, and to measure them takes time
            beside.text(x, y, text, va="center", ha=align, fontsize=8.5, color=colour, in_layout=words)
    for x, text in zip(_COLUMNS, ("diff.", "p (Holm)", "needed"), strict=False):
        beside.text(x, -0.95, text, va="center", ha="right", fontsize=8.5, color=GREY)
    beside.set(xlim=(0, 1))
    beside.set_axis_off()
    first = next(row for row in rows if not isinstance(row, int))
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_yticks(range(len(rows)), [_name(row, rows) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_title(
        conditions(first) + ("" if _has_several(rows) else f", against {plain(first['baseline'])}"), fontsize=9.5
    )


def _has_several(rows: list[Any]) -> bool:
    """Whether rows are compared with more than one baseline."""
    return len({row["baseline"] for row in rows if not isinstance(row, int)}) > 1


def _name(row: Any, rows: list[Any]) -> str:
    if isinstance(row, int):
        return f"({row} between)"
    return broken(row["label"], 34) + (f" / {plain(row['baseline'])}" if _has_several(rows) else "")


def _words(row: Any, negative: bool, tied: bool) -> str:
    if negative:
        return "negative transfer"
    if truth(row.get("best")):
        return "best"
    return "tied with best" if tied else ""
