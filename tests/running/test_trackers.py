"""Trackers: what stands in event files and runs is what the records say, once, and at nobody's cost."""

import json
import socket
from dataclasses import replace

import numpy as np
import pytest

import tlbench
from tlbench import ParameterError, PluginError, TlbenchError
from tlbench.contract import Tracker, check_tracker
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import open_trackers

WATCHER = """
import os
from dataclasses import dataclass

from tlbench import DataError, Family, Strategy, Tracker, hookimpl


@dataclass(frozen=True)
class Fails(Strategy):
    "Fails (2020)."

    name = "fails"
    family = Family.EXTRACT

    def fit(self, task, bench):
        if os.environ.get("HEALED"):
            return bench.classifier(bench.head())
        raise DataError("there is a hole in it.")


class Log:
    def __init__(self, place):
        self.place, self.told = place, 0

    def _write(self, text):
        with open(self.place, "a") as file:
            file.write(text + "\\n")

    @hookimpl
    def tlbench_run_started(self, plan):
        self._write("started")

    @hookimpl
    def tlbench_cell_finished(self, cell, record):
        self.told += 1
        if "stumbles" in self.place and self.told == 2:
            raise ValueError("disk on\\nfire.")
        assert cell.id == record.cell
        self._write(record.cell)

    @hookimpl
    def tlbench_run_finished(self, results_dir):
        self._write("finished")


def broken(place, plan):
    raise KeyError(place)


@hookimpl
def tlbench_strategies():
    return [Fails]


@hookimpl
def tlbench_trackers():
    return [
        Tracker("log", lambda place, plan: Log(place), "a line per call"),
        Tracker("broken", broken),
        Tracker("deaf", lambda place, plan: object()),
    ]
"""


@pytest.fixture
def plugins(toy, plugin_file):
    return [toy, plugin_file(WATCHER, "watcher.py")]


@pytest.fixture
def run(plugins, suite, tmp_path):
    """Run two strategies, one of which fails, and return the records by cell."""

    def call(*track, out="out", strategies=("nearest-mean", "fails"), **rest):
        results = tlbench.run(
            suite(strategies=strategies), out=tmp_path / out, device="cpu", plugins=plugins, track=track, **rest
        )
        return {record.cell: record for record in results.records}

    return call


def scalars(folder):
    """Return the scalars that TensorBoard reads in a folder, by run, name and step."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    found = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    values, texts = {}, {}
    for name, data in found.Runs().items():
        run = found.GetAccumulator(name)
        for tag in data["scalars"]:
            values |= {(name, tag, event.step): event.value for event in run.Scalars(tag)}
            assert len(run.Scalars(tag)) == len({event.step for event in run.Scalars(tag)}), "a step was told twice"
        for tag in data["tensors"]:
            if "hparams" not in tag:
                texts |= {(name, tag, item.step): item.tensor_proto.string_val[0].decode() for item in run.Tensors(tag)}
    return values, texts


def wanted(record):
    """Return the numbers that trackers are told of a record."""
    groups = {"scores": record.scores, "costs": record.costs, "ledger": record.ledger}
    return {
        f"{group}/{name}": value
        for group, values in groups.items()
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def test_tensorboard_reads_what_the_records_say(run, tmp_path):
    pytest.importorskip("tensorboard")
    records = run(f"tensorboard:{tmp_path / 'board'}")
    values, texts = scalars(tmp_path / "board")
    rows = {name: name.split("/") for name, _, _ in texts}
    assert sorted(row[0] for row in rows.values()) == ["fails", "nearest-mean"]
    for name, (strategy, backbone, transfer, budget) in rows.items():
        assert (backbone, transfer, budget.partition(".")[0]) == ("tiny.corners", "blobs-day", "2-shot")
        for step in (0, 1):
            record = next(
                item for item in records.values()
                if (item.labels["strategy"], item.labels["replicate"]) == (strategy, step)
            )  # fmt: skip
            ours = {tag: value for (run_, tag, at), value in values.items() if (run_, at) == (name, step)}
            assert ours == {tag: float(np.float32(value)) for tag, value in wanted(record).items()}
            assert json.loads(texts[name, "record", step]) == json.loads(json.dumps(record.to_json()))
            told = texts.get((name, "failure", step))
            assert told == (None if record.ok else "DataError: there is a hole in it.")
    assert any(tag == "scores/accuracy" for _, tag, _ in values)


def test_mlflow_reads_what_the_records_say_without_a_connection(run, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")

    def refuse(*_):
        raise AssertionError("a connection is opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    records = run(f"mlflow:{tmp_path / 'runs'}")
    client = mlflow.MlflowClient(tracking_uri=str(tmp_path / "runs"))
    experiment = client.get_experiment_by_name("toy")
    found = {item.data.tags["tlbench.contract.cell"]: item for item in client.search_runs([experiment.experiment_id])}
    assert set(found) == set(records)
    for cell, item in found.items():
        record = records[cell]
        assert item.data.metrics == wanted(record)
        assert item.data.params == {key: str(value) for key, value in record.labels.items() if value != ""}
        assert item.info.status == ("FINISHED" if record.ok else "FAILED")
        assert item.data.tags.get("failure.message") == (None if record.ok else "there is a hole in it.")
        assert item.data.tags["environment.torch"] == record.environment["torch"]
        source = record.provenance["strategy"]["source_sha256"]
        assert item.data.tags["provenance.strategy.source_sha256"] == source
        stored = tmp_path / "runs" / experiment.experiment_id / item.info.run_id / "artifacts" / "record.json"
        assert json.loads(stored.read_text()) == json.loads(json.dumps(record.to_json()))


def events(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*tfevents*")}


def test_a_second_run_repeats_nothing_and_tells_what_was_stored_before(run, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("tensorboard")
    board, runs = tmp_path / "board", tmp_path / "runs"
    run(strategies=("nearest-mean",))
    records = run(f"tensorboard:{board}", f"mlflow:{runs}")
    before = events(board)
    assert len(before) == len(records) == 4
    ids = run_ids(mlflow, runs)
    assert run(f"tensorboard:{board}", f"mlflow:{runs}") == records
    assert events(board) == before
    assert run_ids(mlflow, runs) == ids
    assert len(ids) == 4


def run_ids(mlflow, folder):
    client = mlflow.MlflowClient(tracking_uri=str(folder))
    experiment = client.get_experiment_by_name("toy").experiment_id
    return {item.data.tags["tlbench.contract.cell"]: item.info.run_id for item in client.search_runs([experiment])}


def test_a_cell_that_is_run_again_takes_the_place_of_its_failure(run, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("tensorboard")
    board, runs = tmp_path / "board", tmp_path / "runs"
    track = (f"tensorboard:{board}", f"mlflow:{runs}")
    run(*track)
    before = run_ids(mlflow, runs)
    monkeypatch.setenv("HEALED", "1")
    records = run(*track, retry_failed=True)
    assert all(record.ok for record in records.values())
    _, texts = scalars(board)
    assert len(events(board)) == 4
    assert not any(tag == "failure" for _, tag, _ in texts)
    after = run_ids(mlflow, runs)
    healed = {cell for cell, record in records.items() if record.labels["strategy"] == "fails"}
    assert {cell for cell in after if after[cell] != before[cell]} == healed


def test_rows_that_differ_in_what_no_name_shows_stand_apart(run, suite, plugins, tmp_path):
    pytest.importorskip("tensorboard")
    track = [f"tensorboard:{tmp_path / 'board'}"]
    for seed in (0, 1):
        other = replace(suite(strategies=("nearest-mean",)), seed=seed)
        tlbench.run(other, out=tmp_path / f"out{seed}", device="cpu", plugins=plugins, track=track)
    values, _ = scalars(tmp_path / "board")
    assert len({name for name, _, _ in values}) == 2


def test_an_observer_is_told_of_every_cell_once_and_of_stored_ones_first(run, tmp_path):
    earlier = set(run(strategies=("nearest-mean",)))
    records = run(f"log:{tmp_path / 'log'}")
    first, *cells, last = (tmp_path / "log").read_text().split()
    assert (first, last) == ("started", "finished")
    assert sorted(cells) == sorted(records)
    assert set(cells[:2]) == earlier


def test_a_tracker_that_raises_is_told_nothing_more_and_the_run_goes_on(run, tmp_path, capsys):
    records = run(f"log:{tmp_path / 'stumbles'}", f"log:{tmp_path / 'stands'}")
    assert len(records) == 4
    assert len((tmp_path / "stumbles").read_text().split()) == 2
    assert len((tmp_path / "stands").read_text().split()) == 6
    said = [line for line in capsys.readouterr().err.splitlines() if "tracking" in line]
    assert len(said) == 1
    assert "stumbles ends here: ValueError: disk on fire." in said[0]
    assert len(Store(tmp_path / "out").cells()) == 4


@pytest.fixture
def plan_and_catalog(plugins, suite):
    catalog = Catalog(Host(plugins))
    return make_plan(suite(), Resources(catalog, Cache())), catalog


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("tensorbord:x", TlbenchError, "unknown tracker 'tensorbord'. Did you mean 'tensorboard'?"),
        ("tensorboard", ParameterError, "does not say where to write. Write tensorboard:PLACE."),
        ("mlflow: ", ParameterError, "Write mlflow:PLACE."),
        ("tensorboard:s3://bucket", ParameterError, "writes to a folder"),
        ("broken:there", PluginError, "cannot track to broken:there: KeyError: 'there'"),
        ("deaf:x", PluginError, "implements no hook"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(text, kind, words, plan_and_catalog):
    with pytest.raises(kind) as caught:
        open_trackers([text], *plan_and_catalog)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_library_and_a_place_nobody_can_write_to_are_said(name, plan_and_catalog, tmp_path, monkeypatch):
    pytest.importorskip(name)
    (tmp_path / "file").write_text("")
    with pytest.raises(TlbenchError, match=r"cannot write to .*file.* Give it another folder"):
        open_trackers([f"{name}:{tmp_path / 'file' / 'below'}"], *plan_and_catalog)
    monkeypatch.setattr("tlbench_tracking.place.find_spec", lambda module: None)
    with pytest.raises(PluginError, match=rf"pip install 'tlbench\[{name}\]'"):
        open_trackers([f"{name}:{tmp_path}"], *plan_and_catalog)


def test_the_command_line_refuses_before_anything_is_written(refused, toy, tmp_path):
    line = refused(
        "run", "-p", toy, "-s", "nearest-mean", "-b", "tiny.corners", "-d", "blobs[->day]", "--budget", "2-shot",
        "--out", tmp_path / "out", "--track", "tensorborad:x",
    )  # fmt: skip
    assert "Did you mean 'tensorboard'?" in line
    assert not (tmp_path / "out").exists()


def test_trackers_are_listed_and_shown(cli):
    assert "tensorboard:FOLDER" in cli("list", "trackers").stdout
    shown = cli("show", "tracker", "mlflow").stdout
    assert "mlflow  (tracker)" in shown
    assert "mlflow:URI" in shown


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (Tracker, "not a tlbench.Tracker"),
        (Tracker("no good", print), "letters, digits"),
        (Tracker("closed", None), "open is None"),
    ],
)
def test_what_is_no_tracker_is_refused(thing, words):
    with pytest.raises(PluginError, match=words):
        check_tracker(thing)
