"""All charts of a report, and their files."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench_reports.atomic import write_bytes
from tlbench_reports.cost_curve import cost_curve, training_seconds
from tlbench_reports.drawing import Chart, looks, render
from tlbench_reports.heat_map import file_name, heat_maps
from tlbench_reports.label_curve import label_curve
from tlbench_reports.rows import summary_rows
from tlbench_reports.score_plot import score_plot

if TYPE_CHECKING:
    from tlbench import Results

FORMATS = ("png", "svg")


def write(results: "Results", folder: Path) -> list[Path]:
    """Write every chart as SVG and PNG into charts/."""
    paths = []
    for chart in charts(results, summary_rows(results)):
        for file_format, content in zip(FORMATS, render(chart, *FORMATS), strict=True):
            paths.append(write_bytes(folder / "charts" / f"{chart.name}.{file_format}", content))
    return paths


def charts(results: "Results", rows: list[dict[str, Any]]) -> list[Chart]:
    """Return heat maps by label budget, then for each transfer and backbone the scores by label budget and by cost."""
    style = looks((row["label"] for row in rows), (row["label"] for row in rows if row["is_baseline"]))
    seconds = training_seconds(results)
    found: list[Chart | None] = [*heat_maps(results, rows)]
    places = groupby(rows, key=lambda row: (str(row["transfer"]), str(row["backbone"])))
    for number, ((transfer, backbone), members) in enumerate(places, start=1):
        own = list(members)
        # Numbered, since two names may differ only in what a file name cannot hold.
        name = f"{number}-{file_name(transfer)}-{file_name(backbone)}"
        several = len({row["budget"] for row in own}) > 1
        found.append((label_curve if several else score_plot)(results.metric, name, own, style))
        found.append(cost_curve(results.metric, name, own, seconds, style))
    return [chart for chart in found if chart is not None]
