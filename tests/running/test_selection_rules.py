"""Selection rules: what each chooses, what it may look at, and what the record keeps of it."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch

from tlbench import Recipe
from tlbench.contract import Protocol, suite_from_mapping
from tlbench.contract.selection_rule import RULES, UNSUPERVISED_RULES
from tlbench.data import Resources
from tlbench.errors import ParameterError, TlbenchError
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Results, Store
from tlbench.running import Where, execute_plan, run_cell

CPU = torch.device("cpu")
SHIFT = ("blobs[day->night]",)
RECIPE = Recipe(steps=12, batch_size=8, evaluate_every=4)
ADAPTS = {"strategies": ("dann",), "datasets": SHIFT, "budgets": ("0",), "recipe": RECIPE, "replicates": 1}


@pytest.fixture
def cells(suite, resources):
    """Plan a small suite under rules and return its cells, with what they run on."""

    def plan(*rules, **changes):
        return make_plan(suite(selection=rules, **(ADAPTS | changes)), resources).cells

    return plan


@pytest.fixture
def records(cells, resources):
    """Run every cell of a small suite and return the records by rule."""

    def run(*rules, **changes):
        outcomes = [run_cell(cell, resources, CPU) for cell in cells(*rules, **changes)]
        assert all(outcome.record.ok for outcome in outcomes), [outcome.record.failure for outcome in outcomes]
        return {outcome.record.labels["selection"]: outcome.record for outcome in outcomes}

    return run


# ---- the axis --------------------------------------------------------------------------------------------------


def test_each_rule_is_a_cell_of_its_own_and_the_usual_one_keeps_its_name(cells, suite, resources):
    every = cells(*(rule for rule in RULES if rule != "validation"))
    assert [cell.selection for cell in every] == [rule for rule in RULES if rule != "validation"]
    assert len({cell.id for cell in every}) == len(every)
    (usual,) = make_plan(suite(**ADAPTS), resources).cells
    assert usual.id == every[0].id  # results of earlier versions are found again
    assert "selection" not in usual.identity


def test_the_oracle_stands_apart_and_no_other_does(cells):
    settings = {cell.selection: cell.labels["setting"] for cell in cells("last", "entropy", "oracle")}
    assert settings == {"last": "inductive", "entropy": "inductive", "oracle": "oracle"}


def test_every_rule_chooses_the_checkpoint_that_it_ranks_highest(records):
    rules = (*UNSUPERVISED_RULES, "source-validation", "oracle")
    for rule, record in records(*rules).items():
        assert [look["step"] for look in record.looks] == [4, 8, 12]
        seen = [look["accuracy"] if rule == "oracle" else look["scores"][rule] for look in record.looks]
        chosen = record.notes["training_1_selected_step"]
        assert seen[[4, 8, 12].index(chosen)] == max(seen)
        assert record.ledger["selection"] == rule


def test_all_rules_choose_from_one_and_the_same_training(records):
    looks = [
        [(look["step"], look["accuracy"], look["scores"]) for look in record.looks]
        for record in records("entropy", "source-validation", "oracle").values()
    ]
    assert looks[0] == looks[1] == looks[2]
    assert set(looks[0][0][2]) == {*UNSUPERVISED_RULES, "source-validation"}


def test_the_chosen_checkpoint_is_the_one_that_is_tested(records):
    # The looks are taken at every test item of this dataset, so that both accuracies are of the same forty.
    for record in records("entropy", "oracle").values():
        chosen = record.notes["training_1_selected_step"]
        (look,) = [look for look in record.looks if look["step"] == chosen]
        assert record.scores["accuracy"] == pytest.approx(look["accuracy"], abs=1e-12)


def test_candidates_without_a_training_are_chosen_by_the_rule_too(records):
    record = records("entropy", strategies=("linear-probe",), budgets=("2-shot",))["entropy"]
    entropies = [look["scores"]["entropy"] for look in record.looks]
    assert len(entropies) == 7  # strengths of the regularisation
    assert record.notes["regularisation"] == (1.0, 0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)[int(np.argmax(entropies))]


def test_validation_labels_still_choose_where_the_protocol_keeps_some(suite, resources):
    kept = suite(strategies=("finetune",), budgets=("4-shot",), protocol=Protocol(validation=0.25), replicates=1)
    (cell,) = make_plan(kept, resources).cells
    record = run_cell(cell, resources, CPU).record
    assert (cell.labels["selection"], record.ledger["selection"], record.looks) == ("validation", "validation", [])


# ---- what a rule may look at ------------------------------------------------------------------------------------


def test_what_a_rule_looks_at_stands_in_the_ledger(records):
    ledgers = {rule: record.ledger for rule, record in records("last", "source-validation").items()}
    assert (ledgers["last"]["source_labels"], ledgers["last"]["source_val_labels"]) == (80, 0)
    assert (ledgers["source-validation"]["source_labels"], ledgers["source-validation"]["source_val_labels"]) == (
        80,
        16,
    )
    alone = records("last", "entropy", strategies=("source-only",))
    assert [alone[rule].ledger["unlabelled_target"] for rule in ("last", "entropy")] == [0, 80]


CHEAT = '''
import gc
from dataclasses import dataclass
from torch import nn
from tlbench import Family, Requirements, Strategy, hookimpl

HELD = []

@dataclass(frozen=True)
class Cheat(Strategy):
    """Keeps all that it can reach while it is fitted, private parts and closures included."""

    name = "cheat"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, unlabelled_target=True, same_classes=True, min_labels_per_class=0)

    def fit(self, task, bench):
        model = bench.classifier(bench.head(), bench.backbone())

        def loss(model, batch):
            HELD[:] = reachable(bench) + reachable(task)
            inputs, labels = batch
            return nn.functional.cross_entropy(model(inputs), labels)

        return bench.train(model, loss, task.source)


def reachable(start):
    """Return every tensor that an object leads to, by any attribute, closure or container of ours."""
    import types
    import torch
    seen, found, waiting = set(), [], [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            found.append(thing)
        elif isinstance(thing, (dict, list, tuple)):
            waiting += thing.values() if isinstance(thing, dict) else thing
        elif isinstance(thing, types.FunctionType):
            waiting += [cell.cell_contents for cell in thing.__closure__ or ()]
        elif isinstance(thing, types.MethodType):
            waiting += [thing.__self__]
        elif type(thing).__module__.startswith(("tlbench.learning.", "tlbench.contract.task")):
            waiting += vars(thing).values()
    return found


@hookimpl
def tlbench_strategies():
    return [Cheat]
'''


@pytest.mark.parametrize(("rule", "leaks"), [("entropy", False), ("source-validation", False), ("oracle", True)])
def test_no_rule_but_the_oracle_brings_test_examples_within_reach_of_a_strategy(
    rule, leaks, toy, plugin_file, suite, resources
):
    path = plugin_file(CHEAT)
    host = Host([toy, path])
    mine = Resources(Catalog(host), resources.cache)
    (cell,) = make_plan(suite(selection=(rule,), **(ADAPTS | {"strategies": ("cheat",)})), mine).cells
    record = run_cell(cell, mine, CPU).record
    assert record.ok, record.failure
    held = host.manager.get_plugin(f"file:{path}").HELD
    test = {np.asarray(image).tobytes() for image in resources.dataset("blobs").dataset.load("night", "test").inputs}
    reached = {image.numpy().tobytes() for tensor in held if tensor.ndim == 4 for image in tensor.cpu()}
    assert len(reached) >= 160  # it does find its own: source and target
    assert bool(reached & test) == leaks
    gc.collect()


# ---- what cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "changes", "words"),
    [
        ("source-validation", {"strategies": ("finetune",), "budgets": ("2-shot",)}, "needs source labels"),
        ("entropy", {"strategies": ("tim",), "budgets": ("2-shot",)}, "transductive"),
        ("entropy", {"strategies": ("vote",), "budgets": ("2-shot",)}, "combines stored predictions"),
        ("entropy", {"strategies": ("pca-kmeans", "source-only"), "budgets": ("0",)}, "Use selection last"),
        ("entropy", {"strategies": ("prototypes",), "budgets": ("2-way 1-shot",)}, "Use selection last"),
        ("oracle", {"strategies": ("siamese",), "datasets": ("blobs[letters->night]",)}, "prepares"),
    ],
)  # fmt: skip
def test_where_a_rule_has_nothing_to_choose_a_cell_is_skipped_with_a_sentence(rule, changes, words, suite, resources):
    beside = ADAPTS | {"strategies": ("linear-probe", *changes.pop("strategies")), "budgets": ("2-shot",)} | changes
    small = Protocol(episodes=2, queries=2)
    plan = make_plan(suite(selection=("last", rule), protocol=small, **beside), resources)
    reasons = [skip.reason for skip in plan.skips if skip.selection == rule and skip.strategy != "linear-probe"]
    assert len(reasons) == 1
    assert words in reasons[0]


def test_an_unknown_rule_is_a_slip_with_a_near_miss(suite):
    with pytest.raises(TlbenchError, match=r"'entropie'.*'entropy'"):
        suite(selection=("entropie",))


def test_a_rule_that_needs_validation_labels_asks_for_them(suite):
    with pytest.raises(ParameterError, match="--validation"):
        suite(selection=("validation",))


def test_a_suite_file_names_its_rules():
    data = {"strategies": ["a"], "backbones": ["b"], "datasets": ["c"], "budgets": ["0"]}
    assert suite_from_mapping({**data, "selection": ["last", "entropy"]}).rules == ("last", "entropy")
    assert suite_from_mapping({**data, "selection": "oracle"}).rules == ("oracle",)
    assert suite_from_mapping({**data, "validation": 0.2}).rules == ("validation",)
    assert suite_from_mapping(data).rules == ("last",)


def test_another_choice_of_rules_goes_to_a_folder_of_its_own(suite):
    plain = suite()
    assert plain.choosing((), "") is plain
    chosen = plain.choosing(("entropy",), "")
    assert chosen.name != plain.name
    assert chosen.rules == ("entropy",)
    assert replace(chosen, name=plain.name, narrows="") == replace(plain, selection=("entropy",))


# ---- transduction, declared and measured ------------------------------------------------------------------------


def test_predictions_one_by_one_tell_which_classifier_mixes_its_inputs(suite, resources):
    plan = make_plan(suite(strategies=("linear-probe", "tim", "finetune"), replicates=1), resources)
    measured = {
        cell.strategy: (record.ledger["transductive"], record.ledger["transductive_measured"])
        for cell in plan.cells
        for record in [run_cell(cell, resources, CPU).record]
    }
    assert measured["linear-probe"] == measured["finetune"] == (False, False)
    assert measured["tim"][0]


MIXING = '''
from dataclasses import dataclass
from torch import nn
from tlbench import Family, Strategy, hookimpl

class Centred(nn.Module):
    def forward(self, features):
        return features - features.mean(dim=0)

@dataclass(frozen=True)
class Mixing(Strategy):
    """Subtracts the mean of the batch that it happens to be given."""

    name = "mixing"
    family = Family.EXTRACT

    def fit(self, task, bench):
        return bench.classifier(nn.Sequential(Centred(), nn.Linear(bench.feature_dim, len(task.classes))))

@hookimpl
def tlbench_strategies():
    return [Mixing]
'''


NORM = """
from torch.nn import functional

class Norm(nn.Module):
    def forward(self, features):
        return functional.batch_norm(features, None, None, training=True)  # which refuses a batch of one
"""


@pytest.fixture
def mixing(toy, plugin_file, suite, resources):
    """Plan strategies with those that take statistics over what they predict; return the plan and resources."""

    def call(*strategies, text=MIXING):
        mine = Resources(Catalog(Host([toy, plugin_file(text)])), resources.cache)
        return make_plan(suite(strategies=strategies, replicates=1), mine), mine

    return call


def test_undeclared_transduction_is_measured_and_moves_the_record_to_its_setting(mixing):
    plan, resources = mixing("mixing")
    (cell,) = plan.cells
    record = run_cell(cell, resources, CPU).record
    assert (record.ledger["transductive"], record.ledger["transductive_measured"]) == (False, True)
    assert (cell.labels["setting"], record.labels["setting"]) == ("inductive", "transductive")
    assert "depend on the other test inputs" in record.ledger["setting_measured"]
    assert record.cell == cell.id


def test_a_batch_norm_in_training_mode_is_measured_though_it_predicts_no_input_alone(mixing):
    head = MIXING.replace("Centred()", "Norm()").replace("@dataclass", f"{NORM}\n@dataclass", 1)
    plan, resources = mixing("mixing", text=head)
    record = run_cell(plan.cells[0], resources, CPU).record
    assert (record.ledger["transductive_measured"], record.labels["setting"]) == (True, "transductive")


def test_an_ensemble_of_such_a_member_is_transductive_too(mixing, tmp_path):
    plan, resources = mixing("mixing", "linear-probe", "vote(members=(linear-probe,mixing))")
    store = Store(tmp_path / "store", create=True)
    execute_plan(plan, resources, store, Where("cpu", 1, 1))
    found = {record.labels["strategy"].partition("(")[0]: record for record in store.records()}
    assert {name: record.labels["setting"] for name, record in found.items()} == {
        "mixing": "transductive", "linear-probe": "inductive", "vote": "transductive",
    }  # fmt: skip
    assert "member mixing" in found["vote"].ledger["setting_measured"]


def test_a_table_puts_it_among_the_transductive_rows_and_a_second_run_finds_it(mixing, tmp_path):
    plan, resources = mixing("mixing", "linear-probe")
    store = Store(tmp_path / "store", create=True)
    assert execute_plan(plan, resources, store, Where("cpu", 1, 1)) == 2
    assert execute_plan(plan, resources, store, Where("cpu", 1, 1)) == 0
    summary = Results(store.folder, catalog=resources.catalog).summary()
    rows = dict(zip(summary["strategy"], summary["setting"], strict=True))
    assert rows == {"linear-probe": "inductive", "mixing": "transductive"}
