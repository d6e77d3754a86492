"""A plan holds every cell once, every skip with its sentence, and ids that name what may change a score."""

import dataclasses
import shutil

import numpy as np
import pytest

from tlbench import Block, DataError, ParameterError, Recipe
from tlbench.contract import Protocol
from tlbench.data import Resources
from tlbench.errors import PlanError, UnknownNameError
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan


def ids(plan):
    return [cell.id for cell in plan.cells]


# ---- crossing -------------------------------------------------------------------------------------------------


def test_a_plan_crosses_strategies_backbones_datasets_budgets_and_replicates(suite, resources):
    plan = make_plan(
        suite(
            ("linear-probe", "scratch", "nearest-neighbours(k=3)"), ("tiny", "tiny.corners"), ("blobs[->]", "lone"),
            ("1-shot", "2-shot"), replicates=3,
        ),
        resources,
    )  # fmt: skip
    assert len(plan.cells) == 3 * 2 * (2 + 1) * 2 * 3
    assert len(set(ids(plan))) == len(plan.cells)
    assert plan.skips == ()


def test_equal_cells_of_several_blocks_count_once(suite, resources):
    one = suite(("linear-probe", "scratch"))
    two = dataclasses.replace(one, blocks=one.blocks + suite(("scratch", "finetune")).blocks)
    assert len(make_plan(two, resources).cells) == 3 * 2


def test_equal_variants_spelled_differently_count_once(suite, resources):
    plan = make_plan(suite(("finetune", "finetune( lr = 0.0003 )"), budgets=("2-shot", "2 shots")), resources)
    assert len(plan.cells) == 2


def test_strategies_without_a_source_are_not_repeated_for_each_source(suite, resources):
    plan = make_plan(suite(("linear-probe",), datasets=("blobs",)), resources)
    assert [(cell.transfer.source, cell.transfer.target) for cell in plan.cells[::2]] == [
        (None, "day"),
        (None, "night"),
    ]


def test_a_bracket_chooses_source_and_target(suite, resources):
    plan = make_plan(suite(("source-only",), datasets=("blobs[day->night]",), budgets=("0",), replicates=1), resources)
    (cell,) = plan.cells
    assert (cell.transfer.source, cell.transfer.target) == ("day", "night")
    assert (cell.labels["source"], cell.labels["transfer"]) == ("day", "blobs/night")
    both = make_plan(suite(("source-only",), datasets=("blobs",), budgets=("0",), replicates=1), resources)
    assert [(each.transfer.source, each.transfer.target) for each in both.cells] == [("night", "day"), ("day", "night")]


def test_another_dataset_can_be_the_source(suite, resources):
    metatrained = "prototypes(meta_train=true,n_way=4)"
    (cell,) = make_plan(suite((metatrained,), datasets=("blobs[letters->day]",), replicates=1), resources).cells
    assert (cell.transfer.source_dataset, cell.transfer.source) == ("letters", "all")
    (cell,) = make_plan(suite((metatrained,), datasets=("letters[blobs#night->]",), replicates=1), resources).cells
    assert cell.labels["source"] == "blobs/night"


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("blobs[dya->night]", "'dya' is neither a domain of blobs .day, night. nor a dataset. Did you mean 'day'?"),
        ("blobs[day->nihgt]", "blobs has no domain 'nihgt'. Did you mean 'night'?"),
        ("blobs[day]", "write DATASET.SOURCE->TARGET."),
        ("letters[blobs->]", "source 'blobs' has several domains: write blobs#DOMAIN"),
        ("letters[blobs#noon->]", "blobs has no domain 'noon'"),
    ],
)
def test_a_bracket_that_names_nothing_is_refused(dataset, message, suite, resources):
    with pytest.raises(ParameterError, match=message):
        make_plan(suite(datasets=(dataset,)), resources)


def test_a_domain_is_never_its_own_source(suite, resources):
    with pytest.raises(PlanError, match="nothing can run"):
        make_plan(suite(("source-only",), datasets=("blobs[day->day]",), budgets=("0",)), resources)


def test_a_suite_without_blocks_is_refused(suite, resources):
    with pytest.raises(PlanError, match="nothing can run"):
        make_plan(dataclasses.replace(suite(), blocks=()), resources)


# ---- what cannot run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategies", "backbones", "datasets", "budgets", "sentence"),
    [
        (("finetune",), ("tiny",), ("lone",), ("1-shot",), "finetune needs a pretrained backbone"),
        (("source-only",), ("tiny",), ("lone",), ("0",), "source-only needs a labelled source"),
        (
            ("dann",),
            ("tiny",),
            ("blobs[letters->day]",),
            ("0",),
            "the source has 6 classes, the target 4, 0 of them shared",
        ),
        (("adabn",), ("tiny",), ("blobs",), ("1-shot",), "adabn"),
        (
            ("linear-probe",),
            ("tiny",),
            ("lone",),
            ("0",),
            "linear-probe needs 1 target label per class; budget 0 gives 0",
        ),
        (("linear-probe",), ("tiny",), ("blobs",), ("3",), "needs 1 target label per class; budget 3 gives 0"),
        (("pca-kmeans",), ("tiny",), ("lone",), ("1-shot",), "pca-kmeans uses no labels; choose budget 0"),
        (("stacking",), ("tiny.corners",), ("lone",), ("1-shot",), "stacking learns from validation labels"),
    ],
)
def test_what_makes_no_sense_is_skipped_with_a_sentence(
    strategies, backbones, datasets, budgets, sentence, suite, resources
):
    plan = make_plan(
        dataclasses.replace(
            suite((*strategies, "scratch"), backbones, datasets, budgets),
            blocks=(
                Block((*strategies, "scratch"), backbones, datasets, budgets),
                Block(("scratch",), ("tiny",), ("lone",), ("1-shot",)),
            ),
        ),
        resources,
    )
    assert sentence in plan.skips[0].reason
    assert plan.skips[0].cells == 2
    assert plan.cells


def test_validation_out_of_one_label_per_class_is_skipped(suite, resources):
    plan = make_plan(suite(budgets=("1-shot", "2-shot"), protocol=Protocol(validation=0.5)), resources)
    assert [skip.budget for skip in plan.skips] == ["1-shot"]
    assert "Use 2-shot or more, or validation = 0." in plan.skips[0].reason


def test_a_budget_larger_than_the_data_is_an_error_that_says_what_would_fit(suite, resources):
    with pytest.raises(DataError, match=r"class 'few' of the training split of lone has 3. Use 3-shot at most."):
        make_plan(suite(datasets=("lone",), budgets=("4-shot",)), resources)
    with pytest.raises(DataError, match=r"budget 99 needs 99 labels; the training split of blobs .day. has 80"):
        make_plan(suite(budgets=("99",)), resources)


def test_a_budget_that_is_not_the_users_own_choice_is_skipped_where_it_is_too_large(suite, resources):
    plan = make_plan(suite(datasets=("lone",), budgets=("2-shot", "5-shot"), too_large_budgets_skip=True), resources)
    assert ([cell.budget.amount for cell in plan.cells], [skip.budget for skip in plan.skips]) == ([2, 2], ["5-shot"])


def test_a_plan_in_which_everything_is_skipped_is_an_error_that_says_why(suite, resources):
    with pytest.raises(
        PlanError, match=r"all combinations of suite 'toy' are skipped\. finetune needs .* \(1 more reasons"
    ):
        make_plan(suite(("finetune", "source-only"), ("tiny",), ("lone",), ("1-shot",)), resources)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"strategies": ("finetun",)}, UnknownNameError),
        ({"backbones": ("tinny",)}, UnknownNameError),
        ({"datasets": ("blob",)}, UnknownNameError),
        ({"strategies": ("finetune(rate=1)",)}, ParameterError),
        ({"strategies": ("finetune(steps=0)",)}, ParameterError),
        ({"strategies": ("finetune(steps=1.5)",)}, ParameterError),
        ({"strategies": ("finetune(lr=true)",)}, ParameterError),
        ({"datasets": ("blobs(each=many)",)}, ParameterError),
    ],
)
def test_unknown_names_and_wrong_parameters_stop_the_plan(change, error, suite, resources):
    with pytest.raises(error):
        make_plan(suite(**change), resources)


def test_few_replicates_are_warned_of(suite, resources):
    (warning,) = make_plan(suite(("linear-probe", "scratch"), replicates=1), resources).warnings
    assert "one replicate says nothing of other labels and seeds" in warning
    assert make_plan(suite(("linear-probe", "scratch"), replicates=2), resources).warnings == ()


# ---- identity --------------------------------------------------------------------------------------------------


def test_ids_are_the_same_in_every_process_and_for_every_path_of_the_plugin(suite, resources, toy, tmp_path):
    shutil.copytree(toy.parent, tmp_path / "moved")
    moved = Resources(Catalog(Host([tmp_path / "moved" / "toy.py"])), resources.cache)
    assert ids(make_plan(suite(), moved)) == ids(make_plan(suite(), resources))


def test_ids_do_not_depend_on_where_the_data_lie(suite, resources, tmp_path):
    generator = np.random.default_rng(0)
    arrays = {
        "x_train": generator.integers(0, 255, (12, 8, 8), dtype=np.uint8), "y_train": np.arange(12) % 2,
        "x_test": generator.integers(0, 255, (6, 8, 8), dtype=np.uint8), "y_test": np.arange(6) % 2,
    }  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    here, there = tmp_path / "data.npz", tmp_path / "elsewhere" / "data.npz"
    np.savez(here, **arrays)
    np.savez(there, **arrays)
    first = make_plan(suite(datasets=(f"npz:{here}",)), resources)
    assert ids(first) == ids(make_plan(suite(datasets=(f"npz:{there}",)), resources))
    arrays["x_train"][0, 0, 0] ^= 1
    np.savez(there, **arrays)
    changed = Resources(resources.catalog, resources.cache)
    assert not set(ids(first)) & set(ids(make_plan(suite(datasets=(f"npz:{there}",)), changed)))


def test_ids_do_not_depend_on_where_the_weights_lie_but_on_what_they_are(suite, resources, toy, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = toy.with_name("tiny.safetensors")
    copy = shutil.copy(weights, tmp_path / "copy.safetensors")
    first = ids(make_plan(suite(backbones=(f"tiny@{weights}",)), resources))
    assert ids(make_plan(suite(backbones=(f"tiny@{copy}",)), resources)) == first
    state = load_file(weights)
    state["layers.5.bias"][0] += 1e-6
    save_file(state, tmp_path / "other.safetensors")
    assert not set(ids(make_plan(suite(backbones=(f"tiny@{tmp_path / 'other.safetensors'}",)), resources))) & set(first)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"recipe": Recipe(steps=6, batch_size=8)},
        {"protocol": Protocol(validation=0.5)},
        {"budgets": ("3-shot",)},
        {"backbones": ("tiny",)},
        {"datasets": ("blobs[->night]",)},
        {"datasets": ("blobs(each=19)[->day]",)},
        {"strategies": ("linear-probe(strength=2)",)},
    ],
)
def test_whatever_may_change_a_score_changes_the_id(change, suite, resources):
    assert not set(ids(make_plan(suite(), resources))) & set(ids(make_plan(suite(**change), resources)))


def test_a_new_version_of_a_strategy_gives_new_cells(suite, resources, plugin_file, toy):
    text = (
        "from dataclasses import dataclass\nfrom torch import nn\nfrom tlbench import Family, Strategy, hookimpl\n"
        "@dataclass(frozen=True)\nclass Mine(Strategy):\n    name = 'mine'\n    version = '1'\n"
        "    family = Family.EXTRACT\n"
        "    def fit(self, task, bench):\n        return nn.Identity()\n"
        "@hookimpl\ndef tlbench_strategies():\n    return [Mine]\n"
    )
    plans = [
        make_plan(suite(("mine",)), Resources(Catalog(Host([toy, plugin_file(version)])), resources.cache))
        for version in (text, text.replace("'1'", "'2'"), text.replace("nn.Identity()", "None"))
    ]
    assert not set(ids(plans[0])) & set(ids(plans[1]))
    assert ids(plans[0]) == ids(plans[2])  # the source's hash is provenance; a version is a promise


def test_replicates_and_more_of_them_leave_the_first_ones_their_ids(suite, resources):
    assert ids(make_plan(suite(replicates=4), resources))[:2] == ids(make_plan(suite(replicates=2), resources))


def test_a_dataset_with_one_class_is_refused(suite, resources, plugin_file, toy):
    text = toy.read_text().replace('classes = ("many", "few")', 'classes = ("many",)')
    lonely = Resources(Catalog(Host([plugin_file(text, "lonely.py")])), resources.cache)
    with pytest.raises(DataError, match="lone needs two or more distinct classes"):
        make_plan(suite(backbones=("tiny",), datasets=("lone",)), lonely)


def test_a_plan_in_json_names_cells_skips_and_the_suite(suite, resources):
    import json

    plan = make_plan(suite(("linear-probe", "dann")), resources)
    stored = json.loads(json.dumps(plan.summary()))
    assert stored["cells"] == ids(plan)
    assert stored["skips"][0]["strategy"] == "dann"
    assert stored["suite"]["name"] == "toy"


# ---- episodes and ensembles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "rules", "sentence"),
    [
        ("5-way 1-shot", {}, "budget 5-way 1-shot needs 5 classes; blobs .day. has 4. Use 4-way at most."),
        ("2-way 21-shot", {}, "21 training examples .* 0 of the 4 classes of blobs .day. have them"),
        ("2-way 1-shot", {"queries": 11}, "11 test examples .queries. each; 0 of the 4 classes"),
    ],
)
def test_episodes_that_the_data_cannot_fill_are_refused_before_anything_runs(suite, resources, budget, rules, sentence):
    protocol = Protocol(**{"queries": 2} | rules)
    with pytest.raises(DataError, match=sentence):
        make_plan(suite(budgets=(budget,), protocol=protocol), resources)


def test_an_ensemble_learns_from_no_member_that_stores_no_validation_predictions(suite, resources):
    strategies = ("linear-probe", "tim", "stacking(members=(linear-probe, tim))")
    plan = make_plan(suite(strategies, budgets=("5-shot",), protocol=Protocol(validation=0.4)), resources)
    ((skipped, reason),) = {(skip.strategy, skip.reason) for skip in plan.skips}
    assert skipped.startswith("stacking")
    assert "tim stores no such predictions" in reason


def test_an_ensemble_is_in_the_setting_of_its_members_and_from_their_source(suite, resources):
    strategies = ("coral", "mcc", "vote(members=(coral, mcc))", "tim", "vote(members=(tim,))")
    plan = make_plan(suite(strategies, datasets=("blobs[day->night]",), budgets=("0", "2-shot")), resources)
    votes = {
        (cell.labels["budget"], cell.labels["source"], cell.labels["setting"]) for cell in plan.cells if cell.members
    }
    assert votes == {("0", "day", "inductive"), ("2-shot", "day", "inductive"), ("2-shot", "", "transductive")}


def test_what_learns_a_fixed_set_of_classes_runs_in_no_episodes(suite, resources):
    rules = {"budgets": ("2-way 1-shot",), "protocol": Protocol(queries=2)}
    plan = make_plan(suite(("coral", "prototypes"), datasets=("blobs[day->night]",), **rules), resources)
    ((skipped, reason),) = {(skip.strategy, skip.reason) for skip in plan.skips}
    assert skipped == "coral"
    assert "coral learns a fixed set of classes" in reason


def test_rules_of_episodes_are_no_part_of_other_cells(suite, resources):
    one, other = (
        make_plan(suite(budgets=("2-way 1-shot", "1-shot"), protocol=Protocol(queries=queries)), resources)
        for queries in (2, 3)
    )
    shared = {cell.id for cell in one.cells} & {cell.id for cell in other.cells}
    assert {str(cell.budget) for cell in one.cells if cell.id in shared} == {"1-shot"}
