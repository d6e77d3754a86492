"""Draw the reliability diagram: whether classifiers are right as often as they say."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench import t_interval
from tlbench_reports.drawing import Chart, Look, broken, place_name
from tlbench_reports.leading import best_budget, leaders, predictions
from tlbench_reports.palette import BAR, GREY
from tlbench_reports.rows import conditions
from tlbench_reports.words import known, listing

if TYPE_CHECKING:
    from tlbench import Predictions, Results

BINS = 10
_MOST = 4  # strategies
_COLUMNS = 4
_FEWEST = 5  # predictions that a replicate must have in a bin for its share to count in the interval


@dataclass(frozen=True)
class Bin:
    """Hold predictions of like confidence."""

    confidence: float
    accuracy: float
    low: float  # of the accuracy, over replicates; NaN where there is no interval
    high: float
    n: int


def calibration_plot(results: "Results", name: str, rows: list[Any], style: dict[str, Look]) -> Chart | None:
    """Return the chart of the leading rows of one label budget, or None without stored predictions."""
    read = [(row, predictions(results, row)) for row in leaders(best_budget(rows), _MOST)]
    panels = [(row, bins(parts)) for row, parts in read if parts]
    panels = [(row, found) for row, found in panels if found]
    if not panels:
        return None
    columns = min(len(panels), _COLUMNS)
    sizes = sorted({sum(each.n for each in found) for _, found in panels})
    counts = sorted({len(parts) for _, parts in read if parts})

    def draw(figure: Figure, columns: int) -> None:
        grid = figure.subplots(-(-len(panels) // columns), columns, sharex=True, sharey=True, squeeze=False)
        for axes, (row, found) in zip(grid.flat, panels, strict=False):
            _panel(axes, row, found, style[row["label"]])
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy")

    chart = Chart(
        name=f"calibration-{name}",
        title=f"Calibration, {conditions(panels[0][0])}: {place_name(rows[0])}",
        caption=f"Test predictions of all replicates together (n = {listing(counts)}), in at most {BINS} bins "
        f"of equal count by confidence ({listing(f'{size:,}' for size in sizes)} predictions). Grey: the share of "
        "them in each bin. Bars: 95% t intervals of a bin's accuracy over replicates. Below the dashed line a "
        "classifier is surer than it is right. ECE: mean distance from the line. The three best and the baseline.",
        size=(2.1 * columns + 0.7 if columns > 2 else 3.0 * columns + 1.4, 3.9),
        draw=lambda figure: draw(figure, columns),
    )
    return chart.with_narrow((4.2, 0.3 + 2.3 * -(-len(panels) // 2)), lambda figure: draw(figure, min(2, len(panels))))


def bins(parts: "list[Predictions]") -> list[Bin]:
    """Return the bins, of equal count as far as equal confidences allow, of several replicates' predictions."""
    confidence, right, replicate = [], [], []
    for i, part in enumerate(parts):
        shifted = part.logits.astype(np.float64) - part.logits.max(axis=1, keepdims=True)
        probability = np.exp(shifted)
        probability /= probability.sum(axis=1, keepdims=True)
        confidence.append(probability.max(axis=1))
        right.append(part.logits.argmax(axis=1) == part.labels)
        replicate.append(np.full(len(part.labels), i))
    sure, hit, which = map(np.concatenate, (confidence, right, replicate))
    usable = np.isfinite(sure)
    sure, hit, which = sure[usable], hit[usable], which[usable]
    if not len(sure):
        return []
    edges = np.unique(np.sort(sure)[np.arange(1, BINS) * len(sure) // BINS])
    place = np.searchsorted(edges, sure, side="right")
    found = []
    for members in (place == i for i in np.unique(place)):
        by_replicate = [hit[members & (which == i)] for i in np.unique(which[members])]
        spread = t_interval(np.array([own.mean() for own in by_replicate if len(own) >= _FEWEST]))
        accuracy = float(hit[members].mean())
        found.append(Bin(float(sure[members].mean()), accuracy, spread.low, spread.high, int(members.sum())))
    return found


def expected_calibration_error(found: list[Bin]) -> float:
    """Return the mean distance of accuracy from confidence, each bin weighed by its count."""
    total = sum(each.n for each in found)
    return sum(each.n * abs(each.accuracy - each.confidence) for each in found) / total


def _panel(axes: Axes, row: Any, found: list[Bin], look: Look) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, zorder=0)
    for each in found:
        if known(each.low):
            ends = np.clip([each.low, each.high], 0, 1)
            axes.plot([each.confidence] * 2, ends, color=look.colour, linewidth=1, alpha=0.6)
    total = sum(each.n for each in found)
    axes.bar([each.confidence for each in found], [each.n / total for each in found], 0.02, color=BAR, zorder=0)
    points = [(each.confidence, each.accuracy) for each in found]
    axes.plot(*zip(*points, strict=True), color=look.colour, marker=look.marker, linestyle=look.line, markersize=4.5)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_title(f"{broken(row['label'], 20)}\nECE {expected_calibration_error(found):.3f}", fontsize=9.5)
