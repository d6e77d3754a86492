"""Multi-task learning: heads, weights and gradient surgery against their formulas."""

import math
from dataclasses import replace
from functools import partial

import pytest
import small_tasks
import torch
from small_tasks import same
from torch import nn

from tlbench import Labelled, Protocol, Recipe, Task, Workbench
from tlbench.contract import FurtherLabels
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import Setting, seed_everything
from tlbench.planning import make_plan
from tlbench.running.cell_setup import open_cell
from tlbench.running.draw_task import draw_further_test, draw_tasks
from tlbench_multitask.multi_head import MultiHead
from tlbench_multitask.multi_task import MultiTask
from tlbench_multitask.shared_trunk import SharedTrunk
from tlbench_multitask.surgery import pcgrad
from tlbench_multitask.uncertainty import UncertaintyWeights

ALL = [
    MultiTask(), MultiTask(weighting="uncertainty"), MultiTask(surgery="pcgrad"), MultiTask(batch_norm="train"),
    MultiTask(weighting="uncertainty", surgery="pcgrad"),
]  # fmt: skip


def stripes(count, classes, seed):
    """Return images whose rows from their label on are brighter."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    pixels = torch.randint(0, 100, (count, 1, 8, 8), generator=draw)
    for image, label in zip(pixels, labels.tolist(), strict=True):
        image[0, label : label + 2] += 100
    return Labelled(pixels.to(torch.uint8), labels)


@pytest.fixture
def make(tiny_bench):
    """Return a task with a source of other classes, and a bench over the pretrained tiny network."""

    def build(steps=4, val=None, source_classes=6, **rest):
        bench = tiny_bench(recipe=Recipe(steps=steps, batch_size=8, **rest), validation=val)
        task = Task(
            tuple("wxyz"), stripes(12, 4, 1), val, source=stripes(36, source_classes, 2),
            source_classes=tuple("abcdef"[:source_classes]),
        )  # fmt: skip
        return task, bench

    return build


fit = partial(small_tasks.fit, seed=3)


def draws():
    return torch.Generator().manual_seed(0)


def test_conflicting_gradients_lose_what_points_against_the_other():
    first, second = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 2.0])  # their product is -1
    expected = (first - (-1 / 5) * second) + (second - (-1 / 1) * first)
    combined = pcgrad(torch.stack([first, second]), draws())
    assert torch.allclose(combined, expected)
    assert torch.allclose(combined, torch.tensor([0.8, 2.4]))


def test_each_projected_gradient_is_at_right_angles_to_the_other():
    draw = torch.Generator().manual_seed(5)
    first, noise = torch.randn(2, 50, generator=draw, dtype=torch.float64)
    second = noise - 2 * first
    combined = pcgrad(torch.stack([first, second]), draws())
    for one, other in ((first, second), (second, first)):
        # Along one of them only its own projection counts: the other's has no part along it.
        assert combined @ one == pytest.approx(float(one @ one - (one @ other) ** 2 / (other @ other)))


@pytest.mark.parametrize("second", [[0.5, 2.0], [0.0, 3.0], [0.0, 0.0]], ids=["aligned", "at right angles", "zero"])
def test_gradients_without_a_conflict_are_summed_to_the_bit(second):
    gradients = torch.tensor([[1.0, 0.0], second])
    assert torch.equal(pcgrad(gradients, draws()), gradients[0] + gradients[1])


def test_opposite_gradients_cancel():
    gradients = torch.tensor([[3.0, -1.0], [-6.0, 2.0]])
    assert torch.allclose(pcgrad(gradients, draws()), torch.zeros(2), atol=1e-6)


def test_of_three_tasks_the_order_of_projections_is_drawn_and_repeats():
    gradients = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 1.0, 0.2], [-0.5, -1.0, 1.0]])

    def projected(order):
        """Project the first gradient off the others in this order, by hand."""
        found = gradients[0]
        for other in order:
            product = found @ gradients[other]
            if product < 0:
                found = found - product / gradients[other].square().sum() * gradients[other]
        return found

    assert not torch.allclose(projected([1, 2]), projected([2, 1]))
    seen = {tuple(pcgrad(gradients, torch.Generator().manual_seed(seed)).tolist()) for seed in range(20)}
    assert len(seen) > 1
    assert torch.equal(pcgrad(gradients, draws()), pcgrad(gradients, draws()))


def test_uncertainty_weights_are_the_losses_over_the_variance_plus_the_logarithm_of_sigma():
    weights = UncertaintyWeights(2)
    losses = torch.tensor([2.0, 0.5])
    assert torch.equal(weights(losses), losses)  # sigma starts at 1
    with torch.no_grad():
        weights.log_variances.copy_(torch.tensor([4.0, 0.25]).log())  # sigma is 2 and 1/2
    expected = [2 / 4 + math.log(2), 0.5 / 0.25 + math.log(0.5)]
    assert weights(losses).tolist() == pytest.approx(expected)


def test_at_its_best_each_variance_is_twice_its_loss():
    weights = UncertaintyWeights(2)
    losses = torch.tensor([2.0, 0.1])
    optimizer = torch.optim.LBFGS(weights.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = weights(losses).sum()
        value.backward()
        return value

    optimizer.step(closure)
    assert weights.log_variances.exp().tolist() == pytest.approx([4.0, 0.2], rel=1e-3)


@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.variant)
def test_there_is_a_head_for_each_task_on_one_trunk(make, strategy):
    task, bench = make()
    model = fit(strategy, task, bench)
    other = strategy.source_classifier(model)
    inputs = task.train.inputs[:5]
    with torch.no_grad():
        assert model(inputs).shape == (5, 4)
        assert other(inputs).shape == (5, 6)
    shared = {id(parameter) for parameter in model.trunk.parameters()}
    assert shared < {id(parameter) for parameter in other.parameters()}
    in_heads = 4 * 8 + 4 + 6 * 8 + 6
    assert bench.journal.trained_parameters == in_heads + sum(item.numel() for item in model.trunk.parameters())


@pytest.mark.parametrize("strategy", ALL, ids=lambda each: each.variant)
def test_both_tasks_are_learned_and_bits_repeat(make, strategy):
    strategy = replace(strategy, lr=0.02, head_rate=1)
    task, bench = make(steps=40, augment="none")
    model = fit(strategy, task, bench)
    other = strategy.source_classifier(model)
    with torch.no_grad():
        assert (model(task.train.inputs).argmax(1) == task.train.labels).float().mean() > 0.6
        assert (other(task.source.inputs).argmax(1) == task.source.labels).float().mean() > 0.4
    assert same(model, fit(strategy, *make(steps=40, augment="none")))


def test_equal_weights_are_plain_training_on_the_sum_of_two_cross_entropies(make):
    task, bench = make()
    found = fit(MultiTask(lr=0.01, head_rate=3), task, bench)
    task, bench = make()
    seed_everything(3)
    target_head, source_head = bench.head(), nn.Linear(8, 6)
    model = SharedTrunk(bench.backbone(), target_head, source_head)

    def loss(model, target, source):
        features = model.trunk(target[0]), model.trunk(source[0])
        ours = nn.functional.cross_entropy(model.target_head(features[0]), target[1])
        return ours + nn.functional.cross_entropy(model.source_head(features[1]), source[1])

    recipe, groups = bench.recipe.but(lr=0.01), [(target_head, 3), (source_head, 3)]
    bench.train(model, loss, task.train, task.source, recipe=recipe, groups=groups, fixed_statistics=True)
    assert torch.equal(found.target_head.weight, model.target_head.weight)
    assert torch.equal(found.source_head[1].weight, model.source_head.weight)
    assert same(found.trunk, model.trunk)


def test_surgery_that_only_adds_is_equal_weighting(make, monkeypatch):
    options = {"optimizer": "sgd", "steps": 20}
    plain = fit(MultiTask(), *make(**options))
    monkeypatch.setattr("tlbench_multitask.multi_task.pcgrad", lambda gradients, generator: gradients.sum(0))
    assert same(plain, fit(MultiTask(surgery="pcgrad"), *make(**options)), tolerance=1e-6)
    monkeypatch.undo()
    assert not same(plain, fit(MultiTask(surgery="pcgrad"), *make(**options)), tolerance=1e-6)


def test_surgery_takes_its_gradients_over_the_whole_network(make, monkeypatch):
    seen = []

    def spy(gradients, generator):
        seen.append(gradients.clone())
        return gradients.sum(0)

    monkeypatch.setattr("tlbench_multitask.multi_task.pcgrad", spy)
    task, bench = make(steps=1)
    model = fit(MultiTask(surgery="pcgrad"), task, bench)
    [gradients] = seen
    assert gradients.shape == (2, sum(item.numel() for item in model.parameters()))
    by_tasks = (gradients != 0).sum(dim=0)
    in_heads = 4 * 8 + 4 + 6 * 8 + 6
    assert 0 < int((by_tasks == 1).sum()) <= in_heads  # a head belongs to one task alone
    assert int((by_tasks == 2).sum()) > 0  # the trunk to both


def test_uncertainty_weights_move_and_are_noted(make):
    task, bench = make(steps=30)
    fit(MultiTask(weighting="uncertainty"), task, bench)
    target, source = bench.journal.notes["log_variances"]
    assert target > 0  # towards the logarithm of twice the loss, here above one half
    assert source > 0
    assert "log_variances" not in make()[1].journal.notes


def test_the_companion_weights_are_no_part_of_the_classifier(make):
    plain, weighted = fit(MultiTask(), *make()), fit(MultiTask(weighting="uncertainty"), *make())
    assert plain.state_dict().keys() == weighted.state_dict().keys()
    assert not same(plain, weighted)


def test_batch_norm_statistics_stay_unless_they_are_told_to_train(make):
    before = make()[1].backbone().layers[1].running_mean
    assert torch.equal(fit(MultiTask(), *make()).trunk.layers[1].running_mean, before)
    assert not torch.equal(fit(MultiTask(batch_norm="train"), *make()).trunk.layers[1].running_mean, before)


def test_the_target_head_starts_as_in_every_strategy(make):
    head = make()[1].head().weight
    task, bench = make(steps=1)
    model = fit(MultiTask(lr=1e-12), task, bench)
    assert torch.allclose(model.target_head.weight, head, atol=1e-7)


def test_the_recipes_dropout_and_mixup_are_used(make):
    changes = ({}, {"dropout": 0.5}, {"mixup": 1.0}, {"label_smoothing": 0.2})
    models = [fit(MultiTask(), *make(**change)) for change in changes]
    weights = {model.source_head[1].weight.detach().numpy().tobytes() for model in models}
    assert len(weights) == 4


def test_validation_labels_of_the_target_select_trunk_and_both_heads(make):
    val, options = stripes(40, 4, 9), {"schedule": "constant", "warmup": 0.0}
    task, bench = make(steps=12, val=val, evaluate_every=1, **options)
    model = fit(MultiTask(lr=0.3), task, bench)
    step = bench.journal.notes["training_1_selected_step"]
    assert bench.journal.validated
    assert step < 12
    assert same(model, fit(MultiTask(lr=0.3), *make(steps=step, **options)))


def test_a_source_with_the_same_classes_still_has_a_head_of_its_own(make):
    task, bench = make(source_classes=4)
    model = fit(MultiTask(), task, bench)
    assert not torch.equal(model.target_head.weight, model.source_head[1].weight)


def test_a_run_records_the_scores_of_both_tasks(suite, resources, run_suite):
    cells = suite(("multi-task(steps=2)",), datasets=("blobs[letters->day]",), replicates=1)
    [record] = run_suite(cells, resources).records()
    assert record.failure is None
    assert record.tasks["target"] == record.scores
    assert set(record.tasks["source"]) == set(record.scores)
    assert record.tasks["source"] != record.tasks["target"]
    assert record.ledger["source_labels"] == 72


def test_the_draws_of_surgery_come_from_a_generator_of_their_own(make):
    gradients = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    _, bench = make()
    before = torch.random.get_rng_state()
    combine = partial(pcgrad, generator=bench.generator("pcgrad"))
    combine(gradients)
    assert torch.equal(torch.random.get_rng_state(), before)


# ---- several labels of the same examples -------------------------------------------------------------------------

COLUMNS = '''
from dataclasses import dataclass
import numpy as np
from tlbench import Dataset, Labelled, hookimpl
from tlbench.contract.dataset import Column

class Corners(Dataset):
    """A bright blob in one corner; whether it is on the left stands in a column of its own."""

    name = "corners"
    classes = ("a", "b", "c", "d")

    def load(self, domain, split):
        labels = np.arange(80 if split == "train" else 40) % 4
        images = np.random.default_rng(split == "train").integers(0, 120, (len(labels), 8, 8))
        for image, label in zip(images, labels):
            image[4 * (label // 2) : 4 * (label // 2) + 4, 4 * (label % 2) : 4 * (label % 2) + 4] += 60
        return Labelled(images.astype(np.uint8), labels)

    def columns(self, domain, split):
        return {"is.left": Column(("no", "yes"), 1 - self.load(domain, split).labels % 2)}

@hookimpl
def tlbench_datasets():
    return [Corners]
'''


@pytest.fixture
def with_columns(toy, plugin_file):
    return Resources(Catalog(Host([toy, plugin_file(COLUMNS)])), Cache())


@pytest.mark.parametrize("budget", ["4-shot", "2-way 2-shot"])
def test_further_columns_are_learnt_scored_and_told_in_the_ledger(suite, with_columns, run_suite, budget):
    protocol = Protocol(episodes=2, queries=3)
    cells = suite(("multi-head(steps=20)",), datasets=("corners",), budgets=(budget,), replicates=1, protocol=protocol)
    [record] = run_suite(cells, with_columns).records()
    assert record.failure is None
    assert record.ledger["further_labels"] == record.ledger["train_labels"] == (16 if "way" not in budget else 4)
    assert set(record.tasks) == {"target", "column is.left"}
    assert record.tasks["column is.left"]["accuracy"] != record.tasks["target"]["accuracy"]


def test_under_folds_a_column_keeps_its_rows(suite, with_columns):
    cells = suite(("multi-head",), datasets=("corners",), replicates=3, protocol=Protocol(splits="3-fold"))
    for cell in make_plan(cells, with_columns).cells:
        setup = open_cell(cell, with_columns, torch.device("cpu"))
        [drawn] = draw_tasks(setup)
        assert torch.equal(drawn.task.further[0].labels, 1 - drawn.task.train.labels % 2)
        _, columns = draw_further_test(setup)
        assert (columns["is.left"].labels == 1 - drawn.labels % 2).all()


def test_a_dataset_without_further_columns_is_skipped_with_what_to_write(suite, resources):
    [skip] = make_plan(suite(("multi-head", "scratch")), resources).skips
    assert "blobs has none. A table has some: csv:PATH?also=COLUMN." in skip.reason


def test_all_heads_stand_on_one_trunk_that_is_trained(suite, with_columns):
    task = Task(
        ("a", "b"),
        Labelled(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 0, 1])),
        further=(FurtherLabels("x", ("p", "q", "r"), torch.tensor([0, 1, 2, 0])),),
    )
    entry = with_columns.backbone("tiny.corners")
    bench = Workbench(
        Setting(entry.backbone, entry.weights, 2, Recipe(steps=2, batch_size=4), torch.device("cpu"), 0, 0)
    )
    seed_everything(0)
    model = MultiHead().fit(task, bench)
    assert model.names == ("x",)
    assert model(task.train.inputs).shape == (4, 2)
    assert MultiHead().further_classifiers(model)["x"](task.train.inputs).shape == (4, 3)
    start = bench.backbone().state_dict()
    assert any(not torch.equal(value, start[name]) for name, value in model.trunk.state_dict().items())
