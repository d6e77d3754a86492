"""Write records as event files that TensorBoard reads."""

import io
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from tlbench import ParameterError, Record, hookimpl
from tlbench_tracking.facts import numbers, record_digest, row_digest
from tlbench_tracking.place import require, writable_folder

HYPERPARAMETERS = ("strategy", "family", "setting", "backbone", "transfer", "source", "budget", "seed")


def open_tensorboard(place: str, plan) -> "EventFiles":
    """Return an observer that writes to a folder; raises TlbenchError where that cannot be."""
    require("tensorboard", "tensorboard")
    if "://" in place:
        raise ParameterError(f"tracker 'tensorboard' writes to a folder, not to {place!r}. Write tensorboard:FOLDER.")
    folder = writable_folder("tensorboard", place)
    _summaries()  # a broken installation is known before anything runs
    return EventFiles(folder)


class EventFiles:
    """Write an event file per cell into FOLDER/strategy/backbone/transfer/budget.

    The replicate is the step. Each file appears whole, under a name that holds the cell and a digest of its record:
    what is there is not written again, and a cell that was run anew takes the place of its old record.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @hookimpl
    def tlbench_cell_finished(self, cell, record: Record) -> None:
        """Write a record, unless it is there."""
        folder = self.folder.joinpath(*run_parts(record))
        folder.mkdir(parents=True, exist_ok=True)
        ending = f"{record.cell}.{record_digest(record)}"
        earlier = sorted(folder.glob(f"events.out.tfevents.*.{record.cell}.*"))
        if any(path.name.endswith(ending) for path in earlier):
            return
        temporary = folder / f".tlbench-{os.getpid()}.tmp"  # no name that TensorBoard reads
        temporary.write_bytes(_events(record))
        # TensorBoard reads on by name and never goes back, so names grow with time.
        os.replace(temporary, folder / f"events.out.tfevents.{time.time_ns():020d}.{ending}")
        for path in earlier:
            path.unlink()


def run_parts(record: Record) -> tuple[str, ...]:
    """Return the folders of a record's row; six digits keep apart rows that differ in what no name shows."""
    labels = record.labels
    source = f" from {labels['source']}" if labels["source"] else ""
    names = (labels["strategy"], labels["backbone"], f"{labels['transfer']}{source}", labels["budget"])
    parts = [re.sub(r"[^\w.()=,+-]+", "-", str(name))[:100].strip("-.") or "-" for name in names]
    return (*parts[:3], f"{parts[3]}.{row_digest(record)}")


def _events(record: Record) -> bytes:
    """Return the content of an event file."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    now, step, buffer = time.time(), int(record.labels["replicate"]), io.BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
    for summary in _contents(record):
        writer.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())
    return buffer.getvalue()


def _contents(record: Record) -> Iterator[object]:
    """Yield a record's scalars, hyper-parameters and texts as summaries."""
    scalar, text, hyperparameters = _summaries()
    for name, value in numbers(record).items():
        yield scalar(name, value)
    shown = {key: record.labels[key] for key in HYPERPARAMETERS if record.labels[key] != ""}
    yield hyperparameters(shown, trial_id="/".join(run_parts(record)))
    if record.failure:
        yield text("failure", f"{record.failure.kind}: {record.failure.message}")
    # Scalars are kept in single precision; this is the record to the last digit.
    yield text("record", json.dumps(record.to_json(), indent=1, sort_keys=True, ensure_ascii=False))


def _summaries():
    """Return the makers of summaries: of a scalar, a text, and hyper-parameters."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    return (
        lambda name, value: Summary(value=[Summary.Value(tag=name, simple_value=value)]),
        text_pb,
        hparams_pb,
    )
