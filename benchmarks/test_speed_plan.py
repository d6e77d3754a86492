"""Planning a large grid, and finding out that all of it is stored."""

from dataclasses import replace

import pytest

from tlbench import Record
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running.before_run import pending_cells

REPLICATES = 600


@pytest.fixture(scope="module")
def suite(resources):
    quick = resources.catalog.suite("quick")
    return replace(quick, replicates=REPLICATES, blocks=quick.blocks[:1])


@pytest.mark.benchmark(group="9,000 cells")
def test_plan(benchmark, resources, suite):
    plan = benchmark.pedantic(make_plan, (suite, resources), rounds=3)
    assert len(plan.cells) == REPLICATES * 15


@pytest.mark.benchmark(group="9,000 cells")
def test_resume(benchmark, resources, suite, tmp_path):
    plan = make_plan(suite, resources)
    store = Store(tmp_path, create=True)
    for cell in plan.cells:
        store.write(Record(cell.id, dict(cell.identity), dict(cell.labels), {"accuracy": 1.0}, {}, {}))
    assert benchmark.pedantic(pending_cells, (plan, store), rounds=3) == []
