"""Pretraining by a committed recipe: the same bits each time, with a card that says how."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from tlbench import ParameterError
from tlbench.running import pretrain, read_recipe

RECIPE = """
dataset = "blobs"
domain = "day"
seed = 4

[recipe]
steps = 30
batch_size = 16
lr = 1e-2
"""


@pytest.fixture
def recipe(tmp_path):
    def write(text=RECIPE):
        (tmp_path / "recipe.toml").write_text(text)
        return read_recipe(tmp_path / "recipe.toml")

    return write


@pytest.fixture
def made(resources, tmp_path, recipe):
    def make(name, text=RECIPE):
        target = tmp_path / f"{name}.safetensors"
        said = []
        card = pretrain(
            resources.backbone("tiny"),
            recipe(text),
            resources,
            torch.device("cpu"),
            target,
            "tlbench pretrain tiny",
            said.append,
        )
        return target, card, said

    return make


def test_a_recipe_run_twice_gives_the_same_bytes(made):
    first, *_ = made("first")
    torch.manual_seed(77)
    again, *_ = made("again")
    other, *_ = made("other", RECIPE.replace("seed = 4", "seed = 5"))
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_the_weights_are_half_precision_fit_the_backbone_and_name_what_they_are(made, resources):
    target, *_ = made("weights")
    state = load_file(target)
    assert {tensor.dtype for tensor in state.values() if tensor.is_floating_point()} == {torch.float16}
    resources.backbone("tiny").backbone.build(state)
    with safe_open(target, framework="pt") as file:
        assert file.metadata()["pretrained_on"] == "blobs (day, train)"


def test_the_card_tells_recipe_data_seed_accuracy_and_command(made, resources):
    target, card, said = made("card")
    stored = json.loads(target.with_suffix(".card.json").read_text())
    assert stored == json.loads(json.dumps(card))
    assert stored["recipe"]["steps"] == 30
    assert (stored["seed"], stored["examples"], stored["classes"]) == (4, 80, 4)
    assert stored["dataset_fingerprint"] == resources.dataset("blobs").fingerprint
    assert stored["command"] == "tlbench pretrain tiny"
    assert 0.4 < stored["upstream_accuracy"]["test"] <= 1.0
    assert stored["parameters"] == sum(
        parameter.numel() for parameter in resources.backbone("tiny").backbone.build(None).parameters()
    )
    assert "30 steps" in said[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECIPE.replace("domain", "domian"), "has no key 'domian'. Did you mean 'domain'?"),
        (RECIPE.replace("steps", "stesp"), "has no parameter 'stesp'. Did you mean 'steps'?"),
        ("seed = 1", "names no dataset"),
        ("seed =", "cannot read the recipe"),
        ('dataset = "blobs"\nrecipe = 3', "'recipe'"),
        ('dataset = "blobs"\nseed = "x"', "'seed'"),
    ],
)
def test_a_slip_in_a_recipe_is_named(text, message, recipe):
    with pytest.raises(ParameterError, match=message.replace("?", r"\?")):
        recipe(text)


def test_a_domain_that_is_not_there_is_named(made):
    with pytest.raises(ParameterError, match="blobs has no domain 'noon': day, night"):
        made("noon", RECIPE.replace('"day"', '"noon"'))
