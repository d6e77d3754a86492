"""Costs are judged by stored records where there are any, otherwise by one timed step."""

import importlib

import pytest
import torch

from tlbench.cli import seconds_in_words
from tlbench.contract import Protocol, Recipe, Transfer
from tlbench.data import Cache, Resources
from tlbench.planning import make_plan
from tlbench.running import estimate
from tlbench.running.estimate import EPISODE_SECONDS

CPU = torch.device("cpu")


def test_a_new_plan_is_judged_by_one_timed_step_of_each_backbone(suite, resources):
    few = make_plan(suite(("scratch(steps=10)",)), resources).cells
    many = make_plan(suite(("scratch(steps=10000)",)), resources).cells
    cheap, dear = estimate(few, resources, None, CPU), estimate(many, resources, None, CPU)
    assert (cheap.from_records, cheap.cells) == (0, 2)
    assert 0 < cheap.seconds < dear.seconds


def test_cells_like_stored_ones_cost_what_those_did(suite, resources, run_suite):
    store = run_suite(suite(replicates=1), resources)
    (record,) = store.records()
    judged = estimate(make_plan(suite(replicates=4), resources).cells, resources, store, CPU)
    assert (judged.from_records, judged.cells) == (4, 4)
    one = record.costs["fit_seconds"] + record.costs["predict_seconds"]
    assert 0 < judged.seconds < 4 * one, "their share of the extraction of features, which is over, is taken off"
    assert judged.once == 0
    trained = run_suite(suite(("scratch",), replicates=1), resources)
    (record,) = (record for record in trained.records() if record.labels["strategy"] == "scratch")
    again = estimate(make_plan(suite(("scratch",), replicates=4), resources).cells, resources, trained, CPU)
    assert again.seconds == pytest.approx(4 * (record.costs["fit_seconds"] + record.costs["predict_seconds"]))


def test_what_cells_share_is_counted_once_and_only_where_the_cache_lacks_it(
    suite, resources, run_suite, monkeypatch, tmp_path
):
    resources = Resources(resources.catalog, Cache(tmp_path / "cache"))
    module = importlib.import_module("tlbench.running.estimate")
    monkeypatch.setattr(module, "_time_one_image", lambda cell, resources, device: (1.0, 100.0))
    images = sum(len(resources.dataset("blobs").labels("day", split)) for split in ("train", "test"))

    def once(strategies):
        return estimate(make_plan(suite(strategies), resources).cells, resources, None, CPU)

    probes = once(("linear-probe", "nearest-mean"))
    assert probes.once == 101.0 * images
    assert probes.on(2) == probes.once + probes.seconds / 2
    assert once(("scratch(steps=1)",)).once == 1.0 * images, "nobody asks for features"
    run_suite(suite(("linear-probe",)), resources)
    assert once(("linear-probe", "nearest-mean")).once == 0


@pytest.fixture
def half_a_second_a_step(monkeypatch):
    """Let every step take half a second: what is measured on a busy machine differs from call to call."""
    module = importlib.import_module("tlbench.running.estimate")  # its function has its name
    monkeypatch.setattr(module, "_time_one_step", lambda cell, resources, device: 0.5)


@pytest.mark.usefixtures("half_a_second_a_step")
def test_a_strategy_that_trains_longer_costs_as_many_times_more(suite, resources):
    seconds = [
        estimate(make_plan(suite((strategy,)), resources).cells, resources, None, CPU).seconds
        for strategy in ("scratch(longer=1.0)", "scratch", "scratch(steps=7)")
    ]
    assert seconds == [0.5 * 5 * 2, 0.5 * 20 * 2, 0.5 * 7 * 2]  # two replicates, five steps in the recipe


@pytest.mark.usefixtures("half_a_second_a_step")
def test_more_labels_cost_more_steps_where_the_recipe_states_none(suite, resources, run_suite, monkeypatch):
    def seconds(strategy, budget):
        plan = make_plan(suite((strategy,), budgets=(budget,), recipe=Recipe(), replicates=1), resources)
        return estimate(plan.cells, resources, None, CPU).seconds

    full = len(resources.dataset("blobs").labels("day", "train"))
    monkeypatch.setattr("tlbench.contract.recipe.FEWEST_STEPS", 10)
    assert full > 2 * 10
    assert seconds("finetune", "2-shot") == 0.5 * 10
    assert seconds("finetune", "full") == 0.5 * (full // 2)
    assert seconds("target-only", "0") == 0.5 * (full // 2), "an upper bound has all labels whatever the budget"
    store = run_suite(suite(("finetune",), budgets=("2-shot", "full"), recipe=Recipe(), replicates=1), resources)
    assert sorted(record.notes["training_1_steps"] for record in store.records()) == [10, full // 2]


@pytest.mark.usefixtures("half_a_second_a_step")
def test_episodes_are_counted_but_for_what_is_prepared_once(suite, resources, run_suite):
    def seconds(strategy, episodes, store=None):
        rules = {"budgets": ("3-way 1-shot",), "protocol": Protocol(episodes=episodes, queries=2), "replicates": 1}
        cells = make_plan(suite((strategy,), datasets=("blobs[letters->day]",), **rules), resources).cells
        return estimate(cells, resources, store, CPU).seconds

    assert seconds("scratch(steps=1000)", 200) > 20 * seconds("scratch(steps=1000)", 2)
    assert seconds("prototypes(meta_train=true, episodes=1000)", 4) < 3 * seconds("scratch(steps=1000)", 2)
    assert seconds("linear-probe", 600) == 600 * EPISODE_SECONDS


def test_an_estimate_leaves_no_trace(suite, resources):
    plan = make_plan(suite(("scratch(steps=10)",)), resources)
    estimate(plan.cells, resources, None, CPU)
    assert make_plan(suite(("scratch(steps=10)",)), resources).cells == plan.cells
    assert plan.cells[0].transfer == Transfer("blobs", "day")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-1, "0 s")],
)
def test_seconds_are_said_in_words(seconds, words):
    assert seconds_in_words(seconds) == words
