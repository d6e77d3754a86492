"""Work that is shared among forked processes: the same values, errors and order as in one."""

import importlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import textwrap
import time

import pytest
from documents import ROOT

from tlbench import Results
from tlbench.errors import StoreError
from tlbench.host import Catalog, Host
from tlbench.results import Store, write_reports
from tlbench.results.side_by_side import PROCESSES

side_by_side = importlib.import_module("tlbench.results.side_by_side")  # the wing shows the function of this name

QUICK = ROOT / "results" / "quick"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")


@pytest.fixture
def forking(monkeypatch):
    """Fork as in a process without torch, on a machine of four processors."""
    monkeypatch.setattr(side_by_side, "_may_fork", lambda: True)
    monkeypatch.setattr(side_by_side, "_processors", lambda: 4)


def slowly(work):
    """Let all processes begin before the first is done, who would take the other parts too."""

    def waited(part):
        time.sleep(0.5)
        return work(part)

    return waited


def test_processes_share_the_work_and_keep_its_order(forking):
    made = side_by_side.side_by_side(slowly(lambda part: [(item, os.getpid()) for item in part]), list(range(40)), 10)
    assert [item for item, _ in made] == list(range(40))
    processes = [process for _, process in made]
    assert len(set(processes)) == 4
    assert os.getpid() in processes
    assert all(len(set(processes[begin : begin + 10])) == 1 for begin in (0, 10, 20, 30))


def test_no_process_is_given_less_than_is_worth_its_while(forking):
    for items, processes in ((19, 1), (20, 2), (39, 3), (80, PROCESSES)):
        made = side_by_side.side_by_side(slowly(lambda part: [os.getpid()] * len(part)), range(items), 10)
        assert len(made) == items
        assert len(set(made)) == processes


def test_what_another_process_raises_is_raised_here(forking):
    def work(part):
        if 39 in part:
            raise StoreError("the last one is damaged")
        return list(part)

    with pytest.raises(StoreError, match="the last one is damaged"):
        side_by_side.side_by_side(work, list(range(40)), 10)


def test_the_part_of_a_process_that_died_is_done_here(forking):
    here = os.getpid()

    def work(part):
        if os.getpid() != here:
            os._exit(1)
        return list(part)

    work = slowly(work)
    assert side_by_side.side_by_side(work, list(range(40)), 10) == list(range(40))


def test_no_process_outlives_the_work(forking):
    def work(part):
        raise StoreError(str(os.getpid()))

    with pytest.raises(StoreError):
        side_by_side.side_by_side(work, list(range(40)), 10)
    assert not multiprocessing.active_children()


def test_nothing_is_forked_where_torch_is_loaded(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", sys.modules.get("torch", json))
    monkeypatch.setattr(side_by_side, "_processors", lambda: 4)
    made = side_by_side.side_by_side(lambda part: [os.getpid()] * len(part), range(8))
    assert set(made) == {os.getpid()}


def test_many_records_are_read_and_summarised_alike_by_one_process_and_by_several(forking, monkeypatch, tmp_path):
    from many_records import write_many

    write_many(tmp_path, 500)
    shared = Results(tmp_path)
    monkeypatch.setattr("tlbench.results.reading.MANY", 50)
    monkeypatch.setattr("tlbench.results.summary._MANY", 20)
    monkeypatch.setattr("tlbench.results.across._MANY", 1)
    several = Results(tmp_path)
    assert several.records == shared.records == tuple(sorted(Store(tmp_path).records(), key=_place(shared)))
    monkeypatch.setattr(side_by_side, "_may_fork", lambda: False)
    alone = shared.summary()
    monkeypatch.setattr(side_by_side, "_may_fork", lambda: True)
    assert several.summary().equals(alone)
    for one, other in zip(several.across(), shared.across(), strict=True):
        assert one.ranks.equals(other.ranks)


def test_reporters_write_the_same_files_side_by_side(forking, monkeypatch, tmp_path):
    from many_records import write_many

    write_many(tmp_path / "one", 100)
    shutil.copytree(tmp_path / "one", tmp_path / "several")
    formats = ("csv", "latex", "markdown", "parquet", "text")
    catalog, said = Catalog(Host()), {}
    for name, large in (("one", 1000), ("several", 100)):
        monkeypatch.setattr("tlbench.results.reporting.MANY_RECORDS", large)
        said[name] = []
        write_reports(Results(tmp_path / name), catalog, formats, say=said[name].append)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "tables").iterdir()} for name in ("one", "several")
    )
    assert first == second
    assert len(first) >= 8
    assert said["one"][0] == said["several"][0]


def _place(results):
    places = {record.cell: place for place, record in enumerate(results.records)}
    return lambda record: places[record.cell]


def test_records_that_one_process_read_share_their_equal_parts(forking, monkeypatch, tmp_path):
    from many_records import write_many

    write_many(tmp_path, 200, logits=False)
    monkeypatch.setattr("tlbench.results.reading.MANY", 10)
    records = Results(tmp_path).records
    assert len({id(record.provenance) for record in records}) <= PROCESSES < len(records) / 10


def test_what_cannot_be_sent_is_made_here_without_a_word(forking, capfd):
    made = side_by_side.side_by_side(slowly(lambda part: [lambda: part]), list(range(40)), 10)
    assert [each()[0] for each in made] == [0, 10, 20, 30]
    assert capfd.readouterr().err == ""


def test_a_damaged_record_is_named_whichever_process_meets_it(forking, monkeypatch, tmp_path):
    from many_records import write_many

    write_many(tmp_path, 100, logits=False)
    monkeypatch.setattr("tlbench.results.reading.MANY", 20)
    last = sorted((tmp_path / "records").glob("*.json"))[-1]
    last.write_text(last.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    with pytest.raises(StoreError, match=f"cannot read .*{last.name}"):
        Results(tmp_path)


def test_a_report_forks_of_itself_and_leaves_torch_alone(tmp_path):
    """In a process of its own, since torch is loaded here."""
    script = """
        import os, sys
        import importlib
        side_by_side = importlib.import_module("tlbench.results.side_by_side")
        side_by_side._processors = lambda: 2
        forked = []
        start = side_by_side._start
        side_by_side._start = lambda *given: forked.append(1) or start(*given)
        from tlbench.cli import main
        try:
            main(["report", sys.argv[1], "--format", "html"])
        finally:
            print("forked" if forked else "alone", "torch" in sys.modules)
    """
    folder = shutil.copytree(QUICK, tmp_path / "quick")
    for record in sorted((folder / "records").glob("*.json"))[24:]:
        record.unlink()
    command = [sys.executable, "-c", textwrap.dedent(script), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "forked False", done.stdout + done.stderr
