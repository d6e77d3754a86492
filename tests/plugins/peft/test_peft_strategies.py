"""Strategies of peft: which layers are adapted, and that training, counting and merging mean the same network."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from tlbench import Backbone, Budget, ParameterError, Recipe, Task, Workbench
from tlbench.contract import Labelled
from tlbench.host import Catalog, Host
from tlbench.learning import Setting, predict, seed_everything
from tlbench.planning import make_plan
from tlbench_peft.ia3 import PeftIA3
from tlbench_peft.loha import PeftLoha
from tlbench_peft.lokr import PeftLokr
from tlbench_peft.lora import PeftLora
from tlbench_peft.oft import PeftOft

pytest.importorskip("peft")
CPU = torch.device("cpu")
VARIANTS = [
    PeftLora(), PeftLora(dora=True), PeftLora(dropout=0.2), PeftLora(layers="linear"), PeftLora(layers="conv"),
    PeftIA3(), PeftLoha(), PeftLoha(dropout=0.2), PeftLokr(), PeftOft(),
]  # fmt: skip
EVERY = {"stem", "depthwise", "dilated", "grouped", "narrow", "strided", "top"}


class Same(nn.Conv2d):
    """A convolution with a forward pass of its own, as timm's with TensorFlow's padding."""

    def forward(self, inputs):
        return super().forward(nn.functional.pad(inputs, (0, 1, 0, 1)))


class Network(nn.Module):
    """A layer of every kind that there is to adapt, and of every kind that must be left alone."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.dilated = nn.Conv2d(16, 16, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(16, 16, (3, 1), padding=(1, 0), groups=4)
        self.narrow = nn.Conv2d(16, 24, 1)
        self.strided = nn.Conv2d(24, 24, 1, stride=2)
        self.round = nn.Conv2d(24, 24, 3, padding=1, padding_mode="circular")
        self.same = Same(24, 24, 2)
        self.attention = nn.MultiheadAttention(24, 2, batch_first=True)
        self.twice = nn.Linear(24, 24)
        self.again = self.twice
        self.read = nn.Linear(24, 24)
        self.top = nn.Linear(24, 10)

    def forward(self, inputs):
        maps = self.norm(self.stem(inputs.float() / 255 - 0.5)).relu()
        maps = maps + self.depthwise(maps) + self.dilated(maps).relu() + self.grouped(maps)
        maps = self.strided(self.narrow(maps).relu())
        tokens = (maps + self.round(maps) + self.same(maps)).flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        tokens = self.again(self.twice(tokens).relu())
        return self.top(nn.functional.linear(tokens, self.read.weight, self.read.bias).mean(1))


class Mixed(Backbone):
    """The network above, or another one."""

    name = "mixed"

    def __init__(self, network=Network, feature_dim=10):
        self.network, self.feature_dim = network, feature_dim
        self.version = network.__name__

    def encode(self, raw):
        raise NotImplementedError

    def build(self, weights):
        network = self.network()
        if weights is not None:
            network.load_state_dict(weights)
        return network


@pytest.fixture(scope="module")
def weights():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network()
        with torch.no_grad():
            network.train()(examples().inputs)  # statistics that are not those of the start
        return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def examples():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 256, (16, 3, 16, 16), dtype=torch.uint8, generator=generator)
    return Labelled(inputs, torch.arange(16) % 4)


def fitted(strategy, weights, backbone=None):
    """Return the classifier and its bench."""
    recipe = Recipe(steps=3, batch_size=8, augment="none")
    bench = Workbench(Setting(backbone or Mixed(), weights, 4, recipe, CPU, seed=0, replicate=0))
    seed_everything(1)
    return strategy.fit(Task(tuple("abcd"), train=examples()), bench), bench


@pytest.fixture
def unmerged(monkeypatch):
    """What peft's model was and said before it was merged."""
    from peft.tuners.tuners_utils import BaseTuner

    seen, merge = {}, BaseTuner.merge_and_unload

    def watch(tuner, *arguments, **rest):
        layers = [(name, layer) for name, layer in tuner.model.named_modules() if hasattr(layer, "base_layer")]
        seen["layers"] = {name.rpartition(".")[2] for name, _ in layers}
        seen["trained"] = sum(item.numel() for item in tuner.parameters() if item.requires_grad)
        seen["features"] = predict(tuner.model, examples().inputs, CPU)
        return merge(tuner, *arguments, **rest)

    monkeypatch.setattr(BaseTuner, "merge_and_unload", watch)
    return seen


@pytest.mark.parametrize("strategy", VARIANTS, ids=lambda strategy: strategy.variant)
def test_the_merged_network_is_plain_says_what_the_adapted_one_said_and_moved_only_where_adapted(
    strategy, weights, unmerged
):
    classifier, bench = fitted(strategy, weights)
    after = classifier.backbone.state_dict()
    assert set(after) == set(weights)
    features = predict(classifier.backbone, examples().inputs, CPU)
    torch.testing.assert_close(features, unmerged["features"], rtol=1e-4, atol=1e-5)
    moved = {name.split(".")[0] for name in after if not torch.equal(after[name], weights[name])}
    assert moved == unmerged["layers"]
    assert bench.journal.notes["adapted_layers"] == len(moved)
    head = 4 * 10 + 4
    assert bench.journal.trained_parameters == unmerged["trained"] + head
    again, _ = fitted(strategy, weights)
    assert torch.equal(predict(again, examples().inputs, CPU), predict(classifier, examples().inputs, CPU))


@pytest.mark.parametrize("strategy", VARIANTS, ids=lambda strategy: strategy.variant)
def test_the_function_starts_as_it_was_pretrained(strategy, weights):
    classifier, bench = fitted(replace(strategy, lr=1e-12), weights)
    before = predict(bench.backbone(), examples().inputs, CPU)
    torch.testing.assert_close(predict(classifier.backbone, examples().inputs, CPU), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("strategy", "layers"),
    [
        (PeftLora(), {"stem", "narrow", "strided", "top"}),
        (PeftLora(layers="linear"), {"top"}),
        (PeftLora(layers="conv"), {"stem", "narrow", "strided"}),
        (PeftOft(), {"narrow", "strided", "top"}),
        (PeftIA3(), EVERY),
        (PeftLoha(), EVERY),
        (PeftLokr(layers="conv"), EVERY - {"top"}),
    ],
    ids=lambda value: getattr(value, "variant", ""),
)
def test_layers_are_adapted_where_training_and_merging_mean_the_same(strategy, layers, weights, unmerged):
    fitted(strategy, weights)
    assert unmerged["layers"] == layers


def test_a_backbone_that_is_one_layer_is_adapted():
    class One(nn.Linear):
        def __init__(self):
            super().__init__(192, 6)

        def forward(self, inputs):
            return super().forward(inputs.float().flatten(1))

    class Flat(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Flatten(), Scaled(), nn.Linear(768, 6))

    class Scaled(nn.Module):
        def forward(self, inputs):
            return inputs.float() / 255

    budget = Budget.parse("4-shot")
    assert PeftLora().unsuitable(Mixed(Flat, 6), None, budget) is None
    classifier, bench = fitted(PeftLora(), None, Mixed(Flat, 6))
    assert bench.journal.notes["adapted_layers"] == 1
    assert predict(classifier, examples().inputs, CPU).shape == (16, 4)
    assert "none that peft can adapt" in PeftLora().unsuitable(Mixed(One, 6), None, budget)


def test_a_vision_transformer_is_adapted_at_its_attention(unmerged):
    backbone, _ = Catalog(Host()).backbone("test_vit")
    recipe = Recipe(steps=1, batch_size=4, augment="none")
    bench = Workbench(Setting(backbone, None, 4, recipe, CPU, seed=0, replicate=0))
    inputs = torch.nn.functional.interpolate(examples().inputs, size=backbone.encode([_image()]).shape[2:])
    PeftLora(layers="linear").fit(Task(tuple("abcd"), train=Labelled(inputs, examples().labels)), bench)
    assert {"qkv", "proj", "fc1", "fc2"} <= unmerged["layers"]


def _image():
    return examples().inputs[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (PeftLora(layers="conv"), "peft-lora needs a backbone with layers for peft-lora(layers=conv)"),
        (PeftOft(), "peft-oft needs a backbone with linear layers or 1 x 1 convolutions"),
    ],
    ids=lambda value: getattr(value, "variant", ""),
)
def test_a_backbone_without_such_layers_is_refused_in_a_sentence(strategy, words):
    class Norms(nn.Sequential):
        def __init__(self):
            super().__init__(nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3, groups=3))

    answer = strategy.unsuitable(Mixed(Norms, 6), None, Budget.parse("4-shot"))
    assert words in answer
    assert answer.endswith(".")


def test_without_peft_every_cell_is_a_skip_that_says_what_to_install(monkeypatch, resources, suite):
    monkeypatch.setattr("tlbench_peft.tuning.find_spec", lambda name: None)
    plan = make_plan(suite(strategies=("peft-lora", "peft-oft", "nearest-mean")), resources)
    assert {cell.strategy for cell in plan.cells} == {"nearest-mean"}
    needs = "needs the library peft: pip install 'tlbench[peft]'."
    assert {skip.reason for skip in plan.skips} == {f"peft-lora {needs}", f"peft-oft {needs}"}


def test_peft_is_not_imported_until_something_is_fitted():
    code = (
        "import sys, tlbench_peft; names = [each.name for each in tlbench_peft.tlbench_strategies()]\n"
        "sys.exit(len(names) != 5 or any(name in sys.modules for name in ('peft', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120).returncode == 0


@pytest.mark.parametrize(
    "text", ["peft-lora(rank=0)", "peft-loha(dropout=1.0)", "peft-ia3(layers=norms)", "peft-oft(block=1)"]
)
def test_values_out_of_range_are_refused(text):
    with pytest.raises(ParameterError, match="parameter"):
        Catalog(Host()).strategy(text)


def test_the_import_of_peft_is_not_counted_as_training():
    code = (
        "import sys\n"
        "from tlbench.host.catalog import Catalog\n"
        "from tlbench.host.host import Host\n"
        "strategy = Catalog(Host()).strategy('peft-ia3')[0]\n"
        "assert 'peft' not in sys.modules\n"
        "strategy.ready()\n"
        "assert 'peft' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
