"""Store one JSON record per cell in a results folder, its test logits beside it, each written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract import SCHEMA, Predictions, Record, Round, kept, read_kept
from tlbench.errors import StoreError
from tlbench.files import write_atomically
from tlbench.names import some

MARKER = "tlbench.json"

USUAL = Path("tlbench-results")  # holds the results folders of runs without --out


def where_results_are() -> str:
    """Return a sentence on the results folders that lie here: what was named may be a folder of data."""
    here = sorted(str(path.parent) for path in USUAL.glob(f"*/{MARKER}"))
    return f"There are: {some(here)}." if here else f"`tlbench run` makes one, in {USUAL} unless told otherwise."


class Store:
    """Read and write one results folder.

    The logits are written first and the record last: a record that exists is complete, whatever was killed.
    """

    def __init__(self, folder: Path, create: bool = False) -> None:
        self.folder = folder
        self.records_folder = folder / "records"
        if create:
            self._create()
        elif not (folder / MARKER).is_file():
            raise StoreError(f"{folder} is not a results folder: it holds no {MARKER}. {where_results_are()}")
        self._refuse_newer()

    def _create(self) -> None:
        try:
            self.records_folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / MARKER).exists():
                write_atomically(self.folder / MARKER, _json({"schema": SCHEMA}))
            probe = self.records_folder / f".write-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"cannot write to the output folder {self.folder}: {error.strerror or error}. Give another with --out."
            ) from None

    def _refuse_newer(self) -> None:
        schema = self._read_json(self.folder / MARKER).get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise StoreError(
                f"{self.folder} was written with schema {schema}; this tlbench reads up to {SCHEMA}. Upgrade tlbench."
            )

    def enter_round(self, held: Round | None) -> None:
        """Keep the round that records are made for; raise StoreError where the folder is of another, or of none."""
        path = self.folder / "round.json"
        there = read_kept(Round, path) if path.exists() else None
        if there == held:
            return
        if there is not None:
            ours = "none" if held is None else repr(held.name)
            raise StoreError(
                f"{self.folder} holds results of the round {there.name!r}, and these would be of {ours}. Give another "
                f"folder with --out."
            )
        if held is not None:
            if self.cells():
                raise StoreError(f"{self.folder} holds results of no round. Give another folder with --out.")
            write_atomically(path, kept(held))

    def remove_leftovers(self) -> None:
        """Delete temporary files of processes that were killed while writing."""
        for folder in (self.folder, self.records_folder):
            for path in folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)

    def _path(self, cell: str) -> Path:
        return self.records_folder / f"{cell}.json"

    def has(self, cell: str) -> bool:
        """Tell whether a cell's record is there, be it a success or a failure."""
        return self._path(cell).exists()

    def cells(self) -> set[str]:
        """Return the ids of all stored cells, in one look at the folder."""
        return {entry.name[:-5] for entry in os.scandir(self.records_folder) if entry.name.endswith(".json")}

    def write(self, record: Record, predictions: Predictions | None = None) -> Record:
        """Store a record with its predictions and the digests of both; return it as it is stored."""
        digests = {}
        if predictions is not None:
            from safetensors.numpy import save

            arrays = {key: value for key, value in vars(predictions).items() if isinstance(value, np.ndarray)}
            arrays["episodes"] = np.array([predictions.episodes])
            data = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
            write_atomically(self._path(record.cell).with_suffix(".safetensors"), data)
            digests["predictions"] = hashlib.sha256(data).hexdigest()
        digests["record"] = record.digest()
        stored = replace(record, digests=digests)
        write_atomically(self._path(record.cell), _json(stored.to_json()))
        return stored

    def read(self, cell: str, parse: Callable[[bytes], Any] = json.loads) -> Record:
        """Return a stored record; raise StoreError where it is damaged or newer than this tlbench.

        `parse` returns the JSON value of a file's content, and raises ValueError where it is none.
        """
        path = self._path(cell)
        data = self._read_json(path, parse)
        schema = data.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise StoreError(f"{path} has schema {schema}; this tlbench reads up to {SCHEMA}. Upgrade tlbench.")
        try:
            return Record.from_json(data)
        except TypeError as error:
            raise StoreError(f"{path} is not a record: {error}. Delete it and run again.") from None

    def predictions(self, cell: str) -> Predictions:
        """Return the stored predictions of a cell."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = self._path(cell).with_suffix(".safetensors")
        try:
            arrays = load_file(path)
            episodes = int(arrays.pop("episodes", np.ones(1))[0])
            return Predictions(arrays.pop("logits"), arrays.pop("labels"), episodes, **arrays)
        except (OSError, KeyError, TypeError, SafetensorError) as error:
            raise StoreError(
                f"cannot read the predictions {path}: {error}. Delete {path.stem}.json too and rerun."
            ) from None

    def records(self) -> Iterator[Record]:
        """Yield all records in the order of their ids."""
        for cell in sorted(self.cells()):
            yield self.read(cell)

    def write_splits(self, digest: str, text: str) -> None:
        """Keep a split table under the beginning of its digest, so that results hold what they were made by."""
        path = self.folder / "splits" / f"{digest[:20]}.csv"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, text.encode())

    def write_plan(self, summary: Mapping[str, Any]) -> None:
        """Store what was planned: the suite, skips with their reasons, findings and warnings."""
        write_atomically(self.folder / "plan.json", _json(summary))

    def write_warnings(self, heard: Mapping[str, int]) -> None:
        """Keep what libraries warned of outside of cells in `warnings.txt`, with how often; of the last run alone."""
        path = self.folder / "warnings.txt"
        if heard:
            write_atomically(path, "".join(f"{count} x {text}\n" for text, count in heard.items()).encode())
        else:
            path.unlink(missing_ok=True)

    def read_plan(self) -> dict[str, Any]:
        """Return what the last run planned; empty where there was none."""
        path = self.folder / "plan.json"
        return self._read_json(path) if path.exists() else {}

    def _read_json(self, path: Path, parse: Callable[[bytes], Any] = json.loads) -> dict[str, Any]:
        try:
            with open(path, "rb", buffering=0) as file:  # a path opens slower, which counts over many records
                data = parse(file.read())
        except (OSError, ValueError) as error:
            raise StoreError(f"cannot read {path}: {error}.") from None
        if not isinstance(data, dict):
            raise StoreError(f"{path} holds no JSON object.")
        return data


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
