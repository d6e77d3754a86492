"""Define one Parquet file of a table of images: its rows, and the images within them, read a piece at a time."""

import json
import math
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tlbench import DataError, shown
from tlbench_datasets.place import reason
from tlbench_datasets.tables.base64_cell import embedded_bytes, is_embedded
from tlbench_datasets.tables.table_file import Record, tidy
from tlbench_datasets.tables.table_rows import split_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_ROWS_AT_ONCE = 10_000
_IMAGES_AT_ONCE = 32
_BUFFER = 2**20  # bytes read ahead; without it a column of a row group is read as a whole


class Shard:
    """Describe one Parquet file. Each reading opens it anew: threads and forked processes share nothing."""

    def __init__(self, path: Path, name: str, place: str) -> None:
        self._path = path
        self.name = name
        self._place = f"{place}: '{shown(name)}'" if name else place
        self._prefix = f"{name} row " if name else "row "
        self.split = _split_of(name)
        status = self._guarded(path.stat)
        self.stamp: tuple[Hashable, ...] = (str(path), status.st_size, status.st_mtime_ns)

    @cached_property
    def _schema(self) -> "pa.Schema":
        with self._opened() as file:
            return file.schema_arrow

    @property
    def header(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._schema.names)

    def records(self, image: str, columns: Sequence[str]) -> Iterator[Record]:
        """Yield the rows with their values in these columns, which may repeat; no image is read for it."""
        distinct = list(dict.fromkeys(columns))
        for name in (image, *distinct):
            self._require(name)
        kind = _image_kind(self._schema.field(image).type, image, self._place)
        names = {name: _class_names(self._schema, name) for name in distinct}
        paths = {"text": [image], "struct": _path_column(self._schema, image), "bytes": []}
        row = 0
        with self._opened() as file:
            for group in range(file.num_row_groups):
                present = self._present(file, group, image) if kind != "text" else None
                inside = 0
                for batch in self._batches(file, [group], [*paths[kind], *distinct], _ROWS_AT_ONCE):
                    values = {name: self._texts(batch.column(name), name, names[name]) for name in distinct}
                    texts = self._paths(batch, image, kind)
                    for at in range(batch.num_rows):
                        told = tuple(values[name][at] for name in columns)
                        embedded = present[inside + at] if present is not None else is_embedded(texts[at] or "")
                        key = f"{self._prefix}{row + at}"
                        yield Record(key, key if embedded else texts[at], embedded, told, split=self.split)
                    inside += batch.num_rows
                    row += batch.num_rows

    def images(self, image: str) -> Iterator[tuple[str, bytes]]:
        """Yield the images that are in the file, by the names of their rows."""
        kind = _image_kind(self._schema.field(image).type, image, self._place)
        column = f"{image}.bytes" if kind == "struct" else image
        row = 0
        with self._opened() as file:
            for batch in self._batches(file, range(file.num_row_groups), [column], _IMAGES_AT_ONCE):
                values = batch.column(0)
                values = values.field("bytes") if kind == "struct" else _plain(values)
                for at, value in enumerate(values):
                    data = value.as_py()
                    if kind == "text":
                        data = embedded_bytes(data.strip()) if data and is_embedded(data.strip()) else None
                    if data is not None:
                        yield f"{self._prefix}{row + at}", data
                row += batch.num_rows

    def _present(self, file: "parquet.ParquetFile", group: int, image: str) -> list[bool]:
        """Tell which rows of a row group hold bytes, from the file's own statistics where they say so."""
        meta = file.metadata.row_group(group)
        struct = _image_kind(self._schema.field(image).type, image, self._place) == "struct"
        column = f"{image}.bytes" if struct else image
        chunks = (meta.column(index) for index in range(meta.num_columns))
        told = next((chunk.statistics for chunk in chunks if chunk.path_in_schema == column), None)
        if told is not None and told.has_null_count and told.null_count in (0, meta.num_rows):
            return [told.null_count == 0] * meta.num_rows
        present: list[bool] = []
        for batch in self._batches(file, [group], [column], _IMAGES_AT_ONCE):
            values = batch.column(0)
            present += (values.field("bytes") if struct else values).is_valid().to_pylist()
        return present

    def _paths(self, batch: "pa.RecordBatch", image: str, kind: str) -> list[str | None]:
        if kind == "text":
            cells = _plain(batch.column(image)).to_pylist()
        elif kind == "struct" and image in batch.schema.names:
            cells = batch.column(image).field("path").to_pylist()
        else:
            cells = []
        return [cell.strip() or None if cell else None for cell in cells] or [None] * batch.num_rows

    def _texts(self, values: "pa.Array", name: str, names: Sequence[str]) -> list[str | None]:
        """Return a column's values as texts; whole numbers that stand as floats lose their `.0`."""
        import pyarrow as pa

        values = _plain(values)
        kind = values.type
        if pa.types.is_nested(kind) or _is_binary(kind):
            raise DataError(f"{self._place}: column '{shown(name)}' holds {kind}, not one number or text per row.")
        cells = values.to_pylist()
        if names:
            return [self._named(cell, name, names) for cell in cells]
        if pa.types.is_floating(kind):
            cells = [
                None if cell is None or cell != cell else int(cell) if cell == int(cell) else cell for cell in cells
            ]
        return [None if cell is None else tidy(str(cell)) for cell in cells]

    def _named(self, cell: int | None, name: str, names: Sequence[str]) -> str | None:
        if cell is None or cell == -1:  # Hugging Face's way to say that there is no label
            return None
        if not 0 <= cell < len(names):
            raise DataError(
                f"{self._place}: column '{shown(name)}' has the label {cell}, and {len(names)} names of labels."
            )
        return tidy(names[cell])

    def _require(self, name: str) -> None:
        if name not in self._schema.names:
            raise DataError(f"{self._place} lacks the column '{shown(name)}'. Give all files the same columns.")

    def _opened(self) -> "parquet.ParquetFile":
        from pyarrow import parquet

        return self._guarded(lambda: parquet.ParquetFile(self._path, buffer_size=_BUFFER))

    def _batches(
        self, file: "parquet.ParquetFile", groups: Sequence[int], columns: list[str], size: int
    ) -> Iterator["pa.RecordBatch"]:
        batches = file.iter_batches(batch_size=size, row_groups=list(groups), columns=columns, use_threads=False)
        while (batch := self._guarded(lambda: next(batches, None))) is not None:
            yield batch

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """Run a step of pyarrow's; whatever it raises on a damaged file becomes one DataError."""
        import pyarrow as pa

        try:
            return step()
        except (pa.ArrowException, OSError, ValueError) as error:
            if "magic bytes" in str(error) or "Parquet file size is" in str(error):
                raise DataError(f"{self._place} is no Parquet file, or cut off.{_instead(self._path)}") from None
            raise DataError(f"{self._place} cannot be read: {reason(error)}. Copy it again.") from None


def _image_kind(kind: "pa.DataType", name: str, place: str) -> str:
    """Return `text`, `bytes` or `struct` for a column of images; raise DataError for any other type."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if _is_binary(kind):
        return "bytes"
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and _is_binary(kind.field("bytes").type):
        return "struct"
    raise DataError(
        f"{place}: column '{shown(name)}' holds {kind}; images are paths, bytes, or {{bytes, path}}. "
        "Name another by ?image=COLUMN."
    )


def _is_binary(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in kinds)


def _whole(value: float | None) -> float | None:
    """Return a whole number as int, as numbers beside gaps are stored as floats; None for NaN."""
    if value is None or math.isnan(value):
        return None
    return int(value) if float(value).is_integer() else value


def _path_column(schema: "pa.Schema", image: str) -> list[str]:
    """Return the column of the paths in {bytes, path}, where there is one."""
    import pyarrow as pa

    kind = schema.field(image).type
    if not pa.types.is_struct(kind) or kind.get_field_index("path") < 0:
        return []
    inner = kind.field("path").type
    return [f"{image}.path"] if pa.types.is_string(inner) or pa.types.is_large_string(inner) else []


def _plain(values: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _class_names(schema: "pa.Schema", column: str) -> tuple[str, ...]:
    """Return the names that Hugging Face's `datasets` keeps for the numbers of a column, where it wrote the file."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return ()
    try:
        feature = json.loads(text)["info"]["features"][column]
        names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _instead(path: Path) -> str:
    name = path.name.lower()
    if name.endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz")):
        return f" Write csv:{shown(str(path))}."
    return " Copy it again."


def _split_of(name: str) -> str:
    """Return the split in `train-00000-of-00002.parquet` or `test/0000.parquet`, or nothing where there is none."""
    parts = [*PurePosixPath(name).parent.parts, re.split(r"[-_.]", PurePosixPath(name).name)[0]]
    return next((split for part in reversed(parts) if (split := split_of(part))), "")
