"""Fine-tuning strategies: what learns, what stays, and which of them are others in disguise."""

import math
from dataclasses import replace

import pytest
import torch
from small_tasks import same
from torch import nn
from torch.nn import functional as F

from tlbench import Backbone, Budget, Recipe, Task, Workbench
from tlbench.contract import Labelled
from tlbench.learning import Setting, predict, seed_everything
from tlbench_finetune.adapter import Adapter, Parallel
from tlbench_finetune.bitfit import BitFit
from tlbench_finetune.bss import Bss, spectral_penalty
from tlbench_finetune.finetune import Finetune
from tlbench_finetune.gradual_unfreezing import GradualUnfreezing
from tlbench_finetune.l2_sp import L2Sp
from tlbench_finetune.last_layers import LastLayers
from tlbench_finetune.layer_decay import LayerDecay
from tlbench_finetune.lora import Lora, LowRank
from tlbench_finetune.lp_ft import LpFt
from tlbench_finetune.norm_tuning import NormTuning
from tlbench_finetune.side_tuning import Blend, SideTuning
from tlbench_finetune.stages import stages
from tlbench_finetune.structure import norms
from tlbench_finetune.updates import attach, merge


class Network(nn.Module):
    """Three stages, each of another kind, and a parameter outside them."""

    def __init__(self):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 1, 8, 8))
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.block = nn.Sequential(
            nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.top = nn.Linear(24, 8)

    def forward(self, inputs):
        images = inputs.float() / 255 - 0.5 + self.position
        return self.top(self.block(self.norm(self.stem(images)).relu()))


class Plain(Backbone):
    """A backbone description for any network class."""

    name = "plain"
    feature_dim = 8

    def __init__(self, network=Network):
        self.network = network
        self.built = 0

    def encode(self, raw):
        raise NotImplementedError

    def build(self, weights):
        self.built += 1
        network = self.network()
        if weights is not None:
            network.load_state_dict(weights)
        return network


PARAMETERS = {name for name, _ in Network().named_parameters()}
STATISTICS = {f"{norm}.{kind}" for norm in ("norm", "block.1") for kind in ("running_mean", "running_var")}
BLOCK_AND_TOP = {"block.0.weight", "block.1.weight", "block.1.bias", "top.weight", "top.bias"}
RECIPE = Recipe(steps=4, batch_size=8, augment="none")
# No decay, no momentum and no clipping: a step is the gradient times the rate.
ONE_STEP = Recipe(
    optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=0.0, schedule="constant", warmup=0.0, steps=1,
    batch_size=16, augment="none",
)  # fmt: skip
ALL = [
    Finetune(), LastLayers(), GradualUnfreezing(), LayerDecay(), LpFt(), L2Sp(), Bss(), BitFit(), NormTuning(), Lora(),
    Lora(rank=0), Adapter(), SideTuning(),
]  # fmt: skip


@pytest.fixture(scope="module")
def weights():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = Network()
        for norm in norms(network):
            norm.running_mean.normal_(std=0.2)
            norm.running_var.uniform_(0.05, 0.15)
        with torch.no_grad():
            network.top.weight.mul_(2)
        return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def examples(classes=4, count=16):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    inputs = torch.randint(0, 120, (count, 1, 8, 8), dtype=torch.uint8, generator=generator)
    for image, label in zip(inputs, labels, strict=True):
        image[0, 2 * int(label) : 2 * int(label) + 2] += 100
    return Labelled(inputs, labels)


class Phases(Workbench):
    """A workbench that remembers, of each training, the steps, the head it began with, and what moved."""

    def __init__(self, *arguments, **rest):
        super().__init__(*arguments, **rest)
        self.steps, self.heads, self.moved = [], [], []

    def train(self, model, *arguments, **rest):
        before = state(model)
        self.steps.append(rest["recipe"].steps)
        self.heads.append(state(model.head))
        super().train(model, *arguments, **rest)
        self.moved.append({name for name, tensor in state(model).items() if not torch.equal(tensor, before[name])})
        return model


def state(model):
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


@pytest.fixture
def fit(weights):
    """Fit a strategy on the tiny network; return the classifier and the bench."""

    def fitted(strategy, recipe=RECIPE, classes=4, **rest):
        seed_everything(5)
        bench = Phases(Setting(Plain(), weights, classes, recipe, torch.device("cpu"), 0, 0), **rest)
        return strategy.fit(Task(tuple("abcdef"[:classes]), examples(classes)), bench), bench

    return fitted


# ---- what learns and what stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "learns"),
    [
        (Finetune(), PARAMETERS),
        (Finetune(batch_norm="train"), PARAMETERS | STATISTICS),
        (LastLayers(), {"top.weight", "top.bias"}),
        (LastLayers(depth=2), BLOCK_AND_TOP),
        (LastLayers(depth=3), PARAMETERS),
        (LastLayers(depth=9), PARAMETERS),
        (GradualUnfreezing(), PARAMETERS),
        (LayerDecay(), PARAMETERS),
        (LpFt(), PARAMETERS),
        (L2Sp(), PARAMETERS),
        (Bss(), PARAMETERS),
        (BitFit(), {"norm.bias", "block.1.bias", "top.bias"}),
        (NormTuning(), {"norm.weight", "norm.bias", "block.1.weight", "block.1.bias"}),
        (NormTuning(batch_norm="train"), {"norm.weight", "norm.bias", "block.1.weight", "block.1.bias"} | STATISTICS),
        (Lora(), {"stem.weight", "block.0.weight", "top.weight"}),
        (Lora(rank=0), set()),
        (
            Adapter(),
            {"stem.weight", "block.0.weight", "norm.weight", "norm.bias", "block.1.weight", "block.1.bias"},
        ),
        (
            Adapter(batch_norm="train"),
            {"stem.weight", "block.0.weight", "norm.weight", "norm.bias", "block.1.weight", "block.1.bias"}
            | STATISTICS,
        ),
    ],
    ids=lambda value: "" if isinstance(value, set) else value.variant,
)
def test_what_should_learn_learns_and_the_rest_stays_to_the_bit(fit, weights, strategy, learns):
    model, bench = fit(strategy)
    after = state(model.backbone)
    assert after.keys() == weights.keys()  # updates are merged: the network is a plain one
    moved = {name for name in weights if not torch.equal(after[name], weights[name])}
    assert {name for name in moved if "num_batches" not in name} == learns
    assert {"head.weight", "head.bias"} <= bench.moved[-1]
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize(
    ("strategy", "count"),
    [
        (LastLayers(), 24 * 8 + 8),
        (BitFit(), 4 + 6 + 8),
        (NormTuning(), 2 * (4 + 6)),
        (Lora(rank=2), 2 * (4 + 9) + 2 * (6 + 36) + 2 * (8 + 24)),
        (Lora(rank=0), 0),
        (Adapter(), 4 * 1 + 6 * 4 + 2 * (4 + 6)),
        (SideTuning(), sum(parameter.numel() for parameter in Network().parameters()) + 1),
    ],
    ids=lambda value: "" if isinstance(value, int) else value.variant,
)
def test_the_record_counts_what_learns_beside_the_head(fit, strategy, count):
    _, bench = fit(strategy)
    assert bench.journal.trained_parameters == count + 8 * 4 + 4


@pytest.mark.parametrize("strategy", ALL, ids=lambda strategy: strategy.variant)
def test_a_fit_repeats_to_the_bit_with_dropout_mixup_and_validation(fit, strategy):
    recipe = replace(RECIPE, dropout=0.2, mixup=0.4, label_smoothing=0.1, evaluate_every=1)
    torch.rand(7)
    first, bench = fit(strategy, recipe, validation=examples(count=8))
    second, _ = fit(strategy, recipe, validation=examples(count=8))
    assert same(first, second)
    assert bench.journal.validated
    assert predict(first, examples().inputs, bench.device).isfinite().all()


@pytest.mark.parametrize("strategy", ALL, ids=lambda strategy: strategy.variant)
def test_every_strategy_learns_what_it_is_shown(fit, strategy):
    model, bench = fit(replace(strategy, steps=30, lr=0.03), RECIPE)
    data = examples()
    assert F.cross_entropy(predict(model, data.inputs, bench.device), data.labels) < 0.9 * math.log(4)


# ---- strategies that equal others ----------------------------------------------------------------------------


def test_a_divisor_of_one_is_plain_fine_tuning(fit):
    assert same(fit(LayerDecay(divisor=1))[0], fit(Finetune())[0])


def test_shrinkage_of_weight_zero_is_plain_fine_tuning(fit):
    assert same(fit(Bss(eta=0))[0], fit(Finetune())[0])
    assert not same(fit(Bss(eta=1.0))[0], fit(Finetune())[0])


def test_l2_sp_without_its_penalties_is_fine_tuning_without_weight_decay(fit):
    recipe = replace(RECIPE, weight_decay=0.0)
    assert same(fit(L2Sp(alpha=0, beta=0), recipe)[0], fit(Finetune(), recipe)[0])
    assert same(fit(L2Sp(alpha=0, beta=0))[0], fit(Finetune(), recipe)[0])  # the penalties replace the decay


def test_all_layers_are_fine_tuning(fit):
    assert same(fit(LastLayers(depth=3))[0], fit(Finetune())[0])


def test_lora_of_rank_zero_trains_the_head_alone_to_the_bit(fit):
    model, bench = fit(Lora(rank=0))
    strategy = Lora()
    again = Phases(bench._setting)
    seed_everything(5)
    head = again.head()
    again.train(
        again.classifier(head), again.cross_entropy(), examples(),
        recipe=RECIPE.but(lr=strategy.lr), groups=[(head, strategy.head_rate)],
    )  # fmt: skip
    assert same(model.head, head)


# ---- what each does ------------------------------------------------------------------------------------------


def test_each_stage_learns_slower_than_the_next_by_the_divisor(fit, weights):
    decayed, plain = (
        fit(strategy, ONE_STEP)[0].backbone.state_dict()
        for strategy in (LayerDecay(divisor=2, lr=0.1), Finetune(lr=0.1))
    )
    rates = {"top": 1, "block": 1 / 2, "stem": 1 / 4, "norm": 1 / 4, "position": 1 / 4}
    for name in PARAMETERS:
        wanted = rates[name.partition(".")[0]] * (plain[name] - weights[name])
        assert torch.allclose(decayed[name] - weights[name], wanted, rtol=1e-3, atol=1e-7), name


def test_gradual_unfreezing_adds_a_stage_a_phase_and_takes_the_same_steps(fit):
    _, bench = fit(GradualUnfreezing(steps=10))
    assert bench.steps == [2, 3, 2, 3]
    head = {"head.weight", "head.bias"}
    top = {"backbone.top.weight", "backbone.top.bias"}
    assert bench.moved == [
        head,
        head | top,
        head | {f"backbone.{name}" for name in BLOCK_AND_TOP},
        head | {f"backbone.{name}" for name in PARAMETERS},
    ]


def test_with_fewer_steps_than_phases_the_last_phase_is_still_there(fit):
    _, bench = fit(GradualUnfreezing(steps=1))
    assert bench.steps == [1]
    assert "backbone.stem.weight" in bench.moved[0]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_lp_ft_starts_from_the_head_at_which_the_probes_gradient_vanishes(fit, classes, dropout):
    _, bench = fit(LpFt(strength=0.5), replace(RECIPE, dropout=dropout), classes)
    weight, bias = (tensor.double().requires_grad_() for tensor in bench.heads[0].values())
    data = examples(classes)
    features = bench.features(data.inputs).double()
    logits = features @ weight.T + bias
    # For two classes scikit-learn penalises one row of the difference, which is twice either row.
    size = weight.square().sum() / 2 if classes > 2 else (weight[1] - weight[0]).square().sum() / 2
    size = size * (features - features.mean(0)).square().mean()  # weights of features that have one scale
    objective = F.cross_entropy(logits, data.labels, reduction="sum") + size / 0.5
    start = F.cross_entropy(torch.zeros_like(logits), data.labels, reduction="sum")
    assert objective < 0.9 * start
    assert all(gradient.abs().max() < 0.01 for gradient in torch.autograd.grad(objective, [weight, bias]))


def test_l2_sp_pulls_the_head_to_zero_by_beta(fit):
    rate, strategy = 0.1 * 10, L2Sp(alpha=0, beta=0.5, lr=0.1, head_rate=10.0)
    pulled, bench = fit(strategy, ONE_STEP)
    free, _ = fit(replace(strategy, beta=0.0), ONE_STEP)
    for name, start in bench.heads[0].items():
        difference = pulled.head.state_dict()[name] - free.head.state_dict()[name]
        assert torch.allclose(difference, -rate * 0.5 * start, atol=1e-6)
    assert same(pulled.backbone, free.backbone)


def test_l2_sp_pulls_the_backbone_to_its_start_by_alpha(fit, weights):
    # After one step of rate r the distance is d; the second step then goes r * alpha * d less far.
    strategy = L2Sp(alpha=0.5, beta=0, lr=0.1)
    two = replace(ONE_STEP, steps=2)
    once, pulled, free = (
        fit(each, recipe)[0].backbone.state_dict()
        for each, recipe in ((strategy, ONE_STEP), (strategy, two), (replace(strategy, alpha=0.0), two))
    )
    for name in PARAMETERS:
        wanted = -0.1 * 0.5 * (once[name] - weights[name])
        assert torch.allclose(pulled[name] - free[name], wanted, atol=1e-7), name


def test_the_spectral_penalty_is_the_sum_of_the_smallest_squared_singular_values():
    generator = torch.Generator().manual_seed(2)
    left, right = (torch.linalg.qr(torch.randn(size, 3, generator=generator))[0] for size in (6, 4))
    features = left @ torch.diag(torch.tensor([5.0, 0.3, 2.0])) @ right.T  # of rank 3: the fourth value is 0
    assert spectral_penalty(features[:, :3] * 0 + left * torch.tensor([5.0, 0.3, 2.0]), 1) == pytest.approx(0.09)
    assert spectral_penalty(features, 1) == pytest.approx(0, abs=1e-9)
    assert spectral_penalty(features, 3) == pytest.approx(4.09, rel=1e-5)


def test_the_spectral_penalty_has_a_gradient_where_examples_are_equal():
    features = torch.ones(5, 3, requires_grad=True)
    spectral_penalty(features, 2).backward()
    assert features.grad.isfinite().all()


def test_shrinkage_leaves_weaker_directions(fit):
    penalties = []
    for eta in (0.0, 10.0):
        model, _ = fit(Bss(eta=eta, k=2, steps=30, lr=1e-3))
        penalties.append(float(spectral_penalty(model.backbone(examples().inputs), 2).detach()))
    assert penalties[1] < 0.8 * penalties[0]


def test_adapters_reach_the_middle_of_the_kernels_only(fit, weights):
    after = fit(Adapter())[0].backbone.state_dict()
    for name in ("stem.weight", "block.0.weight"):
        change = after[name] - weights[name]
        assert change[:, :, 1, 1].abs().max() > 0
        change[:, :, 1, 1] = 0
        assert change.abs().max() == 0


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(3, 1, 1), (3, 2, 1), ((1, 5), (1, 2), 1), (3, 2, 3)])
def test_an_adapter_is_a_one_by_one_convolution_in_parallel(kernel, stride, groups):
    padding = tuple(size // 2 for size in (kernel if isinstance(kernel, tuple) else (kernel, kernel)))
    layer, beside = (
        nn.Conv2d(3, 6, kernel, stride, padding, groups=groups),
        nn.Conv2d(3, 6, 1, stride, groups=groups, bias=False),
    )
    inputs = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = layer(inputs) + beside(inputs)
        layers = attach([layer], lambda each: Parallel(each.weight))
        layer.parametrizations.weight[0].adapter.copy_(beside.weight)
        assert torch.allclose(layer(inputs), expected, atol=1e-6)
        merge(layers)
        assert torch.allclose(layer(inputs), expected, atol=1e-6)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_lora_starts_at_the_pretrained_network_and_merging_changes_nothing():
    layer = nn.Conv2d(3, 5, 3, stride=2, padding=1)
    inputs = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = layer(inputs)
        layers = attach([layer], lambda each: LowRank(each.weight, 2, 0.5))
        assert torch.equal(layer(inputs), before)
        update = layer.parametrizations.weight[0]
        update.b.normal_()
        changed = layer(inputs)
        difference = (layer.weight - layer.parametrizations.weight.original).flatten(1)
        merge(layers)
        assert torch.equal(layer(inputs), changed)
    assert not torch.allclose(changed, before, atol=0.01)
    assert torch.linalg.matrix_rank(difference, rtol=1e-4) == 2
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_loras_first_factor_is_drawn_as_a_linear_layers_weight():
    layer = nn.Conv2d(6, 5, 3)
    a = LowRank(layer.weight, 400, 1.0).a.detach()
    bound = 1 / math.sqrt(6 * 9)
    assert a.shape == (400, 54)
    assert 0.98 * bound < a.abs().max() <= bound
    assert float(a.std()) == pytest.approx(bound / math.sqrt(3), rel=0.02)


class Pair(nn.Module):
    """A convolution and a linear layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.linear = nn.Linear(4 * 16, 3)

    def forward(self, inputs):
        return self.linear(self.conv(inputs).relu().flatten(1))


@pytest.mark.slow  # importing peft takes seconds
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_lora_agrees_with_peft_step_for_step():
    peft = pytest.importorskip("peft")
    ours, theirs = Pair(), Pair()
    theirs.load_state_dict(ours.state_dict())
    ours.requires_grad_(False)
    names = ("conv", "linear")
    layers = attach([ours.conv, ours.linear], lambda layer: LowRank(layer.weight, 4, 6 / 4))
    theirs = peft.get_peft_model(theirs, peft.LoraConfig(r=4, lora_alpha=6, target_modules=list(names)))
    theirs_a, theirs_b = (
        [getattr(theirs.base_model.model, name).get_submodule(f"{part}.default").weight for name in names]
        for part in ("lora_A", "lora_B")
    )
    ours_a, ours_b = ([getattr(layer.parametrizations.weight[0], part) for layer in layers] for part in ("a", "b"))
    with torch.no_grad():
        for mine, other in zip(ours_a, theirs_a, strict=True):
            other.copy_(mine.view_as(other))
        assert all((other == 0).all() for other in theirs_b)

    optimizers = [torch.optim.SGD([*a, *b], lr=0.5) for a, b in ((ours_a, ours_b), (theirs_a, theirs_b))]
    inputs = torch.randn(6, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(6) % 3
    for _ in range(4):
        logits = [network(inputs) for network in (ours, theirs)]
        assert torch.allclose(*logits, atol=1e-5)
        for each, optimizer in zip(logits, optimizers, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(each, labels).backward()
        for mine, other in zip([*ours_a, *ours_b], [*theirs_a, *theirs_b], strict=True):
            assert torch.allclose(mine.grad, other.grad.view_as(mine), atol=1e-5)
        for optimizer in optimizers:
            optimizer.step()
    assert all((factor != 0).any() for factor in ours_b)
    merge(layers)
    merged = theirs.merge_and_unload()
    assert torch.allclose(ours.conv.weight, merged.conv.weight, atol=1e-5)
    assert torch.allclose(ours.linear.weight, merged.linear.weight, atol=1e-5)


def test_side_tuning_leaves_the_base_alone_and_trains_the_side_and_the_blending(fit, weights):
    model, bench = fit(SideTuning())
    base, side = (state(part) for part in (model.backbone.base.module, model.backbone.side))
    assert all(torch.equal(base[name], weights[name]) for name in weights)
    assert {name for name in weights if not torch.equal(side[name], weights[name])} == PARAMETERS
    alpha = bench.journal.notes["alpha"]
    assert alpha != 0.5
    inputs = examples().inputs
    with torch.no_grad():
        blended = alpha * model.backbone.base(inputs) + (1 - alpha) * model.backbone.side(inputs)
        assert torch.allclose(model.backbone(inputs), blended, atol=1e-6)


def test_a_blend_of_copies_is_what_is_copied(weights):
    base, side = Plain().build(weights).eval(), Plain().build(weights).eval()
    with torch.no_grad():
        assert torch.allclose(Blend(base, side)(examples().inputs), base(examples().inputs), atol=1e-6)


# ---- the parts of networks -----------------------------------------------------------------------------------


def test_stages_are_the_parts_in_order_with_norms_beside_what_they_follow():
    network = Network()
    first, second, third = stages(network)
    assert list(first) == [network.stem, network.norm]
    assert second is network.block
    assert third is network.top


def test_the_blocks_of_a_transformer_are_stages():
    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Linear(4, 4)
            self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4)) for _ in range(3)])
            self.head = nn.ModuleDict({"norm": nn.LayerNorm(4)})

    network = nn.ModuleDict({"shell": Transformer()})
    inside = network["shell"]
    found = stages(network)
    assert found[:3] == [inside.embed, inside.blocks[0], inside.blocks[1]]
    assert list(found[3]) == [inside.blocks[2], inside.head]
    assert len(found) == 4


def test_several_lists_of_blocks_are_a_stage_each():
    block = nn.ModuleDict({"layer": nn.Linear(2, 2)})
    network = nn.ModuleDict({f"layer{i}": nn.Sequential(block, block) for i in range(3)})
    assert stages(network) == list(network.values())


def test_norms_are_known_by_name_and_by_what_they_learn():
    class RootMeanSquareNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))

    class NormFreeBlock(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.zeros(()))

    own = RootMeanSquareNorm()
    layers = [
        nn.GroupNorm(1, 2),
        nn.LayerNorm(2),
        own,
        nn.BatchNorm2d(2, affine=False),
        NormFreeBlock(),
        nn.Linear(2, 2),
    ]
    assert norms(nn.ModuleList(layers)) == layers[:3]


# ---- where they make no sense --------------------------------------------------------------------------------


class Pointwise(nn.Module):
    """Linear maps by 1 x 1 convolutions in groups: nothing to normalise, no bias, no larger kernel."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Conv2d(8, 8, 1, groups=8, bias=False)


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        (NormTuning(), "norm-tuning needs a backbone with normalisation layers"),
        (BitFit(), "bitfit needs a backbone with biases"),
        (Adapter(), "adapter needs a backbone with convolutions of 3 x 3 or more"),
        (Lora(), "lora needs a backbone with linear layers or convolutions"),
    ],
)
def test_a_backbone_without_what_is_tuned_is_refused_and_told_which_would_do(strategy, wanted):
    class Lacking(Plain):
        name = "lacking"

    class Having(Plain):
        name = "having"

    said = strategy.unsuitable(Lacking(Pointwise), None, Budget.parse("5-shot"))
    assert said == f"{wanted}; lacking has none. Choose one such as resnet18 or test_resnet."
    assert strategy.unsuitable(Having(), None, Budget.parse("5-shot")) is None


def test_asking_builds_a_backbone_once_and_draws_nothing():
    class Counted(Plain):
        name = "counted"

    backbone, before = Counted(), torch.random.get_rng_state()
    for strategy in (NormTuning(), BitFit(), Adapter(), Lora(), Lora(rank=2)):
        assert strategy.unsuitable(backbone, None, Budget.parse("5-shot")) is None
    assert backbone.built == 1
    assert torch.equal(torch.random.get_rng_state(), before)
