"""Draw all charts of a report, and write their files."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tlbench import MANY_RECORDS, ROW, read_stamp, side_by_side
from tlbench_reports.atomic import write_bytes
from tlbench_reports.budget_chart import NAMED, budget_charts, has_budget_chart
from tlbench_reports.calibration_plot import calibration_plot
from tlbench_reports.confusion_plot import confusion_plot
from tlbench_reports.cost_curve import OTHERS, TRAINING, Amounts, Cost, amounts, cost_curve, cost_panels
from tlbench_reports.critical_difference import critical_difference
from tlbench_reports.difference_forest import difference_forest
from tlbench_reports.drawing import Chart, Look, looks, render
from tlbench_reports.embedding_view import embedding_view
from tlbench_reports.heat_map import heat_maps
from tlbench_reports.leading import relabelled
from tlbench_reports.measure import named
from tlbench_reports.once import once
from tlbench_reports.performance_profile import performance_profile
from tlbench_reports.rank_plot import rank_plot
from tlbench_reports.rows import SETTINGS, cost_rows, is_episodic, partition, summary_rows
from tlbench_reports.score_plot import score_plot
from tlbench_reports.selection_plot import selection_plot
from tlbench_reports.tuning_curve import tuning_curve
from tlbench_reports.words import file_name, known, plain

if TYPE_CHECKING:
    from tlbench import Results

FORMATS = ("png", "svg")
# Of results from LARGE on there is but one chart of a kind: others would say the same.
PLACES = 8  # transfers and backbones with charts of their own, and fewer where these have many rows
MAPS = 8  # heat maps
ROWS = 200  # of all of them, but for the first
DETAILED = 2  # of these, those with calibration, confusions and embeddings
_OF_TRIALS = "accuracy"
COMPARISONS = 2  # label budgets that are compared over all datasets


def write(results: "Results", folder: Path) -> list[Path]:
    """Write every chart as SVG and PNG into charts/; charts of an earlier report that are no more are deleted."""
    earlier = _written(folder)
    paths: list[Path] = []
    every = charts(results)
    pictures = side_by_side(lambda part: [render(chart, *FORMATS) for chart in part], every)
    for chart, contents in zip(every, pictures, strict=True):
        for file_format, content in zip(FORMATS, contents, strict=True):
            paths.append(write_bytes(folder / "charts" / f"{chart.name}.{file_format}", content))
    for path in earlier.difference(paths):
        path.unlink(missing_ok=True)
    return paths


def _written(folder: Path) -> set[Path]:
    """Return the charts that the last report wrote, by its own list: a user's files are none of ours."""
    names = read_stamp(folder).files
    return {folder / name for name in names if PurePosixPath(name).parent == PurePosixPath("charts")}


@once
def charts(results: "Results") -> list[Chart]:
    """Return who leads at which label budget, what compares all datasets, then the charts of each of these.

    What may not be compared is in charts of its own: settings, metrics, and label budgets and episodes. The charts
    are few whatever the results: captions say what was left out.
    """
    return list(_charts(results))


def _charts(results: "Results") -> Iterator[Chart]:
    by_metric = {metric: summary_rows(results, metric) for metric in results.primaries}
    is_large = len(results.records) >= MANY_RECORDS
    drawn = {metric: list(_places(rows, 1 if is_large else PLACES)) for metric, rows in by_metric.items()}
    every = [row for places in drawn.values() for parts in places for rows in parts for row in rows]
    style = looks(every)
    kinds = {cost: amounts(cost_rows(results), cost) for cost in (TRAINING, *OTHERS)}
    for metric in by_metric:
        yield from budget_charts(results, metric, style, 1 if is_large else PLACES)
    for metric in by_metric:
        yield from _over_datasets(results, metric, 1 if is_large else COMPARISONS, style)
    for metric, rows in by_metric.items():
        yield from heat_maps(results, metric, rows, 1 if is_large else MAPS)
    number = 0
    for metric, rows in by_metric.items():
        of = len({(row["transfer"], row["backbone"]) for row in rows})
        for parts in drawn[metric]:
            number += 1
            for position, own in enumerate(parts):
                first = own[0]
                # Numbered, since two names may differ only in what a file name cannot hold.
                name = [str(number), file_name(str(first["transfer"])), file_name(str(first["backbone"]))]
                name += [str(first["setting"])] if first["setting"] != SETTINGS[0] else []
                name += ["episodes"] if is_episodic(first) else []
                detailed = number <= DETAILED and position == 0
                for chart in _of_place(results, metric, "-".join(name), own, kinds, style, detailed):
                    yield _noting(chart, of - len(drawn[metric]), of)


def _places(rows: list[Any], most: int) -> Iterator[list[list[Any]]]:
    """Yield the rows of the first transfers and backbones, each taken apart into what may be compared."""
    places = partition(rows, lambda row: (str(row["transfer"]), str(row["backbone"])))
    so_far = 0
    for there in list(places.values())[:most]:
        so_far += len(there)
        if so_far > max(ROWS, len(there)):
            return
        parts = partition(there, lambda row: (row["setting"], is_episodic(row)))
        yield [relabelled(own) for own in parts.values()]


def _of_place(
    results: "Results",
    metric: str,
    name: str,
    rows: list[Any],
    costs: Mapping[Cost, Amounts],
    style: dict[str, Look],
    detailed: bool,
) -> Iterator[Chart]:
    """Yield the charts of comparable rows; their scores where no chart by label budget has them."""
    shown = named(metric, results.higher_is_better(metric))
    budgets = partition(rows, lambda row: str(row["budget"]))
    drawn = has_budget_chart(rows)
    for budget, own in budgets.items():
        if not drawn or len({row["label"] for row in own}) > NAMED:  # beyond these a chart by label budget is pale
            yield score_plot(shown, f"{name}-{file_name(budget)}" if len(budgets) > 1 else name, own, style)
    found = [
        difference_forest(shown, name, rows, style),
        cost_curve(shown, name, rows, costs[TRAINING], style),
        cost_panels(shown, name, rows, {cost: costs[cost] for cost in OTHERS}, style),
    ]
    if not results.is_of_clusters(metric):
        found.append(tuning_curve(results, name, _by_accuracy(results, rows), style))
        found.append(selection_plot(results, name, rows[0]) if _is_plain(rows[0]) else None)
    if not results.is_of_clusters(metric) and detailed:
        episodic = is_episodic(rows[0])
        found.append(calibration_plot(results, name, rows, style))
        found.append(confusion_plot(results, name, rows) if not episodic else None)
        found.append(embedding_view(results, name, rows) if not episodic else None)
    yield from (chart for chart in found if chart is not None)


def _by_accuracy(results: "Results", rows: list[Any]) -> list[Any]:
    """Return rows with the mean accuracy in the place of another metric's: trials know no other."""
    if all(row["metric"] == _OF_TRIALS or not known(row["tuned"]) for row in rows):
        return rows
    means = {tuple(row[column] for column in ROW): row["mean"] for row in summary_rows(results, _OF_TRIALS)}
    alike = {"metric": _OF_TRIALS, "lower_is_better": False}
    return [{**row, **alike, "mean": means.get(tuple(row[column] for column in ROW))} for row in rows]


def _over_datasets(results: "Results", metric: str, most: int, style: dict[str, Look]) -> Iterator[Chart]:
    """Yield the charts of the comparisons over most datasets."""
    every = results.across(metric)
    chosen = sorted(every, key=lambda across: (len(across.blocks), len(across.candidates)), reverse=True)[:most]
    for across in (each for each in every if each in chosen and len(each.candidates) > 1):
        others = [
            {"label": name, "family": "", "is_baseline": False, "upper_bound": False} for name in across.candidates
        ]
        own = looks(others) | style
        name = file_name(str(across.budget)) + (f"-{across.setting}" if across.setting != SETTINGS[0] else "")
        name = name if metric == results.metric else f"{name}-{file_name(metric)}"
        where = f"label budget {plain(across.budget)}" + (
            f", {plain(across.setting)}" if across.setting != SETTINGS[0] else ""
        )
        found = [
            rank_plot(across, name, where, own),
            critical_difference(across, name, where, own),
            performance_profile(across, name, where, own),
        ]
        for chart in found:
            if chart is not None:
                yield _noting(chart, len(every) - len(chosen), len(every), "comparisons over datasets")


def _noting(chart: Chart, left_out: int, of: int, what: str = "transfers and backbones") -> Chart:
    """Say in a caption how many of its like there are without a chart."""
    if left_out <= 0:
        return chart
    said = f" Charts are drawn of {of - left_out} of {of:,} {what}; tables/summary.csv has all."
    return replace(chart, caption=chart.caption + said)


def _is_plain(row: Any) -> bool:
    return row["setting"] == SETTINGS[0] and not is_episodic(row)
