"""Read `parquet:PATH`: a table of images in a Parquet file, or in a folder of such files, one row each."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from tlbench import DataError, shown
from tlbench_datasets.listing import is_junk
from tlbench_datasets.place import found
from tlbench_datasets.tables.parquet_shard import Shard
from tlbench_datasets.tables.table import Table
from tlbench_datasets.tables.table_file import Record, TableFile


@dataclass(frozen=True)
class Parquet(Table):
    """Read a Parquet file or a folder of them: paths or images (bytes, or Hugging Face's {bytes, path}), and labels."""

    name: ClassVar[str] = "parquet"

    def _open(self) -> TableFile:
        path = self.path.expanduser()
        found(path, "parquet")
        return _ParquetFiles(path)


class _ParquetFiles:
    """One file, or the files of a folder in the order of their names; rows are numbered from 0, as pandas does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._absolute = path.resolve()  # the working folder may change later
        self._shards = self._found()

    @property
    def place(self) -> str:
        return f"parquet '{shown(str(self._path))}'"

    @property
    def folder(self) -> Path:
        return self._absolute if self._absolute.is_dir() else self._absolute.parent

    @property
    def header(self) -> tuple[str, ...]:
        return self._shards[0].header

    @property
    def split_by_name(self) -> bool:
        return all(shard.split for shard in self._shards)

    def records(self, image: str, columns: Sequence[str]) -> Iterator[Record]:
        for shard in self._shards:
            yield from shard.records(image, columns)

    def images(self, image: str) -> Iterator[tuple[str, bytes]]:
        for shard in self._shards:
            yield from shard.images(image)

    def stamp(self, row: str) -> Hashable:
        name = row.rpartition(" row ")[0]
        return (*self._stamps[name], row)

    @cached_property
    def _stamps(self) -> dict[str, tuple[Hashable, ...]]:
        return {shard.name: shard.stamp for shard in self._shards}

    def _found(self) -> list[Shard]:
        if not self._absolute.is_dir():
            return [Shard(self._absolute, "", self.place)]
        paths = sorted(
            path
            for path in self._absolute.rglob("*.parquet")
            if path.is_file() and not any(is_junk(part) for part in path.relative_to(self._absolute).parts)
        )
        if not paths:
            raise DataError(f"{self.place} holds no *.parquet files. Name a Parquet file, or a folder of them.")
        return [Shard(path, path.relative_to(self._absolute).as_posix(), self.place) for path in paths]
