"""The results as CSV files: what was measured, what it amounts to, and what it cost."""

from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.words import file_name, plain

if TYPE_CHECKING:
    from pandas import DataFrame

    from tlbench import Results

_WHERE = ("cell", "strategy", "backbone", "transfer", "budget", "replicate")
_COUNTS = ("train_labels", "val_labels", "unlabelled_target", "source_labels", "further_labels", "episodes")
# What differs when the same cells are run again, or are run by another machine.
_COSTS = (
    "fit_seconds",
    "prepare_seconds",
    "predict_seconds",
    "parameters_trained",
    "parameters_stored",
    "peak_memory_bytes",
    "flops_per_example",
    "device",
)


def write(results: "Results", folder: Path) -> list[Path]:
    """Write results.csv and costs.csv, a line for each cell, and summary.csv, a line for each strategy's mean.

    Clusterings, whose scores mean something else, have a summary of their own with the metric in its name. Costs
    have a file of their own so that the others are the same bytes whenever the same cells are run.
    """
    frame = results.frame()
    frame["message"] = frame["message"].map(plain, na_action="ignore")
    for column in _COUNTS:
        frame[column] = frame[column].astype("Int64")  # whole numbers stay whole where failures leave gaps
    costs = [column for column in _COSTS if column in frame]
    where = [column for column in _WHERE if column in frame]
    tables = folder / "tables"
    return [
        write_text(tables / "costs.csv", _csv(frame[[*where, *costs]])),
        *(_summary(results, metric, tables) for metric in results.primaries),
        write_text(tables / "results.csv", _csv(frame.drop(columns=costs))),
    ]


def _summary(results: "Results", metric: str, folder: Path) -> Path:
    summary = results.summary(metric)
    for column in _COUNTS:
        summary[column] = summary[column].astype("Int64")
    if not results.is_of_clusters(metric):
        return write_text(folder / "summary.csv", _csv(summary))
    summary = summary.rename(columns={"mean": metric})
    return write_text(folder / f"summary-{file_name(metric)}.csv", _csv(summary))


def _csv(frame: "DataFrame") -> str:
    return str(frame.to_csv(index=False, lineterminator="\n"))
