"""The raw data inside the page: CSV files, compressed, in pieces that can be read one at a time."""

import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports import table_csv

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from tlbench import Results

PIECE = 1000  # records in a piece: what is unpacked to show those of one row


@dataclass(frozen=True)
class Table:
    """A CSV file as the page holds it."""

    name: str
    lines: int  # without the header
    letters: int
    kinds: tuple[str, ...]  # of each column: `number`, `flag` or `text`
    pieces: tuple[str, ...]  # gzip, base64; joined they are the file; the header stands alone in the first


def tables(results: "Results") -> list[Table]:
    """Return the records, the summaries and the costs as CSV, the very same as the reporter `csv` writes."""
    frame = results.frame()
    costs = frame[[column for column in (*table_csv._WHERE, *table_csv._COSTS) if column in frame]]
    frames = {"results": table_csv.results_frame(results), **table_csv.summary_frames(results), "costs": costs}
    return [_table(f"{name}.csv", frame) for name, frame in frames.items()]


def packed(text: str) -> str:
    """Return a text as gzip in base64: the same text gives the same letters, and none that HTML minds."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)).decode("ascii")


def packed_json(value: Any) -> str:
    """Return a JSON value the same way."""
    return packed(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _table(name: str, frame: "DataFrame") -> Table:
    text = table_csv._csv(frame)
    header, *lines = _records(text, len(frame))
    pieces = [header, *("".join(lines[i : i + PIECE]) for i in range(0, len(lines), PIECE))]
    kinds = tuple(_kind(frame[column]) for column in frame)
    return Table(name, len(lines), len(text), kinds, tuple(map(packed, pieces)))


def _records(text: str, rows: int) -> list[str]:
    """Return the header and the records of a CSV file; what stands in quotes may hold line ends."""
    lines = text.splitlines(keepends=True) if text.count("\n") == rows + 1 and text.isascii() else []
    if len(lines) == rows + 1:
        return lines
    found, held = [], ""
    for line in text.split("\n")[:-1]:
        held += line + "\n"
        if held.count('"') % 2 == 0:
            found.append(held)
            held = ""
    return found


def _kind(column: "Series[Any]") -> str:
    """Return what all values of a column are, those that are missing aside."""
    if column.dtype != object:
        dtype = column.dtype.kind if hasattr(column.dtype, "kind") else ""
        return "flag" if dtype == "b" else "number" if dtype in "iuf" else "text"
    kinds = {type(value).__name__ for value in column[column.notna()]}
    if kinds and kinds <= {"bool", "bool_"}:
        return "flag"
    return "number" if kinds and kinds <= {"int", "float"} else "text"
