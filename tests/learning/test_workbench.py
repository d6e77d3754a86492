"""The tools of a fit: fresh copies, cached features, checked heads, seeded draws."""

import pytest
import torch
from small_tasks import same
from torch import nn

from tlbench import PluginError
from tlbench.contract import Labelled
from tlbench.learning import cross_entropy, seed_everything
from tlbench.seeds import derive


@pytest.fixture
def bench(tiny_bench):
    return lambda backbone="tiny.corners", replicate=0, **rest: tiny_bench(
        backbone=backbone, replicate=replicate, **rest
    )


def data(count=16):
    generator = torch.Generator().manual_seed(0)
    return Labelled(
        torch.randint(0, 255, (count, 1, 8, 8), dtype=torch.uint8, generator=generator), torch.arange(count) % 4
    )


def test_every_backbone_is_a_pristine_copy_after_another_was_trained(bench):
    tools = bench()
    first = tools.backbone()
    tools.train(tools.classifier(nn.Linear(8, 4), first), cross_entropy(), data())
    fresh = tools.backbone()
    assert not same(first, fresh)
    assert same(fresh, bench().backbone())
    assert not any(map(torch.equal, fresh.parameters(), first.parameters()))


def test_the_frozen_backbone_stays_as_it_was_through_training_on_top_of_it(bench):
    tools = bench()
    before = tools.backbone()
    model = tools.classifier(nn.Linear(8, 4))
    tools.train(model, cross_entropy(), data())
    assert same(before, tools.frozen_backbone().module)
    assert not tools.frozen_backbone().train().module.training
    assert tools.journal.trained_parameters == 8 * 4 + 4


def test_a_random_start_depends_on_the_replicate_and_not_on_the_global_state(bench):
    torch.manual_seed(1)
    first = bench().backbone(pretrained=False)
    torch.manual_seed(2)
    assert same(first, bench().backbone(pretrained=False))
    assert same(first, bench("tiny.corners").backbone(pretrained=False))
    assert not same(first, bench(replicate=1).backbone(pretrained=False))
    assert not same(first, bench().backbone())


def test_making_a_backbone_leaves_the_global_generator_where_it_was(bench):
    before = torch.random.get_rng_state()
    bench().backbone(pretrained=False)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_layer_made_first_in_fit_starts_alike_in_every_strategy(bench):
    def head(tools, backbone_first):
        seed_everything(5)  # as every cell begins
        if backbone_first:
            tools.backbone()
            tools.features(data().inputs)
        return nn.Linear(8, 4)

    assert same(head(bench(), False), head(bench(), True))


def test_a_head_of_a_wrong_width_is_refused_with_both_numbers(bench):
    with pytest.raises(PluginError, match=r"into shape \(2, 3\); the task has 4 classes, so it must be \(2, 4\)"):
        bench().classifier(nn.Linear(8, 3))


def test_checking_a_head_leaves_its_mode_and_statistics_alone(bench):
    head = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 4))
    bench().classifier(head)
    assert head.training
    assert head[0].num_batches_tracked == 0


def test_features_of_known_tensors_come_from_where_they_are_kept(bench):
    examples, asked = data(), []

    def kept():
        asked.append(1)
        return torch.full((16, 8), 7.0)

    tools = bench(known_features=[(examples.inputs, kept)])
    assert tools.features(examples.inputs)[0, 0] == 7
    assert tools.features(examples.inputs.clone())[0, 0] != 7
    assert len(asked) == 1


def test_features_are_those_of_the_backbone_in_evaluation_mode(bench):
    tools, examples = bench(), data()
    with torch.no_grad():
        expected = tools.backbone().eval()(examples.inputs)
    assert torch.allclose(tools.features(examples.inputs), expected, atol=1e-6)
    assert not tools.features(examples.inputs).requires_grad


def test_generators_depend_on_purpose_and_replicate_alone(bench):
    def draws(tools, purpose):
        return torch.rand(3, generator=tools.generator(purpose)).tolist()

    torch.manual_seed(3)
    assert draws(bench(), "mixup") == draws(bench("tiny"), "mixup")
    assert draws(bench(), "mixup") != draws(bench(), "crop")
    assert draws(bench(), "mixup") != draws(bench(replicate=1), "mixup")


def test_notes_are_plain_json(bench):
    tools = bench()
    tools.note("rates", [1, 2.5, None, {"a": "b"}])
    assert tools.journal.notes == {"rates": [1, 2.5, None, {"a": "b"}]}
    with pytest.raises(PluginError, match="takes plain JSON values, got Tensor"):
        tools.note("weights", torch.ones(2))


def test_the_tasks_validation_selects_unless_told_otherwise(bench):
    tools = bench(validation=data(8))
    tools.train(tools.classifier(nn.Linear(8, 4)), cross_entropy(), data())
    assert "training_1_selected_step" in tools.journal.notes
    tools.train(tools.classifier(nn.Linear(8, 4)), cross_entropy(), data(), select_on=None)
    assert "training_2_selected_step" not in tools.journal.notes


def test_two_trainings_of_a_fit_have_orders_of_their_own_and_repeat(bench):
    def orders(tools):
        seen = [[], []]
        for call in (0, 1):

            def loss(model, batch, call=call):
                seen[call].append(batch[0].sum().item())
                return cross_entropy()(model, batch)

            tools.train(tools.classifier(nn.Linear(8, 4)), loss, data())
        return seen

    first = orders(bench())
    assert first[0] != first[1]
    assert orders(bench()) == first


def test_a_head_starts_alike_whatever_was_drawn_before_it(bench):
    seed_everything(1)
    first = bench().head()
    torch.rand(3)
    drawn_before = bench().head()
    assert same(first, drawn_before)
    assert not same(first, bench(replicate=1).head())


def test_a_head_that_is_made_first_thing_has_the_bits_that_the_global_generator_gives(bench):
    tools = bench()
    seed_everything(derive(0, "init", backbone="tiny.corners", replicate=0))  # as a run does before it fits
    expected, second = nn.Linear(8, 4), nn.Linear(8, 4)
    after = torch.random.get_rng_state()
    seed_everything(derive(0, "init", backbone="tiny.corners", replicate=0))
    assert same(tools.head(), expected)
    assert same(tools.head(), second)
    assert torch.equal(torch.random.get_rng_state(), after)
