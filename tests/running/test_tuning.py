"""Tuning: an equal budget for every strategy, the defaults among the trials, and all trials kept."""

import sys

import numpy as np
import pytest
import torch

from tlbench import Between, OneOf, Recipe
from tlbench.contract import Protocol, TuningBudget, suite_from_mapping
from tlbench.data import Resources
from tlbench.errors import ParameterError, PluginError
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.running import run_cell
from tlbench.running.cell_setup import open_cell

CPU = torch.device("cpu")
KEPT = Protocol(validation=0.25)
TUNED = {"budgets": ("4-shot",), "protocol": KEPT, "tune": "4", "recipe": Recipe(steps=6, batch_size=8)}


@pytest.fixture
def run_tuned(suite, resources):
    """Run a small suite with tuned rows; return the outcomes by (strategy, tuned, replicate)."""

    def run(*strategies, resources=resources, **changes):
        plan = make_plan(suite(strategies=strategies, **(TUNED | changes)), resources)
        outcomes = {
            (cell.strategy, str(cell.labels["tuned"]), cell.replicate): run_cell(cell, resources, CPU)
            for cell in plan.cells
        }
        assert all(outcome.record.ok for outcome in outcomes.values()), outcomes
        return outcomes

    return run


def test_default_and_tuned_rows_stand_side_by_side_on_the_same_labels(run_tuned):
    found = run_tuned("finetune", "linear-probe")
    assert set(found) == {
        (name, tuned, replicate)
        for name in ("finetune", "linear-probe")
        for tuned in ("", "4 trials")
        for replicate in (0, 1)
    }
    for replicate in (0, 1):
        digests = {o.record.ledger["labelled_examples"] for key, o in found.items() if key[2] == replicate}
        assert len(digests) == 1


def test_the_first_trial_is_the_default_to_the_bit(run_tuned):
    found = run_tuned("finetune", replicates=1)
    default, tuned = found["finetune", "", 0], found["finetune", "4 trials", 0]
    first = tuned.record.trials[0]
    assert first["parameters"] == {"lr": 3e-4, "head_rate": 30.0}
    assert first["accuracy"] == pytest.approx(default.record.scores["accuracy"], abs=1e-12)
    if first["best"]:
        assert np.array_equal(default.predictions.logits, tuned.predictions.logits)


def test_every_strategy_has_as_many_trials_each_inside_its_search_space(run_tuned, resources):
    for (name, tuned, _), outcome in run_tuned("finetune", "l2-sp", "nearest-neighbours", replicates=1).items():
        trials = outcome.record.trials
        assert len(trials) == (4 if tuned else 0)
        space = resources.catalog.strategy(name)[0].search_space
        for trial in trials[1:]:
            assert set(trial["parameters"]) == set(space)
            assert all(space[key].low <= value <= space[key].high for key, value in trial["parameters"].items())


def test_the_trial_with_the_best_validation_score_is_the_one_that_is_scored(run_tuned):
    record = run_tuned("finetune", replicates=1)["finetune", "4 trials", 0].record
    scores = [trial["score"] for trial in record.trials]
    (best,) = [trial for trial in record.trials if trial["best"]]
    assert best["score"] == max(scores)
    assert record.scores["accuracy"] == pytest.approx(best["accuracy"], abs=1e-12)
    assert record.ledger["selection"] == "validation"


def test_the_search_is_part_of_the_cost(run_tuned):
    found = run_tuned("finetune", replicates=1)
    record = found["finetune", "4 trials", 0].record
    assert record.costs["tuning_seconds"] == pytest.approx(sum(trial["seconds"] for trial in record.trials))
    assert record.costs["tuning_seconds"] > record.costs["fit_seconds"]
    assert found["finetune", "", 0].record.costs["tuning_seconds"] == 0


def test_the_same_seed_tries_the_same_and_another_replicate_tries_others(run_tuned):
    first, again = run_tuned("finetune"), run_tuned("finetune")

    def tried(found, replicate):
        return [trial["parameters"] for trial in found["finetune", "4 trials", replicate].record.trials]

    assert tried(first, 0) == tried(again, 0)
    assert tried(first, 0)[1:] != tried(first, 1)[1:]


def test_what_was_given_stays_as_it_is(run_tuned):
    (tuned,) = [o for key, o in run_tuned("finetune(lr=0.002)", replicates=1).items() if key[1]]
    assert all(set(trial["parameters"]) == {"head_rate"} for trial in tuned.record.trials)


def test_an_unsupervised_rule_tunes_where_there_is_no_label(run_tuned):
    found = run_tuned(
        "source-only", datasets=("blobs[day->night]",), budgets=("0",), protocol=Protocol(),
        selection=("information-maximisation",), replicates=1, tune="3",
    )  # fmt: skip
    record = found["source-only", "3 trials", 0].record
    assert [trial["score"] is not None for trial in record.trials] == [True] * 3
    assert {look["trial"] for look in record.looks} == {0, 1, 2}
    assert record.ledger["selection"] == "information-maximisation"


FRAGILE = '''
from dataclasses import dataclass
from torch import nn
from tlbench import Between, Family, Strategy, hookimpl
from tlbench.errors import TrainingError

@dataclass(frozen=True)
class Fragile(Strategy):
    """Fails above a rate, and below another if it is told so."""

    name = "fragile"
    family = Family.EXTRACT
    search_space = {"rate": Between(1e-3, 1e3)}

    rate: float = 1e-3
    limit: float = 1.0

    def fit(self, task, bench):
        if self.rate > self.limit:
            raise TrainingError("the loss became nan at step 3.")
        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))

@hookimpl
def tlbench_strategies():
    return [Fragile]
'''


def test_a_trial_that_fails_counts_and_is_kept(run_tuned, toy, plugin_file, resources):
    mine = Resources(Catalog(Host([toy, plugin_file(FRAGILE)])), resources.cache)
    found = run_tuned("fragile", resources=mine, replicates=1, tune="8")
    trials = found["fragile", "8 trials", 0].record.trials
    assert len(trials) == 8
    failed = [trial for trial in trials if trial["score"] is None]
    assert failed
    assert all("nan" in trial["failure"] and trial["parameters"]["rate"] > 1 for trial in failed)


def test_where_every_trial_fails_the_cell_is_a_failure(suite, toy, plugin_file, resources):
    mine = Resources(Catalog(Host([toy, plugin_file(FRAGILE)])), resources.cache)
    plan = make_plan(suite(strategies=("fragile(limit=0.0001)",), **(TUNED | {"replicates": 1})), mine)
    (record,) = [run_cell(cell, mine, CPU).record for cell in plan.cells if cell.tuning]
    assert record.failure.kind == "TrainingError"
    assert "all 4 trials" in record.failure.message


def test_seconds_are_a_budget_too(run_tuned):
    record = run_tuned("nearest-neighbours", tune="0.2s", replicates=1)["nearest-neighbours", "0.2 seconds", 0].record
    spent = [trial["seconds"] for trial in record.trials]
    assert sum(spent[:-1]) < 0.2 <= sum(spent)


@pytest.mark.parametrize(
    ("strategy", "changes", "words"),
    [
        ("prototypes", {}, "no search space"),
        ("vote", {}, "no search space"),
        ("finetune(lr=0.1,head_rate=1)", {}, "beside what was given"),
        ("finetune", {"protocol": Protocol()}, "something to choose by"),
        ("linear-probe", {"budgets": ("2-way 2-shot",), "protocol": Protocol(0.25, 2, 2)}, "episodes"),
    ],
)
def test_what_cannot_be_tuned_is_skipped_with_a_sentence(strategy, changes, words, suite, resources):
    plan = make_plan(suite(strategies=("nearest-mean", strategy), **(TUNED | changes)), resources)
    reasons = [skip.reason for skip in plan.skips if skip.tuned and not skip.strategy.startswith("nearest-mean")]
    assert len(reasons) == 1
    assert words in reasons[0]


@pytest.mark.parametrize(
    ("text", "budget"),
    [("20", TuningBudget(trials=20)), ("3 trials", TuningBudget(trials=3)), ("60s", TuningBudget(seconds=60)),
     ("1.5 seconds", TuningBudget(seconds=1.5))],
)  # fmt: skip
def test_budgets_read_and_write_alike(text, budget):
    assert TuningBudget.parse(text) == budget
    assert TuningBudget.parse(str(budget)) == budget


@pytest.mark.parametrize("text", ["", "1", "0s", "many", "-3", "2h"])
def test_what_is_no_tuning_budget_says_what_is(text):
    with pytest.raises(ParameterError, match="20 \\(trials"):
        TuningBudget.parse(text)


def test_a_suite_file_may_tune():
    data = {"strategies": ["a"], "backbones": ["b"], "datasets": ["c"], "budgets": ["5-shot"], "validation": 0.2}
    assert suite_from_mapping({**data, "tune": 10}).tune == "10 trials"
    assert suite_from_mapping({**data, "tune": "30s"}).tune == "30 seconds"
    with pytest.raises(ParameterError, match="tuning budget"):
        suite_from_mapping({**data, "tune": "soon"})


def test_without_optuna_a_user_is_told_before_anything_runs(monkeypatch, tmp_path, suite, toy):
    import tlbench

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ParameterError, match=r"pip install 'tlbench\[tune\]'"):
        tlbench.run(suite(**TUNED), out=tmp_path / "out", plugins=[toy])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("space", "words"),
    [('{"pace": Between(1, 2)}', "'pace', which is no parameter"), ('{"rate": (1, 2)}', "must be Between"),
     ('["rate"]', "is a mapping")],
)  # fmt: skip
def test_a_search_space_that_names_no_parameter_is_refused(space, words, toy, plugin_file):
    path = plugin_file(FRAGILE.replace('{"rate": Between(1e-3, 1e3)}', space))
    with pytest.raises(PluginError, match=words):
        _ = Catalog(Host([toy, path])).strategies


def test_ranges_that_hold_nothing_are_refused():
    with pytest.raises(ValueError, match="low must be below high"):
        Between(1, 1)
    with pytest.raises(ValueError, match="above 0"):
        Between(0, 1)
    with pytest.raises(ValueError, match="two values"):
        OneOf((1,))


def test_every_search_space_of_ours_holds_values_that_its_strategy_takes(resources):
    checked = 0
    for name, offer in resources.catalog.strategies.items():
        for field, values in offer.thing.search_space.items():
            ends = values.values if isinstance(values, OneOf) else (values.low, values.high)
            for value in ends:
                resources.catalog.strategy(f"{name}({field}={value})")
                checked += 1
    assert checked > 100


def test_ranking_without_anything_to_go_by_is_refused(resources, suite):
    from tlbench.learning import Workbench

    cell, *_ = make_plan(suite(), resources).cells
    bench = Workbench(open_cell(cell, resources, CPU).setting(classes=4))
    with pytest.raises(PluginError, match="nothing to rank"):
        bench.rank(torch.nn.Identity())
