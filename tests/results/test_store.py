"""A results folder keeps whole records, and says plainly what it cannot read."""

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from tlbench import Record
from tlbench.contract import Failure, Predictions
from tlbench.errors import StoreError
from tlbench.files import write_atomically
from tlbench.results import Store

RECORD = Record(
    cell="abc", identity={"seed": 0}, labels={"strategy": "scratch(lr=1)"},
    scores={"accuracy": 0.5, "nll": float("nan")},
    ledger={"train_labels": 4}, costs={"fit_seconds": 0.25}, notes={"é": [1, None]}, environment={"torch": "2"},
)  # fmt: skip
LOGITS, LABELS = np.array([[0.1, -2.0], [3.0, 4.0]], dtype=np.float32), np.array([1, 0])


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out", create=True)


def test_a_record_and_its_predictions_read_back_as_they_were(store):
    store.write(RECORD, Predictions(LOGITS, LABELS))
    again = Store(store.folder)
    read = again.read("abc")
    assert read.to_json() | {"scores": {}, "digests": {}} == RECORD.to_json() | {"scores": {}}
    assert (read.scores["accuracy"], np.isnan(read.scores["nll"])) == (0.5, True)
    found = again.predictions("abc")
    logits, labels = found.logits, found.labels
    assert (logits.dtype, labels.dtype) == (np.float32, np.int64)
    assert np.array_equal(logits, LOGITS)
    assert np.array_equal(labels, LABELS)
    assert again.has("abc")
    assert again.cells() == {"abc"}


def test_a_failure_is_a_record_of_its_own(store):
    failed = Record("f", {}, {}, {}, {}, {}, failure=Failure("OutOfMemory", "too much", "trace"))
    store.write(failed)
    assert replace(store.read("f"), digests={}) == failed
    assert not store.read("f").ok


def test_digests_tell_of_any_change_to_a_record_or_its_predictions(store):
    store.write(RECORD, Predictions(LOGITS, LABELS))
    read = store.read("abc")
    assert read.digests["record"] == read.digest()
    assert replace(read, scores={**read.scores, "accuracy": 0.6}).digest() != read.digest()
    data = (store.records_folder / "abc.safetensors").read_bytes()
    assert read.digests["predictions"] == hashlib.sha256(data).hexdigest()


def test_records_are_plain_json_that_other_programs_read(store):
    store.write(RECORD, Predictions(LOGITS, LABELS))
    stored = json.loads((store.records_folder / "abc.json").read_text(encoding="utf-8"))
    assert stored["schema"] == 1
    assert stored["notes"] == {"é": [1, None]}


def test_records_come_in_the_order_of_their_ids(store):
    for name in ("c", "a", "b"):
        store.write(Record(name, {}, {}, {}, {}, {}))
    assert [record.cell for record in store.records()] == ["a", "b", "c"]


def test_a_folder_that_is_no_results_folder_is_refused(tmp_path):
    with pytest.raises(StoreError, match=r"is not a results folder: it holds no tlbench.json"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="is not a results folder"):
        Store(tmp_path / "absent")


def test_a_folder_of_a_newer_schema_is_refused(store):
    (store.folder / "tlbench.json").write_text('{"schema": 99}')
    with pytest.raises(StoreError, match=r"was written with schema 99; this tlbench reads up to 1. Upgrade tlbench."):
        Store(store.folder)
    with pytest.raises(StoreError, match="schema 99"):
        Store(store.folder, create=True)


def test_a_record_of_a_newer_schema_is_refused(store):
    store.write(RECORD)
    path = store.records_folder / "abc.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(StoreError, match=r"abc.json has schema 2"):
        store.read("abc")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"cell": "abc", "sco', "cannot read .*abc.json"),
        ("", "cannot read .*abc.json"),
        ("[1]", "holds no JSON object"),
        ('{"schema": 1}', "is not a record"),
        ('{"schema": 1, "cell": "abc", "surprise": 1}', "is not a record.*surprise"),
        ("\\udcff{", "cannot read"),
    ],
)
def test_a_damaged_record_is_refused_in_one_line(content, message, store):
    (store.records_folder / "abc.json").write_text(content)
    with pytest.raises(StoreError, match=message) as caught:
        store.read("abc")
    assert "\n" not in str(caught.value)


def test_damaged_or_missing_predictions_are_refused_with_what_to_do(store):
    store.write(RECORD, Predictions(LOGITS, LABELS))
    path = store.records_folder / "abc.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(StoreError, match=r"Delete abc.json too and rerun"):
        store.predictions("abc")
    path.unlink()
    with pytest.raises(StoreError, match="cannot read the predictions"):
        store.predictions("abc")


def test_leftovers_of_killed_processes_are_removed_and_records_are_not(store):
    store.write(RECORD, Predictions(LOGITS, LABELS))
    (store.records_folder / ".123-abc.json.tmp").write_bytes(b"half")
    store.remove_leftovers()
    assert sorted(path.name for path in store.records_folder.iterdir()) == ["abc.json", "abc.safetensors"]


def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(StoreError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_reader_sees_the_old_content_or_the_new_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new content")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new content"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_place_of_the_output_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    for folder in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(StoreError, match=r"cannot write to the output folder .*Give another with --out\."):
            Store(folder, create=True)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root, or Windows, writes everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot write to the output folder"):
        Store(tmp_path / "out", create=True)


def test_a_plan_reads_back(store):
    assert store.read_plan() == {}
    store.write_plan({"suite": {"name": "toy"}})
    assert store.read_plan() == {"suite": {"name": "toy"}}
