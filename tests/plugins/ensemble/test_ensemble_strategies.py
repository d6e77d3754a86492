"""Ensembles: against scikit-learn, their formulas, and each other; members are reused and never trained again."""

import dataclasses

import numpy as np
import pytest
import small_tasks
import torch
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from small_tasks import CORNERS, corners
from torch import nn
from torch.nn import functional as F

from tlbench import DataError, Labelled, Member, Recipe, Task
from tlbench.contract import Protocol
from tlbench.errors import ParameterError, PlanError
from tlbench.learning import seed_everything
from tlbench.planning import make_plan
from tlbench.running import Where, execute_plan
from tlbench.running.before_run import pending_cells
from tlbench_ensemble import bagging
from tlbench_ensemble.averaging import Averaged, log_mean
from tlbench_ensemble.bagging import Bagging, bootstrap
from tlbench_ensemble.boosting import Boosting, Trees, samme
from tlbench_ensemble.model_soup import ModelSoup, greedy, mean
from tlbench_ensemble.snapshot import Snapshot
from tlbench_ensemble.stacking import Combination, Stacking
from tlbench_ensemble.vote import Vote

PAIR = ("linear-probe", "nearest-mean")


@pytest.fixture
def make(tiny_bench):
    """Return a task, and a bench over the pretrained tiny network."""

    def build(count=24, val=None, members=(), recipe=None):
        bench = tiny_bench(recipe=recipe or Recipe(steps=6, batch_size=8), validation=val, members=members)
        return Task(CORNERS, corners(count, 1), val), bench

    return build


def fit(strategy, task, bench):
    return small_tasks.fit(strategy, task, bench).eval()


def outputs(model, inputs):
    with torch.no_grad():
        return model(inputs)


def trainings(bench):
    return sum(key.endswith("final_loss") for key in bench.journal.notes)


def some_logits(*shape, seed=0, scale=3.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Votes


def test_a_soft_vote_is_the_mean_of_the_probabilities():
    logits = some_logits(50, 3, 4)
    voted = outputs(Vote().fit(None, None), logits)
    assert torch.allclose(voted.exp(), logits.softmax(2).mean(1), atol=1e-6)


def test_the_votes_of_one_member_are_its_own_predictions():
    logits = some_logits(50, 1, 4)
    assert torch.allclose(outputs(Vote().fit(None, None), logits), logits[:, 0].log_softmax(1), atol=1e-6)
    assert torch.equal(outputs(Vote(rule="hard").fit(None, None), logits).argmax(1), logits[:, 0].argmax(1))


def test_a_hard_vote_follows_the_majority_against_a_surer_member():
    logits = torch.tensor([[[0.1, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 90.0, 0.0]]])
    assert outputs(Vote().fit(None, None), logits).argmax() == 1
    shares = outputs(Vote(rule="hard").fit(None, None), logits).exp()
    assert shares.argmax() == 0
    assert float(shares.sum()) == pytest.approx(1, abs=1e-6)


def test_of_equally_many_votes_the_mean_probability_decides():
    logits = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    assert outputs(Vote(rule="hard").fit(None, None), logits).argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize("rule", ["soft", "hard"])
def test_votes_stay_finite_where_members_are_certain(rule):
    logits = torch.tensor([[[3e4, 0.0, -3e4], [3e4, 0.0, 0.0]]])
    assert outputs(Vote(rule=rule).fit(None, None), logits).isfinite().all()


# Bagging


def test_a_bootstrap_sample_draws_with_replacement_and_leaves_no_class_out():
    labels = torch.tensor([0] * 30 + [1] + [2] * 5)
    generator = torch.Generator().manual_seed(0)
    samples = [bootstrap(labels, generator) for _ in range(40)]
    assert all(set(labels[rows].tolist()) == {0, 1, 2} for rows in samples)
    assert all(len(labels) <= len(rows) <= len(labels) + 2 for rows in samples)
    assert any(len(rows) > len(labels) for rows in samples)  # the single example was missed
    assert len({tuple(rows.tolist()) for rows in samples}) == 40
    unique = np.mean([len(rows[: len(labels)].unique()) / len(labels) for rows in samples])
    assert unique == pytest.approx(1 - np.exp(-1), abs=0.04)


def test_bagging_of_one_sample_that_is_all_labels_is_scikit_learns_logistic_regression(make, monkeypatch):
    monkeypatch.setattr(bagging, "bootstrap", lambda labels, generator: torch.arange(len(labels)))
    task, bench = make()
    test = corners(40, 2)
    train, held_out = (bench.features(part.inputs).double().numpy() for part in (task.train, test))
    mean = train.mean(0)
    scale = np.sqrt(((train - mean) ** 2).mean())
    solved = LogisticRegression(max_iter=1000).fit((train - mean) / scale, task.train.labels)
    expected = solved.predict_proba((held_out - mean) / scale)
    for size in (1, 3):
        found = outputs(fit(Bagging(size=size), task, bench), test.inputs).exp()
        assert np.allclose(found.numpy(), expected, atol=1e-4)


def test_bagged_classifiers_differ_and_repeat(make):
    task, bench = make(12)
    model = fit(Bagging(size=4), task, bench)
    heads = model.head.classifiers
    assert len(heads) == 4
    assert not any(torch.equal(heads[0].weight, head.weight) for head in heads[1:])
    again = fit(Bagging(size=4), *make(12))
    assert torch.equal(heads[3].weight, again.head.classifiers[3].weight)


def test_bagged_networks_are_fine_tuned_one_by_one_and_averaged(make):
    task, bench = make()
    model = fit(Bagging(learner="finetune", size=3, steps=4), task, bench)
    assert trainings(bench) == 3
    inputs = corners(8, 3).inputs
    own = torch.stack([outputs(network, inputs).softmax(1) for network in model.classifiers])
    assert not torch.allclose(own[0], own[1])
    assert torch.allclose(outputs(model, inputs).exp(), own.mean(0), atol=1e-6)


def test_only_bagged_networks_need_weights():
    assert not Bagging().needs().pretrained
    assert Bagging(learner="finetune").needs().pretrained


# Boosting


def blobs(seed, count=60, width=6, classes=3, spread=1.0):
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.random.default_rng(99).normal(size=(classes, width))
    return (centres[labels] + spread * draw.normal(size=(count, width))).astype(np.float32), labels


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_boosting_is_scikit_learns_samme_tree_by_tree(depth, classes):
    features, labels = blobs(1, classes=classes)
    held_out, _ = blobs(2, count=200, classes=classes)
    trees, votes = samme(features, labels, classes, 20, depth, seed=5)
    theirs = AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), n_estimators=20, random_state=5)
    theirs.fit(features, labels)
    assert len(trees) == len(theirs.estimators_) > 3
    assert np.allclose(votes, theirs.estimator_weights_[: len(votes)], rtol=1e-9)
    for own, other in zip(trees, theirs.estimators_, strict=True):
        assert np.array_equal(own.predict(held_out), theirs.classes_[other.predict(held_out).astype(int)])
    logits = outputs(Trees(trees, votes, classes), torch.from_numpy(held_out))
    assert np.array_equal(logits.argmax(1).numpy(), theirs.predict(held_out))


def test_trees_in_tensors_answer_as_scikit_learns_do_on_and_beside_every_threshold():
    features, labels = blobs(3, classes=4)
    trees = [DecisionTreeClassifier(max_depth=depth, random_state=0).fit(features, labels) for depth in (1, 3, None)]
    at = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in trees]).astype(np.float32)
    inputs = np.repeat(at[:, None], features.shape[1], axis=1)
    inputs = np.concatenate([features, inputs, np.nextafter(inputs, np.float32(np.inf)), np.nextafter(inputs, -9)])
    inputs = inputs.astype(np.float32)
    for position, tree in enumerate(trees):
        votes = [float(position == other) for other in range(3)]
        found = outputs(Trees(trees, votes, 4), torch.from_numpy(inputs)).argmax(1)
        assert np.array_equal(found.numpy(), tree.predict(inputs))


def test_boosting_ends_with_a_tree_without_error():
    features, labels = blobs(1, spread=0.01)
    trees, votes = samme(features, labels, 3, 20, 4, seed=0)
    assert (len(trees), votes) == (1, [1.0])


def test_boosting_of_features_that_say_nothing_prefers_no_class():
    trees, votes = samme(np.ones((8, 3), dtype=np.float32), np.arange(8) % 4, 4, 10, 1, seed=0)
    assert not outputs(Trees(trees, votes, 4), torch.randn(5, 3)).any()


def test_boosting_is_a_head_on_the_frozen_backbone_that_repeats(make):
    task, bench = make()
    test = corners(40, 2)
    model = fit(Boosting(rounds=10), task, bench)
    assert torch.equal(outputs(model, test.inputs), outputs(model.head, bench.features(test.inputs)))
    assert (outputs(model, test.inputs).argmax(1) == test.labels).float().mean() > 0.5
    assert torch.equal(outputs(model, test.inputs), outputs(fit(Boosting(rounds=10), *make()), test.inputs))


# Stacking


def stacked(make, strategy, logits, labels):
    """Fit a stacking to members' logits (N, M, C)."""
    members = [Member(f"member-{index}", Labelled(part, labels)) for index, part in enumerate(logits.unbind(1))]
    strategy = dataclasses.replace(strategy, members=tuple(member.variant for member in members))
    task, bench = make(members=members)
    return strategy.fit(task, bench), bench


def right_and_wrong(count=200, seed=0):
    """Return logits of a member that is mostly right and of one that guesses, with the labels."""
    labels = torch.arange(count) % 4
    right = some_logits(count, 4, seed=seed, scale=0.7) + 2 * F.one_hot(labels, 4)
    return torch.stack([right, some_logits(count, 4, seed=seed + 1)], dim=1), labels


def test_stacking_puts_its_weight_on_the_member_that_is_right(make):
    model, bench = stacked(make, Stacking(), *right_and_wrong())
    assert model.weights[0] > 0.8
    assert abs(model.weights[1]) < 0.1
    assert bench.journal.notes["weights"] == dict(zip(["member-0", "member-1"], model.weights.tolist(), strict=True))
    logits, labels = right_and_wrong(seed=7)
    stacking = F.cross_entropy(outputs(model, logits), labels)
    assert stacking < F.cross_entropy(log_mean(logits), labels) - 0.1


@pytest.mark.parametrize("combine", ["weights", "matrix"])
def test_the_weights_are_where_the_penalised_likelihood_is_flat(make, combine):
    logits, labels = right_and_wrong(40)
    strength = 0.3
    model, _ = stacked(make, Stacking(combine=combine, strength=strength), logits, labels)
    model.double()
    start = torch.tensor([0.5, 0.5]) if combine == "weights" else torch.eye(4).expand(2, 4, 4) / 2
    error = F.cross_entropy(model(logits.double()), labels, reduction="sum")
    (strength * error + (model.weights - start).square().sum() / 2).backward()
    assert model.weights.grad.abs().max() < 1e-4
    assert (model.weights - start).abs().max() > 0.05


@pytest.mark.parametrize("combine", ["weights", "matrix"])
def test_stacking_that_must_not_learn_is_the_mean_of_the_log_probabilities(make, combine):
    logits, labels = right_and_wrong(40)
    model, _ = stacked(make, Stacking(combine=combine, strength=1e-9), logits, labels)
    assert torch.allclose(outputs(model, logits), logits.log_softmax(2).mean(1), atol=1e-5)


def test_a_matrix_rights_a_member_that_mistakes_one_class_for_another_and_weights_cannot(make):
    logits, labels = right_and_wrong()
    swapped = logits[:, :1, [1, 0, 2, 3]]

    def accuracy(combine):
        model, _ = stacked(make, Stacking(combine=combine), swapped, labels)
        return float((outputs(model, swapped).argmax(1) == labels).float().mean())

    assert accuracy("matrix") > 0.9
    assert accuracy("weights") < 0.6


def test_stacking_says_which_member_has_no_validation_predictions(make):
    logits, labels = right_and_wrong(8)
    members = [Member("known", Labelled(logits[:, 0], labels)), Member("tim", None)]
    with pytest.raises(DataError, match="tim stored none"):
        Stacking(members=("known", "tim")).fit(*make(members=members))


def test_stacking_refuses_members_that_validated_on_different_labels(make):
    logits, labels = right_and_wrong(8)
    members = [Member("one", Labelled(logits[:, 0], labels)), Member("other", Labelled(logits[:, 1], labels.flip(0)))]
    with pytest.raises(DataError, match="different validation labels"):
        Stacking(members=("one", "other")).fit(*make(members=members))


# Soups


def state(*numbers, count=0):
    return {"weight": torch.tensor(numbers), "batches": torch.tensor(count)}


def test_the_mean_of_equal_weights_is_these_weights_to_the_bit():
    same = {"weight": some_logits(1000), "batches": torch.tensor(3)}
    soup = mean([same] * 7)
    assert all(torch.equal(soup[key], value) and soup[key].dtype == value.dtype for key, value in same.items())
    assert torch.equal(mean([state(0.0, 2.0), state(1.0, 4.0)])["weight"], torch.tensor([0.5, 3.0]))


def test_a_uniform_soup_averages_fine_tunings_that_share_their_start(make):
    recipe = Recipe(steps=4, batch_size=8, weight_decay=0.0, clip_norm=0.0)
    task, bench = make(recipe=recipe)
    strategy = ModelSoup(lrs=(1e-3, 1e-2), orders=2)
    ingredients = []
    train = bench.train
    bench.train = lambda model, *rest, **options: ingredients.append(train(model, *rest, **options))
    soup = fit(strategy, task, bench)
    assert trainings(bench) == len(ingredients) == 4
    weights = torch.stack([model.head.weight for model in ingredients])
    assert torch.allclose(soup.head.weight, weights.mean(0), atol=1e-7)
    assert not torch.equal(weights[0], weights[1])  # another order
    assert (weights[0] - weights[1]).abs().max() < (weights[0] - weights[2]).abs().max()  # another rate
    frozen = bench.backbone().state_dict()
    for key, value in soup.backbone.state_dict().items():
        if "running" in key:
            assert torch.equal(value, frozen[key])


def test_a_soup_of_one_ingredient_is_that_fine_tuning(make):
    task, bench = make()
    soup = fit(ModelSoup(lrs=(1e-3,), head_rate=10.0), task, bench)
    task, bench = make()
    seed_everything(0)
    model = bench.classifier(bench.head(), bench.backbone())
    recipe = bench.recipe.but(lr=1e-3)
    bench.train(
        model,
        bench.cross_entropy(recipe),
        task.train,
        recipe=recipe,
        groups=[(model.head, 10.0)],
        fixed_statistics=True,
    )
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in soup.state_dict().items())


def test_a_greedy_soup_begins_with_the_best_and_adds_what_does_no_harm():
    wanted = torch.tensor([1.0, 1.0])

    def best(states):
        return min(states, key=lambda each: float((each["weight"] - wanted).square().sum()))

    near, other, harmful = state(1.0, 0.6), state(1.0, 1.5), state(9.0, 9.0)
    assert greedy([harmful, other, near], best) == [near, other]
    assert greedy([harmful], best) == [harmful]


def test_a_greedy_soup_uses_the_validation_labels_and_says_so(make):
    task, bench = make(val=corners(16, 5), recipe=Recipe(steps=30, batch_size=8))
    soup = fit(ModelSoup(mix="greedy", lrs=(50.0, 1e-2)), task, bench)
    assert bench.journal.validated
    assert bench.journal.notes["ingredients"] == 1  # a rate of 50 destroys a network
    assert outputs(soup, task.val.inputs).isfinite().all()
    assert ModelSoup(mix="greedy").needs().validation
    assert not ModelSoup().needs().validation


# Snapshots


def test_a_snapshot_ensemble_of_one_cycle_is_one_fine_tuning_without_a_warm_up(make):
    task, bench = make()
    model = fit(Snapshot(cycles=1, lr=1e-3, head_rate=10.0), task, bench)
    task, bench = make()
    seed_everything(0)
    single = bench.classifier(bench.head(), bench.backbone())
    recipe = bench.recipe.but(lr=1e-3, warmup=0.0)
    bench.train(
        single,
        bench.cross_entropy(recipe),
        task.train,
        recipe=recipe,
        groups=[(single.head, 10.0)],
        fixed_statistics=True,
    )
    assert len(model.classifiers) == 1
    assert all(torch.equal(value, single.state_dict()[key]) for key, value in model.classifiers[0].state_dict().items())


def test_snapshots_share_the_steps_of_one_training_and_start_where_the_last_ended(make):
    task, bench = make(recipe=Recipe(steps=7, batch_size=8, schedule="constant"))
    calls, train = [], bench.train

    def watched(model, *rest, recipe, **options):
        before = model.head.weight.detach().clone()
        train(model, *rest, recipe=recipe, **options)
        calls.append((recipe.steps, recipe.schedule, recipe.warmup, before, model.head.weight.detach().clone()))

    bench.train = watched
    model = fit(Snapshot(cycles=3), task, bench)
    assert [call[0] for call in calls] == [2, 2, 3]
    assert {call[1:3] for call in calls} == {("cosine", 0.0)}
    assert all(torch.equal(calls[i][4], calls[i + 1][3]) for i in range(2))
    for network, call in zip(model.classifiers, calls, strict=True):
        assert torch.equal(network.head.weight, call[4])
    task, bench = make(recipe=Recipe(steps=2, batch_size=8))
    assert len(fit(Snapshot(cycles=5), task, bench).classifiers) == 2


def test_averages_are_of_probabilities():
    members = [nn.Linear(3, 4) for _ in range(3)]
    inputs = torch.randn(5, 3)
    expected = torch.stack([member(inputs).softmax(1) for member in members]).mean(0)
    assert torch.allclose(Averaged(members)(inputs).exp(), expected, atol=1e-6)


# In a suite


def by_strategy(store):
    return {(record.labels["strategy"], record.labels["replicate"]): record for record in store.records()}


def test_members_are_reused_and_not_trained_again(suite, resources, run_suite):
    vote = f"vote(members={PAIR})"
    store = run_suite(suite(strategies=PAIR), resources)
    written = {cell: (store.records_folder / f"{cell}.json").stat().st_mtime_ns for cell in store.cells()}
    plan = make_plan(suite(strategies=(vote, *PAIR)), resources)
    pending = pending_cells(plan, store)
    assert [cell.strategy for cell in pending] == [cell.strategy for cell in plan.cells if cell.members]
    assert len(pending) == 2
    assert execute_plan(plan, resources, store, Where("cpu", 1, 1)) == 2
    assert all((store.records_folder / f"{cell}.json").stat().st_mtime_ns == then for cell, then in written.items())
    for cell in pending:
        members = torch.stack([torch.from_numpy(store.predictions(id).logits) for id in cell.members], dim=1)
        assert np.allclose(store.predictions(cell.id).logits, log_mean(members).numpy(), atol=1e-6)


def test_stacking_learns_from_stored_validation_predictions(suite, resources, run_suite):
    stacking = f"stacking(members={PAIR})"
    settings = {"strategies": (*PAIR, stacking), "budgets": ("5-shot",)}
    store = run_suite(suite(**settings, protocol=Protocol(validation=0.4)), resources)
    for (strategy, _), record in by_strategy(store).items():
        assert record.ok, record.failure
        if strategy.startswith("stacking"):
            assert set(record.notes["weights"]) == set(PAIR)
            assert record.ledger["selection"] == "validation"
    without = make_plan(suite(**settings), resources)
    assert "learns from validation labels" in without.skips[0].reason
    assert not any(cell.members for cell in without.cells)


def test_an_ensemble_may_vote_in_another(suite, resources, run_suite):
    inner = f"vote(members={PAIR})"
    outer = f'vote(members=("{inner}",))'
    store = run_suite(suite(strategies=(outer, inner, *PAIR), replicates=1), resources)
    scores = {strategy: record.scores for (strategy, _), record in by_strategy(store).items()}
    assert len(scores) == 4
    assert scores[make_variant(resources, outer)] == pytest.approx(scores[make_variant(resources, inner)], abs=1e-6)


def make_variant(resources, text):
    return resources.catalog.strategy(text)[0].variant


def test_every_episode_has_a_vote_of_its_own(suite, resources, run_suite):
    vote = f"vote(members={PAIR})"
    protocol = Protocol(episodes=3, queries=2)
    store = run_suite(
        suite(strategies=(*PAIR, vote), budgets=("3-way 1-shot",), replicates=1, protocol=protocol), resources
    )
    records = {strategy: record for (strategy, _), record in by_strategy(store).items()}
    assert all(record.ok for record in records.values())
    voted, *members = (store.predictions(records[name].cell) for name in (make_variant(resources, vote), *PAIR))
    assert voted.episodes == 3
    assert all(np.array_equal(voted.labels, member.labels) for member in members)
    stacked = torch.stack([torch.from_numpy(member.logits) for member in members], dim=1)
    assert np.allclose(voted.logits, log_mean(stacked).numpy(), atol=1e-6)


def test_a_vote_without_its_members_says_what_to_add(suite, resources):
    with pytest.raises(PlanError, match="Add -s 'linear-probe' -s 'nearest-mean' -s 'finetune'"):
        make_plan(suite(strategies=("vote",)), resources)


@pytest.mark.parametrize("name", ["vote", "stacking"])
def test_an_ensemble_of_nothing_is_refused(resources, name):
    with pytest.raises(ParameterError, match="at least 1 item"):
        resources.catalog.strategy(f"{name}(members=())")


def test_combinations_start_from_what_they_are_given():
    weights = torch.tensor([0.25, 0.75])
    model = Combination(weights)
    logits = some_logits(5, 2, 3)
    expected = (logits.log_softmax(2) * weights[None, :, None]).sum(1)
    assert torch.allclose(outputs(model, logits), expected, atol=1e-6)
