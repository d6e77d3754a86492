"""`NAME(pretrained=false)`: a backbone without its weights, for every backbone."""

import pytest
import torch

import tlbench
from tlbench.contract import RandomStart
from tlbench.errors import ParameterError
from tlbench.planning import make_plan


def test_a_random_start_differs_from_its_backbone_in_the_weights_alone(resources):
    trained, start = (resources.backbone(text) for text in ("tiny.corners", "tiny.corners(pretrained=false)"))
    assert isinstance(start.backbone, RandomStart)
    assert trained.identity | {"weights": None} == start.identity
    assert trained.identity["weights"]
    assert start.backbone.label == "tiny.corners [random start]"
    assert start.backbone.pretrained_on is None
    torch.manual_seed(0)
    drawn = start.backbone.build(trained.weights).state_dict()
    torch.manual_seed(0)
    for name, value in trained.backbone.build(None).state_dict().items():
        assert torch.equal(value, drawn[name])


def test_pretrained_true_is_the_backbone_itself(resources):
    assert resources.backbone("tiny.corners(pretrained=true)").identity == resources.backbone("tiny.corners").identity


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tiny.corners(pretrained=maybe)", "pretrained is true or false, got 'maybe'"),
        ("tiny(pretrained=false)", "tiny has no weights, and starts at random as it is"),
        ("tinny(pretrained=false)", "Did you mean 'tiny'"),
    ],
)
def test_what_cannot_be_meant_is_refused(resources, text, reason):
    with pytest.raises(tlbench.TlbenchError, match=reason):
        resources.catalog.backbone(text)


def test_fine_tuning_a_random_start_is_planned_where_it_is_asked_for(suite, resources):
    plan = make_plan(suite(("finetune",), backbones=("tiny.corners(pretrained=false)",)), resources)
    assert len(plan.cells) == 2
    assert not plan.skips


def test_a_parameter_without_meaning_is_named(resources):
    with pytest.raises(ParameterError):
        resources.catalog.backbone("tiny.corners(pretraind=false)")
