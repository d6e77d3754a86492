"""Draw paired differences to the baseline with their intervals, from most gained to most lost."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, Look, broken, cut, place_name
from tlbench_reports.palette import GREY, PAPER
from tlbench_reports.row import truth
from tlbench_reports.rows import conditions, partition
from tlbench_reports.svg import point
from tlbench_reports.words import difference, known, listing, plain

_MOST, _LEAST = 10, 6  # rows of a panel with the largest and the smallest differences; half of it in many panels
_FEW = 2  # panels
_PANELS = 6


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

    def draw(figure: Figure) -> None:
        grid = figure.subplots(len(lines), 1, squeeze=False, sharex=True, height_ratios=heights)
        for axes, own in zip(grid.flat, lines, strict=True):
            _panel(axes, own, style)
        grid[-1, 0].set_xlabel(f"difference in {plain(metric)}")

    return Chart(
        name=f"differences-{name}",
        title=f"Differences in {plain(metric)} to the baseline: {place_name(rows[0])}",
        caption=f"Points: mean differences, paired by replicate, n = {listing(counts)}. Bars: their 95% intervals, "
        "none for one pair. Filled: tied with the best of its panel; hollow: clearly below it. The tables say which "
        "differences are clear."
        + (" After the stroke: the baseline." if any(_has_several(own) for own in lines) else "")
        + (f" First {_PANELS} of {len(by_budget)} label budgets." if len(by_budget) > _PANELS else ""),
        size=(5.2, 1.5 + 0.25 * sum(heights)),
        draw=draw,
    )


def _gain(row: Any) -> float:
    return round(-row["delta"] if truth(row.get("lower_is_better")) else row["delta"], 9)


def _cut(rows: list[Any], most: int, least: int) -> list[Any]:
    """Leave out the middle of many rows, which are sorted; a number in its place says how many these were."""
    missing = len(rows) - most - least
    return [*rows[:most], missing, *rows[-least:]] if missing > 1 else rows


def _panel(axes: Axes, rows: list[Any], style: dict[str, Look]) -> None:
    """Draw the differences of some rows with their intervals."""
    for y, row in enumerate(rows):
        if isinstance(row, int):
            continue
        look = style[row["label"]]
        # Rounded, since what is left of equal differences is noise that depends on the processor.
        delta, low, high = (round(float(row[end]), 9) for end in ("delta", "delta_low", "delta_high"))
        if known(low):
            axes.plot([low, high], [y, y], color=look.colour, linewidth=1.6)
        face = look.colour if truth(row.get("tied")) else PAPER
        [mark] = axes.plot(delta, y, marker=look.marker, color=look.colour, markerfacecolor=face, linestyle="none")
        mark.set_gid(point(f"{plain(row['label'])}, {conditions(row)}: {difference(row)}"))
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
    return broken(cut(row["label"]), 20) + (f" / {plain(row['baseline'])}" if _has_several(rows) else "")
