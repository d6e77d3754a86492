"""Draw what tuning buys: the accuracy of the trial chosen so far, against how many were tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench import t_interval
from tlbench_reports.drawing import Chart, Look, broken, place_name
from tlbench_reports.palette import GREY
from tlbench_reports.row import truth
from tlbench_reports.rows import conditions, partition
from tlbench_reports.words import known, listing

if TYPE_CHECKING:
    from tlbench import Record, Results

_MOST = 5  # strategies of a panel
_PANELS = 4
_COLUMNS = 2


@dataclass(frozen=True)
class Curve:
    """Hold the accuracy after each trial, a mean over replicates with the ends of its interval."""

    row: Any
    default: Any | None  # the row of the same strategy that was not tuned
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def tuning_curve(results: "Results", name: str, rows: list[Any], style: dict[str, Look]) -> Chart | None:
    """Return the chart of the tuned rows of one place, a panel per label budget, or None where none was tuned."""
    tuned = [row for row in rows if known(row.get("tuned")) and known(row["mean"]) and not truth(row["upper_bound"])]
    if not tuned:
        return None
    records = tuned_records(results, tuned)
    panels = []
    for own in list(partition(tuned, lambda row: str(row["budget"])).values()):
        ranked = sorted(own, key=lambda row: row["mean"], reverse=True)[:_MOST]
        found = [(row, best_so_far(records.get(_key(row), []))) for row in ranked]
        curves = [_curve(row, _default(row, rows), scores) for row, scores in found if scores.size]
        if curves:
            panels.append(curves)
    shown = panels[:_PANELS]
    if not shown:
        return None
    columns = min(len(shown), _COLUMNS)
    lines = -(-len(shown) // columns)
    counts = sorted({curve.n for curves in shown for curve in curves})

    def draw(figure: Figure, columns: int, legend: str) -> None:
        grid = figure.subplots(-(-len(shown) // columns), columns, sharey=True, squeeze=False)
        for axes, curves in zip(grid.flat, shown, strict=False):
            _panel(axes, curves, style)
        grid[0, 0].set_ylim(*_limits(curve for curves in shown for curve in curves))
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy")
        handles = {
            label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(handles.values(), handles.keys(), loc=legend)

    chart = Chart(
        name=f"tuning-{name}",
        title=f"Accuracy against tuning budget: {place_name(rows[0])}",
        caption=f"Lines: test accuracy of the trial that the selection rule ranks first so far, mean over replicates, "
        f"n = {listing(counts)}; bands: its 95% t interval, none where n = 1. Dotted lines: the same strategy as it "
        "comes, not tuned. Where replicates differ in how many trials they had time for, the line ends with the "
        "fewest."
        + (f" The {_MOST} best tuned strategies of each label budget." if len(tuned) > _MOST else "")
        + (f" The first {_PANELS} of {len(panels)} label budgets." if len(panels) > _PANELS else ""),
        size=(3.9 * columns + 2.4, 3.1 * lines + 1.3),
        draw=lambda figure: draw(figure, columns, "outside right upper"),
    )
    size = (4.2, 2.9 * len(shown) + 1.5)
    return chart.with_narrow(size, lambda figure: draw(figure, 1, "outside lower left"))


def tuned_records(results: "Results", rows: list[Any]) -> "dict[tuple[str, ...], list[Record]]":
    """Return the records with trials of each of these rows."""
    wanted = {_key(row) for row in rows}
    found: dict[tuple[str, ...], list[Record]] = {}
    for record in results.records:
        if record.ok and record.trials:
            key = _key({"selection": "", **record.labels})
            if key in wanted:
                found.setdefault(key, []).append(record)
    return found


def best_so_far(records: "list[Record]") -> np.ndarray:
    """Return, float (replicates, trials), the test accuracy of the trial with the highest score of those so far.

    A trial that failed changes nothing; trials before the first that did not are NaN. All replicates end with the
    fewest trials of any.
    """
    lines = []
    for record in records:
        best, accuracy, line = -np.inf, np.nan, []
        for trial in record.trials:
            score = trial.get("score")
            if known(score) and known(trial.get("accuracy")) and float(score) > best:
                best, accuracy = float(score), float(trial["accuracy"])
            line.append(accuracy)
        lines.append(line)
    fewest = min(map(len, lines), default=0)
    return np.array([line[:fewest] for line in lines]) if fewest else np.empty((0, 0))


def _key(row: Any) -> tuple[str, ...]:
    columns = ("transfer", "backbone", "budget", "setting", "source", "strategy", "tuned")
    return tuple(str(row.get(column) or "") for column in columns)


def _default(row: Any, rows: list[Any]) -> Any | None:
    same = ("strategy", "source", "budget", "setting", "selection")
    for other in rows:
        if not known(other.get("tuned")) and all(str(other.get(key)) == str(row.get(key)) for key in same):
            return other
    same = same[:-1]  # a default without a rule of its own keeps its last checkpoint
    for other in rows:
        if not known(other.get("tuned")) and all(str(other.get(key)) == str(row.get(key)) for key in same):
            return other
    return None


def _curve(row: Any, default: Any | None, scores: np.ndarray) -> Curve:
    spreads = [t_interval(column[~np.isnan(column)]) for column in scores.T]
    mean, low, high = (np.array([getattr(each, end) for each in spreads]) for end in ("mean", "low", "high"))
    return Curve(row, default, mean, low, high, len(scores))


def _limits(curves: Iterable[Curve]) -> tuple[float, float]:
    """Return an axis that shows all lines, and bands as far as they do not dwarf them."""
    levels = [
        level
        for curve in curves
        for level in (*curve.mean, *([curve.default["mean"]] if curve.default is not None else []))
        if known(float(level))
    ]
    low, high = min(levels), max(levels)
    room = max(high - low, 0.05)
    return low - room / 2, high + room / 2


def _panel(axes: Axes, curves: list[Curve], style: dict[str, Look]) -> None:
    for curve in curves:
        look = style[curve.row["label"]]
        trials = np.arange(1, len(curve.mean) + 1)
        if not np.isnan(curve.low).all():
            axes.fill_between(trials, curve.low, curve.high, color=look.colour, alpha=0.15, linewidth=0)
        axes.plot(
            trials, curve.mean, color=look.colour, marker=look.marker, linestyle=look.line, markersize=4,
            drawstyle="steps-post", label=broken(curve.row["label"], 26),
        )  # fmt: skip
        if curve.default is not None and known(curve.default["mean"]):
            axes.axhline(curve.default["mean"], color=look.colour, linestyle=":", linewidth=1.2)
    axes.plot([], [], color=GREY, linestyle=":", linewidth=1.2, label="not tuned")
    axes.set_xlabel("trials")
    axes.set_title(conditions(curves[0].row), fontsize=9.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
