"""The one training loop: what it changes, what it leaves alone, and when it stops."""

import copy

import pytest
import torch
from small_tasks import same
from torch import nn

from tlbench import Episodes, Labelled, Recipe
from tlbench.errors import TrainingError
from tlbench.learning import cross_entropy, predict, train
from tlbench.learning.training import Group, accuracy_and_fit, schedule_factor

CPU = torch.device("cpu")
PLAIN = Recipe(steps=20, batch_size=8, augment="none", lr=0.05)


def network():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


def data(count=24):
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(1))
    return Labelled(inputs, inputs[:, :3].argmax(dim=1))


def fitted(model=None, recipe=PLAIN, streams=None, loss=None, **arguments):
    model = network() if model is None else model
    trained = train(
        model, loss or cross_entropy(), streams or [data()], recipe, device=CPU,
        order_seed=arguments.pop("order_seed", 5), **arguments,
    )  # fmt: skip
    return model, trained


def snapshot(module):
    return copy.deepcopy(module.state_dict())


def test_training_lowers_the_loss():
    examples = data()
    before = nn.functional.cross_entropy(predict(network(), examples.inputs, CPU), examples.labels)
    model, trained = fitted(recipe=PLAIN.but(steps=60))
    after = nn.functional.cross_entropy(predict(model, examples.inputs, CPU), examples.labels)
    assert after < before / 2
    assert trained.steps == 60
    assert trained.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_equal_seeds_give_equal_bits_whatever_the_global_generators_did():
    first, _ = fitted()
    torch.manual_seed(123)
    torch.rand(7)
    again, _ = fitted()
    other, _ = fitted(order_seed=6)
    assert same(first.state_dict(), again.state_dict())
    assert not same(first.state_dict(), other.state_dict())


def test_the_model_is_left_in_evaluation_mode():
    assert not fitted()[0].training


def test_frozen_modules_keep_parameters_and_statistics_to_the_last_bit():
    model = network()
    frozen = nn.ModuleList([model[0], model[1]])
    before = snapshot(frozen)
    rest = snapshot(model[3])
    _, trained = fitted(model, frozen=[model[0], model[1]])
    assert same(before, frozen.state_dict())
    assert not same(rest, model[3].state_dict())
    assert trained.parameters == 6 * 3 + 3


def test_fixed_statistics_keep_running_means_while_the_weights_of_the_norm_train():
    model = network()
    before = snapshot(model[1])
    fitted(model, fixed_statistics=True)
    after = model[1].state_dict()
    assert all(torch.equal(before[key], after[key]) for key in ("running_mean", "running_var", "num_batches_tracked"))
    assert not torch.equal(before["weight"], after["weight"])
    moving, _ = fitted()
    assert not torch.equal(moving[1].running_mean, before["running_mean"])


def test_a_groups_rate_multiplies_the_recipes():
    def moved(groups):
        model = network()
        before = snapshot(model)
        recipe = Recipe(
            optimizer="sgd",
            momentum=0.0,
            weight_decay=0.0,
            clip_norm=0.0,
            steps=1,
            warmup=0,
            batch_size=24,
            augment="none",
        )
        fitted(model, recipe, groups=groups(model))
        return {key: value - before[key] for key, value in model.state_dict().items()}

    plain, grouped = moved(lambda model: []), moved(lambda model: [Group(model[3], 10.0)])
    assert torch.allclose(grouped["3.weight"], 10 * plain["3.weight"], atol=1e-6)
    assert torch.equal(grouped["0.weight"], plain["0.weight"])


def test_biases_and_norms_are_not_decayed():
    model = network()
    before = snapshot(model)
    recipe = PLAIN.but(weight_decay=0.9, steps=5)
    train(
        model,
        lambda model, batch: 0 * model(batch[0]).sum(),
        [data()],
        recipe,
        device=CPU,
        order_seed=0,
        fixed_statistics=True,
    )
    assert torch.equal(model[0].bias, before["0.bias"])
    assert torch.equal(model[1].weight, before["1.weight"])
    assert (model[0].weight.abs() < before["0.weight"].abs()).all()


def test_companions_train_beside_the_model():
    companion = nn.Linear(3, 1)
    before = snapshot(companion)

    def loss(model, batch):
        return nn.functional.cross_entropy(model(batch[0]), batch[1]) + companion(model(batch[0])).square().mean()

    fitted(loss=loss, companions=[companion])
    assert not same(before, companion.state_dict())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_step(value):
    step = 0

    def loss(model, batch):
        nonlocal step
        step += 1
        return model(batch[0]).sum() * (value if step == 31 else 1e-3)

    with pytest.raises(TrainingError, match=f"the loss became (nan|-?{value}) at step 31. Try a smaller lr."):
        fitted(loss=loss, recipe=PLAIN.but(steps=60, lr=1e-6))


def test_two_half_batches_make_the_step_of_a_whole_one():
    stateless = network()
    stateless[1] = nn.Identity()
    whole, halves = copy.deepcopy(stateless), copy.deepcopy(stateless)
    recipe = PLAIN.but(optimizer="sgd", clip_norm=0.0)
    fitted(whole, recipe.but(batch_size=8))
    fitted(halves, recipe.but(batch_size=4, accumulate=2))
    assert torch.allclose(whole[0].weight, halves[0].weight, atol=1e-6)
    assert not torch.allclose(whole[0].weight, stateless[0].weight, atol=1e-3)


def test_clipping_bounds_the_step_of_plain_descent():
    def length(clip):
        model = network()
        before = torch.cat([parameter.detach().clone().flatten() for parameter in model.parameters()])
        recipe = Recipe(
            optimizer="sgd",
            momentum=0.0,
            weight_decay=0.0,
            lr=1.0,
            steps=1,
            warmup=0,
            clip_norm=clip,
            batch_size=24,
            augment="none",
        )
        fitted(model, recipe, loss=lambda model, batch: 100 * nn.functional.cross_entropy(model(batch[0]), batch[1]))
        after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        return float((after - before).norm())

    assert length(0.5) == pytest.approx(0.5, rel=1e-3)
    assert length(0.0) > 5


def test_the_schedule_warms_up_and_falls_as_a_cosine():
    recipe = Recipe(steps=100, warmup=0.1)
    assert [schedule_factor(step, recipe) for step in (0, 9, 10, 55)] == pytest.approx([1 / 11, 10 / 11, 1.0, 0.5])
    assert 0 < schedule_factor(99, recipe) < 0.001
    constant = recipe.but(schedule="constant", warmup=0.0)
    assert {schedule_factor(step, constant) for step in range(100)} == {1.0}


def accuracy_on(model, labelled):
    return lambda step: accuracy_and_fit(predict(model, labelled.inputs, CPU), labelled.labels)


def test_selection_keeps_the_step_that_was_best_on_validation_and_of_equals_the_earlier():
    validation = data(30)
    states = {}

    def loss(model, batch):
        # Learn until step 20, then unlearn: the best look is in the middle.
        step = len(states)
        states[step] = snapshot(model)
        return (1 if step < 20 else -3) * nn.functional.cross_entropy(model(batch[0]), batch[1])

    recipe = PLAIN.but(steps=60, evaluate_every=5, schedule="constant")
    model = network()
    model, trained = fitted(model, recipe=recipe, loss=loss, select_by=accuracy_on(model, validation))
    assert trained.selected_step % 5 == 0
    assert 5 <= trained.selected_step <= 30
    assert same(states[trained.selected_step], model.state_dict())
    assert fitted()[1].selected_step is None


def test_looking_at_validation_does_not_change_what_is_trained():
    looked = []

    def loss(model, batch):
        looked.append(batch[0].clone())
        return cross_entropy()(model, batch)

    model = network()
    fitted(model, loss=loss, select_by=accuracy_on(model, data(10)), recipe=PLAIN.but(evaluate_every=1))
    with_looks, looked[:] = list(looked), []
    fitted(loss=loss)
    assert all(torch.equal(one, other) for one, other in zip(with_looks, looked, strict=True))


def test_an_empty_stream_is_refused_in_words():
    with pytest.raises(TrainingError, match="a training stream is empty"):
        fitted(streams=[Labelled(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))])


def test_nothing_to_train_is_refused_in_words():
    model = network()
    with pytest.raises(TrainingError, match="every parameter is frozen"):
        fitted(model, frozen=[model])


def test_each_stream_gives_one_batch_a_step_of_its_own_kind():
    seen = []
    episodes = Episodes(data(60), n_way=3, k_shot=2, n_query=1)

    def loss(model, labelled, unlabelled, episode):
        seen.append((labelled[0].shape, labelled[1].shape, unlabelled.shape, len(episode.support), len(episode.query)))
        return model(labelled[0]).square().mean()

    fitted(loss=loss, streams=[data(24), data(5).inputs, episodes], recipe=PLAIN.but(steps=3))
    assert seen == [((8, 4), (8,), (5, 4), 6, 3)] * 3


def test_an_epoch_shows_every_example_once():
    seen = []

    def loss(model, batch):
        seen.extend(batch[0][:, 0].tolist())
        return model(batch[0]).sum() * 0

    examples = data(20)
    fitted(loss=loss, streams=[examples], recipe=PLAIN.but(steps=5))
    assert sorted(seen[:20]) == sorted(seen[20:]) == sorted(examples.inputs[:, 0].tolist())
    assert seen[:20] != seen[20:]


def test_training_leaves_the_tensors_of_its_streams_alone():
    images = Labelled(torch.randint(0, 255, (12, 1, 8, 8), dtype=torch.uint8), torch.arange(12) % 3)
    before = images.inputs.clone()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    fitted(
        model,
        PLAIN.but(augment="shift-flip"),
        [images],
        lambda model, batch: cross_entropy()(model, (batch[0] / 255, batch[1])),
    )
    assert torch.equal(images.inputs, before)


def test_bf16_trains_and_keeps_float32_parameters():
    model, trained = fitted(recipe=PLAIN.but(precision="bf16"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert trained.final_loss < 1.5


def test_predictions_do_not_depend_on_neighbours():
    model, examples = fitted()[0], data(9)
    whole = predict(model.train(), examples.inputs, CPU)
    alone = torch.cat([predict(model, examples.inputs[row : row + 1], CPU) for row in range(9)])
    assert torch.allclose(whole, alone, atol=1e-6)
