"""Domain adaptation: the losses by hand, weight 0 as source-only to the bit, and what each method leaves alone."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from small_tasks import same
from torch import nn

from tlbench import Backbone, Labelled, Recipe, Task, Workbench
from tlbench.contract import Budget
from tlbench.learning import Setting, seed_everything
from tlbench_adapt import adabn, adda
from tlbench_adapt.adabn import AdaBn, has_batch_norm
from tlbench_adapt.adda import Adda, adversarial_loss
from tlbench_adapt.adversary import domain_discriminator, domain_loss, ramp, reverse
from tlbench_adapt.cdan import Cdan, RandomMultilinear, certainty, multilinear
from tlbench_adapt.coral import Coral, coral_loss
from tlbench_adapt.dann import Dann
from tlbench_adapt.mcc import Mcc, class_confusion
from tlbench_adapt.mdd import Mdd, margin_disparity
from tlbench_adapt.mmd import Mmd, squared_mmd
from tlbench_adapt.pseudo_label import PseudoLabel, confident
from tlbench_adapt.source_only import SourceOnly
from tlbench_adapt.target_only import TargetOnly

WEIGHTED = [Coral, Mmd, Dann, Cdan, Mcc, Mdd]
SEMI_SUPERVISED = [SourceOnly, *WEIGHTED, PseudoLabel]
CPU = torch.device("cpu")
PLAIN = Recipe(steps=6, batch_size=8)
EVERYTHING = PLAIN.but(dropout=0.3, mixup=0.4, label_smoothing=0.1, clip_norm=0.05, accumulate=2)


@dataclass(frozen=True)
class Rows(Backbone):
    """Two linear layers over rows of six numbers, with batch norms or without."""

    name: str = "rows"
    norm: bool = True

    feature_dim = 5

    def encode(self, raw):
        return torch.tensor(raw)

    def build(self, weights):
        norms = [nn.BatchNorm1d(7), nn.BatchNorm1d(5)] if self.norm else [nn.Identity(), nn.Identity()]
        return nn.Sequential(nn.Linear(6, 7), norms[0], nn.ReLU(), nn.Linear(7, 5), norms[1])


def rows(count, seed, shift=0.0):
    inputs = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return Labelled(inputs + shift, inputs[:, :3].argmax(dim=1))


SOURCE, TARGET = rows(40, 1), rows(30, 2, shift=0.7)
NONE, FEW = Labelled(TARGET.inputs[:0], TARGET.labels[:0]), Labelled(TARGET.inputs[:6], TARGET.labels[:6])


def a_bench(recipe=PLAIN, norm=True):
    return Workbench(Setting(Rows(norm=norm), None, 3, recipe, CPU, 0, 0))


def fitted(strategy, recipe=PLAIN, few=NONE, norm=True, bench=None):
    task = Task(("a", "b", "c"), few, None, TARGET.inputs, SOURCE, ("a", "b", "c"))
    seed_everything(5)  # as every cell begins
    return strategy.fit(task, bench or a_bench(recipe, norm))


# ---- weight 0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("few", [NONE, FEW], ids=["no target labels", "six target labels"])
@pytest.mark.parametrize("recipe", [PLAIN, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("method", WEIGHTED)
def test_a_method_of_weight_0_is_source_only_to_the_bit(method, recipe, few):
    baseline = fitted(SourceOnly(), recipe, few)
    assert same(fitted(method(weight=0.0), recipe, few), baseline)
    assert not same(fitted(method(), recipe, few), baseline)


@pytest.mark.parametrize("method", [Dann, Cdan, Mdd])
def test_an_adversary_whose_gradient_never_flows_back_changes_no_bit_of_the_network(method, monkeypatch):
    for module in ("dann", "cdan", "mdd"):
        monkeypatch.setattr(f"tlbench_adapt.{module}.ramp", lambda progress: 0.0)
    recipe = PLAIN.but(clip_norm=0.05)
    # Without batch norms, whose running statistics the target's pass would move.
    assert same(fitted(method(), recipe, norm=False), fitted(SourceOnly(), recipe, norm=False))


def test_making_a_discriminator_leaves_the_global_generator_where_it_was():
    before = torch.random.get_rng_state()
    domain_discriminator(4, 8, layers=2)
    assert torch.equal(torch.random.get_rng_state(), before)


# ---- losses -------------------------------------------------------------------------------------------------


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_coral_is_the_distance_of_numpys_covariances():
    source, target = draws(9, 4), 2 * draws(7, 4, seed=1)
    difference = np.cov(source.numpy(), rowvar=False) - np.cov(target.numpy(), rowvar=False)
    assert float(coral_loss(source, target)) == pytest.approx((difference**2).sum() / (4 * 4**2), rel=1e-5)
    assert float(coral_loss(source, source + 3)) == pytest.approx(0, abs=1e-6)


def test_the_discrepancy_of_equal_samples_is_0():
    sample = draws(8, 3)
    assert float(squared_mmd(sample, sample.flip(0), [0.5, 1.0, 2.0])) == pytest.approx(0, abs=1e-6)


def test_the_discrepancy_of_two_points_is_known_in_closed_form():
    # The only distance is its own median, so the kernel between the points is exp(-1 / multiplier).
    value = squared_mmd(torch.zeros(1, 2), torch.full((1, 2), 3.0), [1.0, 2.0])
    assert float(value) == pytest.approx(2 - (np.exp(-1) + np.exp(-0.5)), rel=1e-5)


def test_the_discrepancy_is_that_of_a_loop_over_pairs():
    source, target, multipliers = draws(5, 3).double(), (draws(4, 3, seed=1) + 1).double(), [0.25, 1.0, 4.0]
    everything = torch.cat([source, target]).numpy()
    between = [((x - y) ** 2).sum() for i, x in enumerate(everything) for j, y in enumerate(everything) if i != j]
    bandwidth = np.sort(between)[(len(between) - 1) // 2]

    def kernel(some, others):
        return np.mean([
            np.exp(-((x - y) ** 2).sum() / (each * bandwidth))
            for each in multipliers for x in some.numpy() for y in others.numpy()
        ])  # fmt: skip

    expected = kernel(source, source) + kernel(target, target) - 2 * kernel(source, target)
    assert float(squared_mmd(source, target, multipliers)) == pytest.approx(expected, rel=1e-4)


def test_one_hot_predictions_confuse_no_classes_even_where_a_class_is_absent():
    logits = 1000 * torch.eye(4)[[0, 0, 1, 2]]
    assert float(class_confusion(logits, 2.5)) == 0


def test_equal_predictions_confuse_every_pair():
    assert float(class_confusion(torch.zeros(6, 4), 2.5)) == pytest.approx(3 / 4)


def test_class_confusion_is_that_of_a_loop_over_pairs():
    logits = 3 * draws(6, 3)
    predictions = np.exp(logits.numpy() / 2.5)
    predictions /= predictions.sum(axis=1, keepdims=True)
    weights = 1 + np.exp((predictions * np.log(predictions)).sum(axis=1))
    weights *= len(weights) / weights.sum()
    total = 0.0
    for one in range(3):
        pairs = [(weights * predictions[:, one] * predictions[:, other]).sum() for other in range(3)]
        total += (sum(pairs) - pairs[one]) / sum(pairs)
    assert float(class_confusion(logits, 2.5)) == pytest.approx(total / 3, rel=1e-5)


def test_the_margin_disparity_is_gamma_times_agreement_plus_disagreement():
    source, target, source_first, target_first = (draws(5, 3, seed=seed) for seed in range(4))
    agreed = source.softmax(1)[range(5), source_first.argmax(1)]
    disagreed = 1 - target.softmax(1)[range(5), target_first.argmax(1)]
    expected = -4 * agreed.log().mean() - disagreed.log().mean()
    found = margin_disparity(source, target, source_first, target_first, 4.0)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_the_margin_disparity_stays_finite_for_a_head_that_is_certain():
    certain = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    value = margin_disparity(certain, certain, certain.detach(), certain.detach(), 4.0)
    value.backward()
    assert float(value.detach()) == pytest.approx(200 - np.log(2), rel=1e-5)
    assert torch.isfinite(certain.grad).all()


def test_the_multilinear_map_holds_every_product_of_a_feature_and_a_prediction():
    features, predictions = draws(2, 5), draws(2, 3, seed=1).softmax(1)
    joined = multilinear(features, predictions)
    assert joined.shape == (2, 15)
    assert torch.allclose(joined[1], torch.outer(predictions[1], features[1]).flatten())


def test_the_random_multilinear_map_keeps_inner_products():
    features, predictions = draws(2, 5), draws(2, 3, seed=1).softmax(1)
    exact = multilinear(features, predictions)
    one, other = RandomMultilinear(5, 3, 200_000, a_bench())(features, predictions)
    assert float(one @ other) == pytest.approx(float(exact[0] @ exact[1]), abs=0.02)
    assert float(one @ one) == pytest.approx(float(exact[0] @ exact[0]), rel=0.05)


def test_a_product_too_wide_is_replaced_by_random_ones():
    exact, random = fitted(Cdan()), fitted(Cdan(largest=14))  # five features of three classes
    assert not same(exact, random)
    assert same(fitted(Cdan(largest=15)), exact)


def test_certain_examples_weigh_more_and_the_mean_weight_is_1():
    weights = certainty(torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    assert float(weights.mean()) == pytest.approx(1)
    assert float(weights[0] / weights[1]) == pytest.approx(2 / 1.5)


def test_a_discriminator_that_knows_nothing_loses_log_2():
    assert float(domain_loss(torch.zeros(4), torch.zeros(3))) == pytest.approx(np.log(2))
    assert float(domain_loss(torch.full((4,), 50.0), torch.full((3,), -50.0))) == pytest.approx(0, abs=1e-6)


def test_a_reversed_gradient_is_turned_round_and_scaled():
    features = torch.ones(3, requires_grad=True)
    seen = reverse(features, 0.5)
    assert torch.equal(seen, features)
    (2 * seen).sum().backward()
    assert features.grad.tolist() == [-1.0] * 3


def test_the_ramp_rises_from_0_to_nearly_1():
    assert ramp(0) == 0
    assert ramp(0.1) == pytest.approx(0.4621, abs=1e-4)
    assert 0.999 < ramp(1) < 1


def test_progress_reaches_the_end_of_the_training_whatever_the_batches_of_a_step(monkeypatch):
    seen = []
    monkeypatch.setattr("tlbench_adapt.dann.ramp", lambda progress: seen.append(progress) or 0.0)
    fitted(Dann(), PLAIN.but(steps=3, accumulate=2))
    assert seen == [index / 6 for index in range(6)]


# ---- methods in phases --------------------------------------------------------------------------------------


def test_adabn_gives_the_statistics_of_the_target_to_source_onlys_weights():
    model, baseline = fitted(AdaBn()), fitted(SourceOnly())
    assert all(map(torch.equal, model.parameters(), baseline.parameters()))
    first, norm, relu, second, last = model.backbone
    at_first = first(TARGET.inputs)
    standard = (at_first - at_first.mean(0)) / (at_first.var(0, correction=0) + norm.eps).sqrt()
    at_second = second(relu(norm.weight * standard + norm.bias))
    for statistics, seen in ((norm, at_first), (last, at_second)):
        assert torch.allclose(statistics.running_mean, seen.mean(0), atol=1e-5)
        assert torch.allclose(statistics.running_var, seen.var(0), rtol=1e-4)
    assert not model.training
    assert norm.momentum == baseline.backbone[1].momentum


def test_adabn_means_over_passes_are_those_of_all_target_inputs(monkeypatch):
    monkeypatch.setattr(adabn, "BATCH", 10)  # three passes of ten
    model = fitted(AdaBn())
    assert torch.allclose(model.backbone[1].running_mean, model.backbone[0](TARGET.inputs).mean(0), atol=1e-5)


def test_adda_leaves_the_source_encoder_and_the_head_as_source_only_has_them(monkeypatch):
    held = []

    def spied(encoder, discriminator):
        held.append(encoder)
        return adversarial_loss(encoder, discriminator)

    monkeypatch.setattr(adda, "adversarial_loss", spied)
    model, baseline = fitted(Adda()), fitted(SourceOnly())
    assert same(held[0], baseline.backbone)
    assert same(model.head, baseline.head)
    assert not any(map(torch.equal, model.backbone.parameters(), baseline.backbone.parameters()))


def test_addas_two_losses_reach_one_network_each():
    source_encoder, encoder, discriminator = nn.Linear(6, 4), nn.Linear(6, 4), domain_discriminator(4, 8)
    adversarial_loss(source_encoder, discriminator)(encoder, SOURCE.inputs, TARGET.inputs).backward()
    assert all(parameter.grad is None for parameter in source_encoder.parameters())
    real, fake = discriminator(source_encoder(SOURCE.inputs)), discriminator(encoder(TARGET.inputs))
    told_apart = torch.autograd.grad(domain_loss(real, fake), list(discriminator.parameters()), retain_graph=True)
    taken_for_source = torch.autograd.grad(nn.functional.softplus(-fake).mean(), list(encoder.parameters()))
    for network, expected in ((discriminator, told_apart), (encoder, taken_for_source)):
        for parameter, gradient in zip(network.parameters(), expected, strict=True):
            assert torch.allclose(parameter.grad, gradient, atol=1e-6)


def test_only_confident_inputs_are_labelled_and_with_their_likeliest_class():
    inputs = torch.tensor([[0.0, 3.0], [1.0, 1.1], [5.0, 0.0]])
    found = confident(nn.Identity(), inputs, 0.9, CPU)
    assert torch.equal(found.inputs, inputs[[0, 2]])
    assert found.labels.tolist() == [1, 0]


@pytest.mark.parametrize("strategy", [PseudoLabel(rounds=0), PseudoLabel(threshold=0.9999)])
def test_without_confident_inputs_or_rounds_pseudo_label_is_source_only(strategy):
    assert same(fitted(strategy), fitted(SourceOnly()))


def test_pseudo_label_notes_how_many_inputs_it_trusted_in_each_round():
    bench = a_bench(PLAIN)
    model = fitted(PseudoLabel(threshold=0.0, lr=0.01), bench=bench)
    assert (bench.journal.notes["pseudo_labels_1"], bench.journal.notes["pseudo_labels_2"]) == (30, 30)
    assert not same(model, fitted(SourceOnly(lr=0.01)))


# ---- what each is given -------------------------------------------------------------------------------------


def test_target_only_meets_the_training_of_source_only_on_the_targets_labels():
    recipe = EVERYTHING
    swapped = Task(("a", "b", "c"), SOURCE)
    seed_everything(5)
    assert same(TargetOnly().fit(swapped, a_bench(recipe)), fitted(SourceOnly(), recipe))


@pytest.mark.parametrize("method", SEMI_SUPERVISED)
def test_target_labels_are_learnt_from(method):
    turned = Labelled(FEW.inputs, (FEW.labels + 1) % 3)
    recipe = PLAIN.but(steps=3)
    models = [fitted(method(), recipe, few) for few in (NONE, FEW, turned)]
    assert not any(same(one, other) for one, other in ((models[0], models[1]), (models[1], models[2])))


def test_source_and_target_labels_together_fit_the_target_where_the_source_misleads():
    everything = Labelled(TARGET.inputs, (TARGET.labels + 1) % 3)
    recipe = PLAIN.but(steps=60, batch_size=30)
    model, without = (fitted(SourceOnly(lr=0.03), recipe, few) for few in (everything, NONE))
    right = [(each(TARGET.inputs).argmax(1) == everything.labels).float().mean() for each in (model, without)]
    assert right[0] > 0.6
    assert right[1] < 0.2


@pytest.mark.parametrize("method", SEMI_SUPERVISED)
def test_few_target_labels_are_welcome(method):
    assert method().unsuitable(Rows(), None, Budget.parse("1-shot")) is None


@pytest.mark.parametrize("method", [Adda, AdaBn])
def test_target_labels_are_refused_where_they_would_go_unused(method):
    assert method().unsuitable(Rows(), None, Budget.parse("0")) is None
    assert method().unsuitable(Rows(), None, Budget.parse("1-shot")) == (
        f"{method.name} uses no target labels; choose budget 0, or a method that uses them, such as dann."
    )


def test_the_upper_bound_is_asked_for_at_budget_0():
    assert TargetOnly.requires.upper_bound
    assert TargetOnly().unsuitable(Rows(), None, Budget.parse("0")) is None
    assert "choose budget 0, or finetune for 5-shot" in TargetOnly().unsuitable(Rows(), None, Budget.parse("5-shot"))


def test_adabn_says_that_a_backbone_has_no_batch_norms():
    said = AdaBn().unsuitable(Rows(norm=False), None, Budget.parse("0"))
    assert said == "adabn changes the statistics of batch norms; rows(norm=false) has none. Use a ResNet, say."


def test_looking_for_batch_norms_draws_nothing_and_builds_once(monkeypatch):
    built = []

    class Counted(Rows):
        def build(self, weights):
            built.append(1)
            return super().build(weights)

    before = torch.random.get_rng_state()
    monkeypatch.setattr(adabn, "_KNOWN", {})
    assert has_batch_norm(Counted())
    assert has_batch_norm(Counted())
    assert built == [1]
    assert torch.equal(torch.random.get_rng_state(), before)
