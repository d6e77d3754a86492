"""Draw confusion matrices: which classes are taken for which."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tlbench_reports.drawing import Chart, broken, ink, place_name
from tlbench_reports.leading import best_budget, leaders, predictions
from tlbench_reports.rows import conditions
from tlbench_reports.words import listing, plain

if TYPE_CHECKING:
    from tlbench import Predictions, Results

MOST = 12  # classes that a panel can hold
_PANELS = 3
_COLOURS = "Blues"  # most cells are nearly empty, and pale is read better than dark
_LETTERS = 12  # of a class's name


def confusion_plot(results: "Results", name: str, rows: list[Any]) -> Chart | None:
    """Return the matrices of the two best rows and the baseline at one label budget, or None without predictions."""
    read = [(row, predictions(results, row)) for row in leaders(best_budget(rows), _PANELS)]
    panels = [(row, counts(parts)) for row, parts in read if parts]
    panels = [(row, matrix) for row, matrix in panels if matrix.shape == panels[0][1].shape and len(matrix) > 1]
    if not panels:
        return None
    classes = len(panels[0][1])
    shown = most_confused([matrix for _, matrix in panels], MOST)
    names = _class_names(results, rows[0], classes)
    replicates = sorted({len(parts) for _, parts in read if parts})
    side = min(3.3, 1.3 + 0.22 * len(shown))

    def draw(figure: Figure, columns: int) -> None:
        grid = figure.subplots(-(-len(panels) // columns), columns, sharex=True, sharey=True, squeeze=False)
        for axes, (row, matrix) in zip(grid.flat, panels, strict=True):
            _panel(axes, broken(row["label"], 24), shares(matrix)[np.ix_(shown, shown)], [names[i] for i in shown])
        for axes in grid[:, 0]:
            axes.set_ylabel("true class")
        for axes in grid[-1]:
            axes.set_xlabel("taken for")

    chart = Chart(
        name=f"confusion-{name}",
        title=f"Confusions, {conditions(panels[0][0])}: {place_name(rows[0])}",
        caption="Each line: what the test items of one true class were taken for, as shares of the line in percent, "
        f"over the replicates together (n = {listing(replicates)}); shares below 1% are blank; no intervals. The best "
        "strategies and the baseline."
        + (
            f" Of {classes} classes the {len(shown)} that take part in most confusions; lines need not add up to 100."
            if classes > len(shown)
            else ""
        ),
        size=(side * len(panels) + 0.9, side + 1.9),
        draw=lambda figure: draw(figure, len(panels)),
    )
    return chart.with_narrow((side + 0.6, (side + 0.3) * len(panels) + 0.3), lambda figure: draw(figure, 1))


def counts(parts: "list[Predictions]") -> np.ndarray:
    """Return how often each class was taken for each, int64 (classes, classes), true classes down."""
    classes = parts[0].logits.shape[1]
    matrix = np.zeros((classes, classes), dtype=np.int64)
    for part in parts:
        if part.logits.shape[1] != classes or part.labels.max(initial=-1) >= classes:
            return np.zeros((0, 0), dtype=np.int64)
        np.add.at(matrix, (part.labels, part.logits.argmax(axis=1)), 1)
    return matrix


def shares(matrix: np.ndarray) -> np.ndarray:
    """Return counts as shares of their line; a class without test items has none."""
    totals = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)


def most_confused(matrices: list[np.ndarray], most: int) -> list[int]:
    """Return, in their order, the classes that take part in most confusions of any of these matrices."""
    wrong = sum(shares(matrix) * (1 - np.eye(len(matrix))) for matrix in matrices)
    part = np.asarray(wrong).sum(axis=0) + np.asarray(wrong).sum(axis=1)
    return sorted(np.argsort(-part, kind="stable")[:most].tolist())


def _class_names(results: "Results", row: Any, classes: int) -> list[str]:
    """Return the names of classes where a record tells them, and else their numbers."""
    for record in results.records:
        if record.labels.get("transfer") == row["transfer"]:
            told = record.provenance.get("dataset", {}).get("classes")
            if isinstance(told, list) and len(told) == classes:
                return [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in map(plain, told)]
            break
    return [str(i) for i in range(classes)]


def _panel(axes: Axes, title: str, matrix: np.ndarray, names: list[str]) -> None:
    scale = ScalarMappable(Normalize(0, 1), _COLOURS)
    axes.imshow(matrix, cmap=_COLOURS, vmin=0, vmax=1)
    for y, x in zip(*np.nonzero(matrix >= 0.01), strict=True):
        colour = ink(scale.to_rgba(matrix[y, x]))
        axes.text(
            x, y, f"{100 * matrix[y, x]:.0f}", ha="center", va="center", fontsize=7, color=colour, in_layout=False
        )
    long = max(map(len, names)) > 2
    axes.set_xticks(range(len(names)), names, rotation=90 if long else 0, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_title(title, fontsize=9.5)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
