"""Draw the charts of the report as figures that somebody asked for by name."""

from dataclasses import replace
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from tlbench import TlbenchError, some
from tlbench_reports.charts import charts
from tlbench_reports.drawing import figure_of

if TYPE_CHECKING:
    from tlbench import Results


def figure(results: "Results", beginnings: tuple[str, ...], which: int = 1) -> Figure:
    """Return the `which`-th chart whose name begins so, counted from 1; raise TlbenchError where there is none."""
    found = [chart for begin in beginnings for chart in charts(results) if chart.name.startswith(f"{begin}-")]
    if not 1 <= which <= len(found):
        titles = f"There are {len(found)}: {some([chart.title for chart in found])}." if found else (
            "These results have none: `dir(results.plot)` names others.")  # fmt: skip
        raise TlbenchError(f"there is no chart {which} of {beginnings[0]}. {titles}")
    return figure_of(replace(found[which - 1]))  # drawn anew: what the reader changes is the reader's own
