"""Suites: read from TOML with every slip named, and narrowed by what a user chooses."""

from dataclasses import replace

import pytest

from tlbench import Block, Budget, ParameterError, Suite
from tlbench.contract import load_suite, suite_from_mapping
from tlbench.host import Catalog, Host

WHOLE = """
name = "mine"
description = "Two blocks."
strategies = ["scratch"]
backbones = "resnet18"
replicates = 7
seed = 3
validation = 0.2

[recipe]
steps = 9
precision = "bf16"

[[block]]
datasets = ["digits"]
budgets = [5, "10%", "full"]

[[block]]
strategies = ["linear-probe", "finetune(lr=1e-4)"]
datasets = ["glyphs"]
budgets = "1-shot"
"""


def read(tmp_path, text):
    path = tmp_path / "suite.toml"
    path.write_text(text)
    return load_suite(path)


def refusal(data):
    base = {"strategies": ["scratch"], "backbones": ["a"], "datasets": ["d"], "budgets": ["full"]}
    with pytest.raises(ParameterError) as caught:
        suite_from_mapping({key: value for key, value in (base | data).items() if value is not ...})
    return str(caught.value)


def test_blocks_take_from_the_top_what_they_do_not_say_themselves(tmp_path):
    suite = read(tmp_path, WHOLE)
    assert suite.blocks == (
        Block(("scratch",), ("resnet18",), ("digits",), ("5", "10%", "full")),
        Block(("linear-probe", "finetune(lr=1e-4)"), ("resnet18",), ("glyphs",), ("1-shot",)),
    )
    assert (suite.name, suite.replicates, suite.seed, suite.protocol.validation) == ("mine", 7, 3, 0.2)
    assert (suite.recipe.steps, suite.recipe.precision, suite.recipe.lr) == (9, "bf16", 1e-3)


def test_a_suite_without_blocks_is_one_block_and_named_by_its_file(tmp_path):
    suite = read(tmp_path, 'strategies=["s"]\nbackbones=["b"]\ndatasets=["d"]\nbudgets=["0"]')
    assert suite.name == "suite"
    assert suite.blocks == (Block(("s",), ("b",), ("d",), ("0",)),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"stratgies": ["x"]}, "suite 'custom' has no key 'stratgies'. Did you mean 'strategies'?"),
        ({"block": [{"budget": ["1-shot"]}]}, "a block of suite 'custom' has no key 'budget'. Did you mean 'budgets'?"),
        ({"recipe": {"stesp": 1}}, "the recipe of suite 'custom' has no key 'stesp'. Did you mean 'steps'?"),
        (
            {"recipe": {"steps": -1}},
            "parameter 'steps' of recipe of suite 'custom': input should be greater than or equal to 0, got -1",
        ),
        ({"recipe": {"schedule": "linear"}}, "'cosine' or 'constant', got 'linear'"),
        ({"recipe": 3}, "suite key 'recipe' has a wrong type: 3"),
        ({"block": {"budgets": ["0"]}}, "write each block under [[block]], with double brackets."),
        ({"budgets": ...}, "suite 'custom' names no budgets. Add budgets = [...], at the top or in every block."),
        ({"strategies": []}, "strategies must be a list of texts, got []"),
        ({"datasets": [1.5]}, "datasets must be a list of texts, got [1.5]"),
        ({"backbones": {"a": 1}}, "backbones must be a list of texts"),
        ({"budgets": ["few"]}, "'few' is not a label budget"),
        ({"budgets": [True]}, "'True' is not a label budget"),
        ({"replicates": "five"}, "suite key 'replicates' has a wrong type: 'five'"),
        ({"replicates": 2.0}, "suite key 'replicates' has a wrong type: 2.0"),
        ({"replicates": True}, "suite key 'replicates' has a wrong type: True"),
        ({"replicates": 0}, "replicates must be at least 1, got 0"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"validation": 1}, "validation must be at least 0 and below 1, got 1.0"),
        ({"name": 3}, "suite key 'name' has a wrong type: 3"),
    ],
)
def test_a_slip_in_a_suite_is_named_with_what_was_probably_meant(data, message):
    assert message in refusal(data)


@pytest.mark.parametrize(("text", "message"), [("a = ", "is not valid TOML"), ("\x00", "is not valid TOML")])
def test_a_file_that_is_no_toml_is_refused(text, message, tmp_path):
    with pytest.raises(ParameterError, match=message):
        read(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"cannot read the suite file .*No such file"):
        load_suite(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ParameterError, match="is not valid TOML"):
        load_suite(tmp_path / "latin.toml")


# ---- narrowed --------------------------------------------------------------------------------------------------

TWO = Suite("two", (Block(("a", "b"), ("net",), ("x",), ("1-shot", "5-shot")), Block(("c",), ("net",), ("y",), ("0",))))


def test_nothing_chosen_changes_nothing():
    assert TWO.narrowed() == TWO


def test_chosen_strategies_meet_every_dataset_and_budget_of_the_suite():
    narrowed = TWO.narrowed(strategies=("mine",))
    assert narrowed.blocks == (Block(("mine",), ("net",), ("x", "y"), ("1-shot", "5-shot", "0")),)
    assert (narrowed.name, narrowed.narrows) == ("x+y-mine", "two")
    told = replace(TWO, description="all of it, in a minute")
    assert (told.narrowed().description, told.narrowed(strategies=("mine",)).description) == (told.description, "")


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"datasets": ("folder:~/pictures/flowers?domains",)}, "flowers-two"),
        ({"datasets": ("csv:table.csv",), "budgets": ("5-shot",)}, "table-two-5-shot"),
        ({"strategies": ("scratch", "linear-probe")}, "x+y-scratch-vs-linear-probe"),
        ({"strategies": ("finetune(lr=0.1)", "a", "b", "c"), "datasets": ("d[p->q]",)}, "d-4-strategies"),
        ({"strategies": ("finetune(lr=0.1)",), "backbones": ("net@my/file.pt",)}, "x+y-finetune-lr-0.1-net"),
        ({"datasets": ("folder:" + "long" * 30,)}, "two"),
    ],
)
def test_a_choice_is_named_as_people_would_name_it(chosen, name):
    assert TWO.narrowed(**chosen).name == name


def test_rules_that_were_chosen_stand_in_the_name():
    ruled = TWO.under(replace(TWO.protocol, validation=0.2)).choosing(("entropy",), "20")
    assert (ruled.name, ruled.narrows) == ("two-validation-0.2-by-entropy-tuned-20-trials", "two")


def test_a_chosen_dataset_replaces_those_of_every_block_and_too_large_budgets_are_skipped():
    narrowed = TWO.narrowed(datasets=("folder:mine",))
    assert [(block.strategies, block.datasets, block.budgets) for block in narrowed.blocks] == [
        (("a", "b"), ("folder:mine",), ("1-shot", "5-shot")),
        (("c",), ("folder:mine",), ("0",)),
    ]
    assert narrowed.too_large_budgets_skip
    assert not TWO.narrowed(datasets=("folder:mine",), budgets=("5-shot",)).too_large_budgets_skip


def test_blocks_that_become_alike_are_one():
    narrowed = TWO.narrowed(strategies=("a",), backbones=("other",), datasets=("z",), budgets=("full",))
    assert narrowed.blocks == (Block(("a",), ("other",), ("z",), ("full",)),)


def test_chosen_budgets_are_checked_at_once():
    with pytest.raises(ParameterError, match="'lots' is not a label budget"):
        TWO.narrowed(budgets=("lots",))


def test_the_quick_suite_has_the_families_of_the_projects_title():
    catalog = Catalog(Host())
    quick = catalog.suite("quick")
    families = {str(catalog.strategy(text)[0].family) for block in quick.blocks for text in block.strategies}
    assert families == {"scratch", "extract", "finetune", "adapt", "few-shot"}
    assert quick.replicates >= 3
    assert {str(Budget.parse(text)) for block in quick.blocks for text in block.budgets} == {
        "0",
        "1-shot",
        "5-shot",
        "20-shot",
    }
