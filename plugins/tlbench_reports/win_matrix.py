"""Draw the win matrix: on how many datasets each strategy beats each other."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from tlbench_reports.critical_difference import mean_ranks
from tlbench_reports.drawing import Chart, broken, ink
from tlbench_reports.words import known, plain

if TYPE_CHECKING:
    from tlbench import Across

MOST = 12
_COLOURS = "cividis"


def win_matrix(across: "Across", name: str, where: str) -> Chart:
    """Return the chart of one comparison over blocks."""
    ranked = [candidate for candidate, _ in mean_ranks(across)]
    shown = ranked[:MOST]
    matrix = across.win_matrix
    if "candidate" in matrix:
        matrix = matrix.set_index("candidate")
    shares = matrix.loc[shown, shown].to_numpy(dtype=float)
    return Chart(
        name=f"wins-{name}",
        title=f"Wins in {plain(across.metric)}, {where}",
        caption=f"In each cell the share of {len(across.blocks)} datasets on which the strategy of the line beats "
        "that of the column, by its mean over replicates; no intervals. Sorted by mean rank."
        + (f" The {MOST} best of {len(ranked)}." if len(ranked) > MOST else ""),
        size=(3.4 + 0.52 * len(shown), 2.6 + 0.4 * len(shown)),
        draw=lambda figure: _draw(figure.subplots(), shown, shares),
    )


def _draw(axes: Axes, names: list[str], shares: np.ndarray) -> None:
    scale = ScalarMappable(Normalize(0, 1), _COLOURS)
    off_diagonal = np.where(np.eye(len(names), dtype=bool), np.nan, shares)
    axes.imshow(off_diagonal, cmap=_COLOURS, vmin=0, vmax=1, aspect="auto")
    for y in range(len(names)):
        for x in range(len(names)):
            if x != y and known(float(shares[y, x])):
                colour = ink(scale.to_rgba(shares[y, x]))
                axes.text(
                    x, y, f"{shares[y, x]:.2f}", ha="center", va="center", fontsize=8.5, color=colour, in_layout=False
                )
    axes.set_yticks(range(len(names)), [broken(name, 30) for name in names])
    axes.set_xticks(range(len(names)), [broken(name, 22) for name in names], rotation=45, ha="right")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(scale, ax=axes, label="share of datasets won", shrink=0.9)
