"""Put the raw data into the page: CSV files, compressed, in pieces that can be read one at a time."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports.table_csv import CsvTable, csv_tables

if TYPE_CHECKING:
    from tlbench import Results

PIECE = 1000  # records in a piece: what is unpacked to show those of one row


@dataclass(frozen=True)
class Table:
    """Hold a CSV file as the page has it."""

    name: str
    lines: int  # without the header
    letters: int
    kinds: tuple[str, ...]  # of each column: `number`, `flag` or `text`
    pieces: tuple[str, ...]  # gzip, base64; joined they are the file; the header stands alone in the first


def tables(results: "Results") -> list[Table]:
    """Return the records, the summaries and the costs as CSV, the very same as the reporter `csv` writes."""
    return [_packed_table(f"{name}.csv", table) for name, table in csv_tables(results).items()]


def packed(text: str) -> str:
    """Return a text as gzip in base64: the same text gives the same letters, and none that HTML minds."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)).decode("ascii")


def packed_json(value: Any) -> str:
    """Return a JSON value the same way."""
    return packed(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _packed_table(name: str, table: CsvTable) -> Table:
    header, *lines = _records(table.text, table.rows)
    pieces = [header, *("".join(lines[i : i + PIECE]) for i in range(0, len(lines), PIECE))]
    with ThreadPoolExecutor() as pool:  # compressing lets other threads work
        return Table(name, len(lines), len(table.text), table.kinds, tuple(pool.map(packed, pieces)))


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
