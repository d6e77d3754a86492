"""Write the results as Parquet files, for programs that read columns: what was measured, and what it amounts to."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench_reports.atomic import write_bytes
from tlbench_reports.table_csv import results_frame, summary_frames

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from tlbench import Results


def write(results: "Results", folder: Path) -> list[Path]:
    """Write results.parquet, a row for each record, and summary.parquet, a row for each strategy's mean.

    They have the columns and the names of the CSV files. Costs, which differ from run to run, are in costs.csv alone.
    """
    tables = folder / "tables"
    frames = {**summary_frames(results), "results": results_frame(results)}
    return [write_bytes(tables / f"{name}.parquet", parquet(frame)) for name, frame in frames.items()]


def parquet(frame: "DataFrame") -> bytes:
    """Return a frame as the bytes of a Parquet file, the same whenever the frame is."""
    import pyarrow
    from pyarrow.parquet import write_table

    columns = {str(name): _column(frame[name]) for name in frame.columns}
    table = pyarrow.table(columns)  # not from pandas, whose versions would be written into the file
    stream = BytesIO()
    write_table(table, stream, compression="zstd", store_schema=False)
    return stream.getvalue()


def _column(values: "Series[Any]") -> Any:
    """Return a column of one type: numbers and flags as they are, all else as text; what is missing is null."""
    import pyarrow
    from pandas import StringDtype
    from pandas.api import types

    if types.is_numeric_dtype(values.dtype):  # flags too
        return pyarrow.Array.from_pandas(values)
    if isinstance(values.dtype, StringDtype):
        return pyarrow.array(values.to_numpy(dtype=object, na_value=None), type=pyarrow.string())
    known = [None if gone else value for value, gone in zip(values, values.isna(), strict=True)]
    kinds = {type(value).__name__ for value in known if value is not None}
    if kinds and kinds <= {"bool", "bool_"}:
        return pyarrow.array([None if value is None else bool(value) for value in known], type=pyarrow.bool_())
    return pyarrow.array([None if value is None else str(value) for value in known], type=pyarrow.string())
