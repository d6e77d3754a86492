"""All charts of a report, and their files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench_reports.atomic import write_bytes
from tlbench_reports.cost_curve import cost_curve, training_seconds
from tlbench_reports.drawing import UPPER_BOUND, Chart, Look, looks, render
from tlbench_reports.heat_map import heat_maps
from tlbench_reports.label_curve import label_curve
from tlbench_reports.rows import is_episodic, partition, summary_rows
from tlbench_reports.score_plot import score_plot
from tlbench_reports.words import file_name

if TYPE_CHECKING:
    from tlbench import Results

FORMATS = ("png", "svg")


def write(results: "Results", folder: Path) -> list[Path]:
    """Write every chart as SVG and PNG into charts/."""
    paths = []
    for chart in charts(results):
        for file_format, content in zip(FORMATS, render(chart, *FORMATS), strict=True):
            paths.append(write_bytes(folder / "charts" / f"{chart.name}.{file_format}", content))
    return paths


def charts(results: "Results") -> list[Chart]:
    """Return heat maps by label budget, then for each transfer and backbone the scores by label budget and by cost.

    What may not be compared is in charts of its own: settings, metrics, and label budgets and episodes.
    """
    by_metric = {metric: summary_rows(results, metric) for metric in results.primaries}
    every = [row for rows in by_metric.values() for row in rows]
    style = looks((row["label"] for row in every), (row["label"] for row in every if row["is_baseline"]))
    style |= {row["label"]: UPPER_BOUND for row in every if row["upper_bound"]}
    seconds = training_seconds(results)
    found = [chart for metric, rows in by_metric.items() for chart in heat_maps(results, metric, rows)]
    number = 0
    for metric, rows in by_metric.items():
        places = partition(rows, lambda row: (str(row["transfer"]), str(row["backbone"])))
        for (transfer, backbone), there in places.items():
            number += 1
            for (setting, episodic), own in partition(there, lambda row: (row["setting"], is_episodic(row))).items():
                # Numbered, since two names may differ only in what a file name cannot hold.
                parts = [str(number), file_name(transfer), file_name(backbone)]
                parts += [str(setting)] if setting != "inductive" else []
                parts += ["episodes"] if episodic else []
                found += _of_place(metric, "-".join(parts), own, seconds, style)
    return found


def _of_place(
    metric: str, name: str, rows: list[Any], seconds: dict[tuple[str, ...], float], style: dict[str, Look]
) -> list[Chart]:
    """Return the charts of comparable rows: curves of families with several budgets, a plot for each other budget."""
    compared = [row for row in rows if not row["is_baseline"]] or rows
    families = partition(compared, lambda row: row["family"])
    curved = [family for family, own in families.items() if len({row["budget"] for row in own}) > 1]
    found: list[Chart | None] = [label_curve(metric, name, rows, curved, style)] if curved else []
    others = partition((row for row in compared if row["family"] not in curved), lambda row: str(row["budget"]))
    for budget, own in others.items():
        ending = f"{name}-{file_name(budget)}" if curved or len(others) > 1 else name
        found.append(score_plot(metric, ending, _with_baselines(own, rows), style))
    found.append(cost_curve(metric, name, rows, seconds, style))
    return [chart for chart in found if chart is not None]


def _with_baselines(rows: list[Any], there: list[Any]) -> list[Any]:
    """Return rows of one budget, after the baselines of that budget that others of their place are compared with."""
    wanted = {(row["baseline"], row["budget"]) for row in rows}
    baselines = [row for row in there if row["is_baseline"] and (row["strategy"], row["budget"]) in wanted]
    return [row for row in baselines if row not in rows] + rows
