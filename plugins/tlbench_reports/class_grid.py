"""Make the table of classes of the page: how each row does on each class."""

from typing import TYPE_CHECKING, Any

from tlbench import ROW
from tlbench_reports.grid import Grid, number_column, text_column
from tlbench_reports.once import once
from tlbench_reports.rows import Group, groups, summary_rows
from tlbench_reports.words import NOTHING, interval, known, number, plain

if TYPE_CHECKING:
    from pandas import DataFrame

    from tlbench import Results

MOST = 5_000  # lines on the page


@once
def class_frame(results: "Results") -> "DataFrame":
    """Return what `Results.by_class` does; empty where a file of predictions cannot be read."""
    from tlbench import TlbenchError

    try:
        return results.by_class()
    except TlbenchError:
        import pandas

        return pandas.DataFrame()


def class_grid(results: "Results") -> Grid | None:
    """Return the table, a line for each row and class; None where there is none, or it would be too long."""
    frame = class_frame(results)
    labelled = [metric for metric in results.primaries if not results.is_of_clusters(metric)]
    if not 0 < len(frame) <= MOST or not labelled:
        return None
    lines: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in frame.to_dict("records"):
        lines.setdefault(_key(line), []).append({str(name): value for name, value in line.items()})
    found: list[Group] = groups(summary_rows(results, labelled[0]))
    shown = [
        (place, row.name, line)
        for place, group in enumerate(found)
        for row in group.rows
        for line in lines.get(_key(row.values), ())
    ]
    own = [line for _, _, line in shown]

    def numbers(key: str, title: str, texts: list[str]) -> Any:
        return number_column(key, title, texts, [line[key] for line in own])

    return Grid(
        "classes",
        "By class",
        "Recall, precision and F1 of each class, means over replicates; 95% t interval of the recall over these",
        (
            text_column("strategy", "strategy", [name for _, name, _ in shown]),
            text_column("class", "class", [plain(line["class"]) for line in own]),
            numbers("test_items", "test items", [f"{line['test_items']:,.4g}" for line in own]),
            numbers("recall", "recall", [number(line["recall"]) for line in own]),
            numbers("recall_low", "95% over replicates (t)", [_between(line) for line in own]),
            numbers("precision", "precision", [number(line["precision"]) for line in own]),
            numbers("f1", "F1", [number(line["f1"]) for line in own]),
        ),
        group_titles=tuple(group.title for group in found),
        groups=[place for place, _, _ in shown],
    )


def _key(row: Any) -> tuple[str, ...]:
    return tuple(str(row[column]) if known(row[column]) else "" for column in ROW)


def _between(line: dict[str, Any]) -> str:
    return interval(line["recall_low"], line["recall_high"], line["n"]) if known(line["recall"]) else NOTHING
