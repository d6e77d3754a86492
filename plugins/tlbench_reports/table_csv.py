"""Write the results as CSV files: what was measured, what it amounts to, and what it cost."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import MANY_RECORDS, side_by_side
from tlbench_reports.atomic import write_text
from tlbench_reports.class_grid import class_frame
from tlbench_reports.once import once
from tlbench_reports.pairs import count_pairs
from tlbench_reports.words import file_name, plain

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from tlbench import Results

MOST_PAIRS = 100_000  # in a file, which has some 50 MB then
_WHERE = ("cell", "strategy", "backbone", "transfer", "budget", "replicate")
_COUNTS = (
    "train_labels", "val_labels", "unlabelled_target", "source_labels", "further_labels", "episodes", "needed",
    "test_in_train", "test_in_source", "test_in_upstream",
)  # fmt: skip
# What differs when the same cells are run again, or are run by another machine.
_COSTS = (
    "fit_seconds",
    "prepare_seconds",
    "tuning_seconds",
    "members_seconds",
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
    have a file of their own so that the others are the same bytes whenever the same cells are run. Where there are
    such comparisons, pairwise.csv has all pairs of rows, across.csv the ranks over all datasets, means.csv the means
    over all transfers, validators.csv how well rules without target labels choose and weights.csv what pretrained
    weights add; classes.csv has a line for each class of each row. Beyond 100,000 pairs `Results.pairwise` alone has
    them.
    """
    compared = {name: csv_text(frame) for name, frame in comparison_frames(results).items()}
    texts = {**compared, **{name: table.text for name, table in csv_tables(results).items()}}
    return [write_text(folder / "tables" / f"{name}.csv", text) for name, text in texts.items()]


@dataclass(frozen=True)
class CsvTable:
    """Hold a CSV file."""

    text: str
    rows: int  # without the header
    kinds: tuple[str, ...]  # of each column: `number`, `flag` or `text`


@once
def csv_tables(results: "Results") -> dict[str, CsvTable]:
    """Return the records, the summaries and the costs by the names of their files."""
    frame = results.frame()
    costs = frame[[column for column in (*_WHERE, *_COSTS) if column in frame]]
    frames = {"results": results_frame(results), **summary_frames(results), "costs": costs}
    least = 1 if len(frame) >= MANY_RECORDS else len(frames)
    tables = side_by_side(lambda part: list(map(_csv_table, part)), list(frames.values()), least)
    return dict(zip(frames, tables, strict=True))


def _csv_table(frame: "DataFrame") -> CsvTable:
    return CsvTable(csv_text(frame), len(frame), tuple(_kind(frame[column]) for column in frame))


def results_frame(results: "Results") -> "DataFrame":
    """Return a row for each record, without its costs."""
    frame = results.frame()
    frame["message"] = frame["message"].map(plain, na_action="ignore")
    return _counted(frame.drop(columns=[column for column in _COSTS if column in frame]))


def summary_frames(results: "Results") -> "dict[str, DataFrame]":
    """Return the summaries by the names of their files."""
    found = {}
    for metric in results.primaries:
        summary = _counted(results.summary(metric))
        if results.is_of_clusters(metric):
            found[f"summary-{file_name(metric)}"] = summary.rename(columns={"mean": metric})
        else:
            found["summary"] = summary
    return found


def comparison_frames(results: "Results") -> "dict[str, DataFrame]":
    """Return what rows, datasets and selection rules come to side by side, as far as there is something to compare."""
    import pandas

    found = {}
    for metric in results.primaries:
        ending = f"-{file_name(metric)}" if results.is_of_clusters(metric) else ""
        if count_pairs(results, metric) <= MOST_PAIRS:
            found[f"pairwise{ending}"] = _counted(results.pairwise(metric))
        ranks = [
            across.ranks.assign(setting=across.setting, budget=across.budget, blocks=len(across.blocks))
            for across in results.across(metric)
        ]
        found[f"across{ending}"] = pandas.concat(ranks, ignore_index=True) if ranks else pandas.DataFrame()
        found[f"means{ending}"] = results.mean_over_transfers(metric)
        found[f"weights{ending}"] = results.weights_gain(metric)
    found["validators"] = results.validators()
    found["classes"] = class_frame(results)
    return {name: frame for name, frame in found.items() if len(frame)}


def _counted(frame: "DataFrame") -> "DataFrame":
    """Keep whole numbers whole where failures leave gaps."""
    for column in _COUNTS:
        if column in frame:
            frame[column] = frame[column].astype("Float64").round().astype("Int64")
    return frame


def csv_text(frame: "DataFrame") -> str:
    """Return a frame as the text of a CSV file."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _kind(column: "Series[Any]") -> str:
    """Return what all values of a column are, those that are missing aside."""
    if column.dtype != object:
        dtype = column.dtype.kind if hasattr(column.dtype, "kind") else ""
        return "flag" if dtype == "b" else "number" if dtype in "iuf" else "text"
    kinds = {type(value).__name__ for value in column[column.notna()]}
    if kinds and kinds <= {"bool", "bool_"}:
        return "flag"
    return "number" if kinds and kinds <= {"int", "float"} else "text"
