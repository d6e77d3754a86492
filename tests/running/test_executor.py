"""Cells run in any order, in one process or in several; a worker that dies takes one cell with it."""

import json
import multiprocessing
import os

import pytest

from tlbench import Suite
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where
from tlbench.running.before_run import pending_cells
from tlbench.running.workers import Finished, Started, run_cells

BOTH_KINDS = (
    "scratch(steps=5)",
    "linear-probe",
    "source-only(steps=5)",
    "prototypes(meta_train=true,episodes=4,n_way=4)",
)
MORTAL = '''
import os, signal, sys
from dataclasses import dataclass
from torch import nn
from tlbench import Family, Strategy, hookimpl


@dataclass(frozen=True)
class Mortal(Strategy):
    """End the process that runs it."""

    name = "mortal"
    family = Family.EXTRACT
    by: str = "exit"

    def fit(self, task, bench):
        if self.by == "exit":
            os._exit(7)
        if self.by == "signal":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.exit(3)


@hookimpl
def tlbench_strategies():
    return [Mortal]
'''


@pytest.fixture
def mixed(suite):
    """Cells of four families, with and without a source, preparation and budget."""
    few = suite(BOTH_KINDS[:2], datasets=("blobs[day->night]",))
    adapted = suite(BOTH_KINDS[2:3], datasets=("blobs[day->night]",), budgets=("0",))
    met = suite(BOTH_KINDS[3:], datasets=("blobs[letters->night]",))
    return Suite("mixed", (*few.blocks, *adapted.blocks, *met.blocks), replicates=2, recipe=few.recipe)


def run(cells, resources, folder, jobs=1):
    store = Store(folder, create=True)
    events = list(run_cells(cells, resources, store, Where("cpu", jobs, 1)))
    return store, events


def scores_and_logits(store):
    return {
        record.cell: (record.scores, record.notes, (store.records_folder / f"{record.cell}.safetensors").read_bytes())
        for record in store.records()
    }


def test_workers_and_any_order_of_cells_give_the_same_scores_and_logits_to_the_last_bit(mixed, toy, tmp_path):
    def fresh(name):
        return Resources(Catalog(Host([toy])), Cache(tmp_path / f"cache-{name}"))

    cells = make_plan(mixed, fresh("one")).cells
    one, _ = run(cells, fresh("one"), tmp_path / "one")
    reversed_, _ = run(cells[::-1], fresh("reversed"), tmp_path / "reversed")
    two, _ = run(cells, fresh("two"), tmp_path / "two", jobs=2)
    expected = scores_and_logits(one)
    assert len(expected) == len(cells) == 8
    assert all(record.ok for record in one.records())
    assert scores_and_logits(reversed_) == expected
    assert scores_and_logits(two) == expected


def test_a_dead_worker_costs_its_own_cell_and_no_other(toy, plugin_file, suite, tmp_path, resources):
    mortal = Resources(Catalog(Host([toy, plugin_file(MORTAL)])), resources.cache)
    cells = make_plan(suite(("mortal", "mortal(by=signal)", "linear-probe"), replicates=1), mortal).cells
    cells += make_plan(suite(("linear-probe",), replicates=3), mortal).cells[1:]
    store, events = run(cells, mortal, tmp_path / "out", jobs=2)
    records = {record.cell: record for record in store.records()}
    assert set(records) == {cell.id for cell in cells}
    by_exit, by_signal, *others = (records[cell.id] for cell in cells)
    assert (by_exit.failure.kind, by_signal.failure.kind) == ("WorkerDied", "WorkerDied")
    assert "exit code 7" in by_exit.failure.message
    assert "SIGKILL" in by_signal.failure.message
    assert len(others) == 3
    assert all(record.ok for record in others)
    assert (
        sum(isinstance(event, Started) for event in events) == sum(isinstance(event, Finished) for event in events) == 5
    )
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_worker_that_dies_before_it_takes_a_cell_fails_that_cell_and_the_run_ends(toy, plugin_file, suite, tmp_path):
    stillborn = plugin_file(
        "import multiprocessing, os\nif multiprocessing.parent_process() is not None:\n    os._exit(9)\n" + MORTAL
    )
    resources = Resources(Catalog(Host([toy, stillborn])), Cache())
    cells = make_plan(suite(replicates=2), resources).cells
    store, _ = run(cells, resources, tmp_path / "out", jobs=2)
    assert [record.failure.kind for record in store.records()] == ["WorkerDied"] * 2
    assert all("exit code 9" in record.failure.message for record in store.records())


@pytest.mark.slow
def test_a_worker_leaves_control_c_to_its_parent_from_its_first_moment_on(suite, resources, tmp_path, monkeypatch):
    # Python imports `sitecustomize` before anything else: no later signal could find a worker more helpless.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if '--multiprocessing-fork' in sys.orig_argv:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])))
    cells = make_plan(suite(replicates=2), resources).cells
    store, _ = run(cells, resources, tmp_path / "out", jobs=2)
    assert [record.failure for record in store.records()] == [None, None]


def test_a_strategy_that_calls_sys_exit_is_a_failed_cell_and_the_run_goes_on(
    toy, plugin_file, suite, tmp_path, resources
):
    mortal = Resources(Catalog(Host([toy, plugin_file(MORTAL)])), resources.cache)
    cells = make_plan(suite(("mortal(by=sys)", "linear-probe"), replicates=1), mortal).cells
    store, _ = run(cells, mortal, tmp_path / "out")
    failures = [record.failure and record.failure.kind for record in map(store.read, (cell.id for cell in cells))]
    assert failures == ["SystemExit", None]


def test_events_come_in_pairs_and_count_from_one(suite, resources, tmp_path):
    cells = make_plan(suite(replicates=3), resources).cells
    _, events = run(cells, resources, tmp_path / "out")
    assert [event.position for event in events if isinstance(event, Started)] == [1, 2, 3]
    assert [event.cell for event in events[::2]] == [event.cell for event in events[1::2]] == list(cells)


def test_a_record_is_stored_before_its_cell_is_reported(suite, resources, tmp_path):
    cells = make_plan(suite(replicates=2), resources).cells
    store = Store(tmp_path / "out", create=True)
    for event in run_cells(cells, resources, store, Where("cpu", 1, 1)):
        assert store.has(event.cell.id) == isinstance(event, Finished)


def test_failed_cells_are_pending_again_only_when_asked_for(toy, plugin_file, suite, tmp_path, resources):
    failing = plugin_file(MORTAL.replace("sys.exit(3)", "raise OSError('no more')"))
    mortal = Resources(Catalog(Host([toy, failing])), resources.cache)
    plan = make_plan(suite(("mortal(by=raise)", "linear-probe"), replicates=1), mortal)
    store, _ = run(plan.cells, mortal, tmp_path / "out")
    assert pending_cells(plan, store) == []
    assert [cell.strategy for cell in pending_cells(plan, store, retry_failed=True)] == ["mortal(by=raise)"]
    stored = json.loads((store.records_folder / f"{plan.cells[0].id}.json").read_text())
    assert stored["failure"]["kind"] == "OSError"
    assert stored["scores"] == {}


def test_an_ensemble_waits_for_its_members_whatever_the_order_it_is_given_in(suite, resources, tmp_path):
    spec = suite(("finetune(steps=60)", "linear-probe", "vote(members=(finetune(steps=60), linear-probe))"))
    first, *others = sorted(make_plan(spec, resources).cells, key=lambda cell: not cell.members)
    assert first.members
    _, events = run([first, *others], resources, tmp_path, jobs=2)
    finished = [event for event in events if isinstance(event, Finished)]
    assert all(event.record.ok for event in finished), [event.record.failure for event in finished]
    order = [event.cell.id for event in finished]
    assert order.index(first.id) > max(map(order.index, first.members))


def test_ensembles_are_run_last_though_cells_with_a_source_are_run_first(suite, resources, tmp_path):
    strategies = ("linear-probe", "coral", "mcc", "vote(members=(coral, mcc))")
    plan = make_plan(suite(strategies, datasets=("blobs[day->night]",), budgets=("2-shot",)), resources)
    ordered = pending_cells(plan, Store(tmp_path, create=True))
    assert [bool(cell.members) for cell in ordered] == sorted(bool(cell.members) for cell in ordered)
    assert ordered[0].transfer.has_source
