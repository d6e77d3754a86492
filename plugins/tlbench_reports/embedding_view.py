"""Draw test items in feature space, before and after training, on a plane found by t-SNE."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, broken, class_look, place_name
from tlbench_reports.leading import best_budget, cells, leaders, readable
from tlbench_reports.palette import PALE
from tlbench_reports.rows import conditions
from tlbench_reports.tsne import tsne
from tlbench_reports.words import listing

if TYPE_CHECKING:
    from tlbench import Predictions, Results

_AFTER = 3  # strategies
_FEWEST = 10  # items that make a picture
_LOOKED_AT = 24  # strategies
_CLASSES = 12


def embedding_view(results: "Results", name: str, rows: list[Any]) -> Chart | None:
    """Return the chart of one label budget, or None where no record of it has features to show."""
    before: list[tuple[str, Predictions]] = []
    after: list[tuple[str, Predictions]] = []
    ranked = leaders(best_budget(rows), _LOOKED_AT)
    for row in ranked:
        part = _first(results, row)
        if part is not None and part.shown_before is not None:
            before = before or [("before training", part)]
        if part is not None and part.shown_after is not None and len(after) < _AFTER:
            after.append((f"after {row['label']}", part))
        if before and len(after) == _AFTER:
            break
    panels = [(title, part.shown_before, _labels(part)) for title, part in before]
    panels += [(title, part.shown_after, _labels(part)) for title, part in after]
    maps = [(title, tsne(features), labels) for title, features, labels in panels if features is not None]
    if not maps:
        return None
    items = sorted({len(labels) for _, _, labels in maps})
    classes = np.unique(np.concatenate([labels for _, _, labels in maps]))
    coloured = classes[:_CLASSES]

    def draw(figure: Figure, columns: int, **legend: Any) -> None:
        grid = figure.subplots(-(-len(maps) // columns), columns, squeeze=False)
        for axes, (title, place, labels) in zip(grid.flat, maps, strict=False):
            _panel(axes, title, place, labels, coloured)
        for axes in grid.flat[len(maps) :]:
            axes.set_visible(False)
        handles, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, title="class", **legend)

    chart = Chart(
        name=f"embedding-{name}",
        title=f"Features of test items, {conditions(ranked[0])}: {place_name(rows[0])}",
        caption=f"t-SNE of the features of {listing(items)} test items of one replicate (n = 1), each panel by "
        "itself: who is near whom means something, distances and directions between groups do not. Before: "
        "the backbone as it came. After: the best strategies that train it."
        + (f" Grey: {len(classes) - len(coloured)} further classes." if len(classes) > len(coloured) else ""),
        size=(max(2.35 * len(maps), 4.0) + 1.3, 3.9),
        draw=lambda figure: draw(figure, len(maps), loc="outside right upper"),
        exact=False,
    )
    size = (4.2, 0.9 + 2.1 * -(-len(maps) // 2))
    return chart.with_narrow(size, lambda figure: draw(figure, min(2, len(maps)), loc="outside lower left", ncols=6))


def _first(results: "Results", row: Any) -> "Predictions | None":
    """Return the predictions of a row that have features to show; replicate 0 alone may have them."""
    for cell in cells(results, row)[:1]:
        part = readable(results, cell)
        if part is not None and part.shown_rows is not None and len(part.shown_rows) >= _FEWEST:
            return part
    return None


def _labels(part: "Predictions") -> np.ndarray:
    assert part.shown_rows is not None
    return np.asarray(part.labels[part.shown_rows])


def _panel(axes: Axes, title: str, place: np.ndarray, labels: np.ndarray, coloured: np.ndarray) -> None:
    other = ~np.isin(labels, coloured)
    if other.any():
        axes.plot(*place[other].T, linestyle="none", marker=".", color=PALE, markersize=4, label="others")
    for i, which in enumerate(coloured):
        own = place[labels == which]
        colour, marker = class_look(i)
        axes.plot(*own.T, linestyle="none", marker=marker, color=colour, markersize=4, label=str(which))
    axes.set_title(broken(title, 24), fontsize=9.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
