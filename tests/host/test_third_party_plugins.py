"""Plugins as strangers write them: each fault has a sentence that tells how to mend it, wherever it shows."""

import importlib
import re

import pytest

KERAS = '''
from dataclasses import dataclass
from torch import nn
from tlbench import Family, Strategy, hookimpl


@dataclass(frozen=True)
class Dense(Strategy):
    """A dense network."""

    name = "dense"
    family = Family.FINETUNE

    def fit(self, x, y, epochs=10):
        return self

    def call(self, x):
        return nn.functional.softmax(x, dim=-1)


@hookimpl
def tlbench_strategies():
    return [Dense]
'''

STRATEGY = '''
from dataclasses import dataclass, field
import torch
from torch import nn
from tlbench import Family, Strategy, hookimpl


@dataclass(frozen=True)
class Dense(Strategy):
    """A dense layer."""

    name = "dense"
    family = Family.EXTRACT
    LINE

    def fit(self, task, bench):
        BODY


@hookimpl
def tlbench_strategies():
    return [Dense]
'''

DATA = '''
import os
from pathlib import Path
import numpy as np
import torch
from torch import nn
from tlbench import Backbone, Dataset, Labelled, hookimpl

LABELS = np.arange(60) % 2
IMAGES = (np.random.default_rng(0).integers(60, 120, (60, 8, 8)) + 100 * LABELS[:, None, None]).astype(np.uint8)


class Pets(Dataset):
    """Two animals."""

    name = "pets"
    classes = ("cats", "dogs")

    def load(self, domain, split):
        half = slice(0, 40) if split == "train" else slice(40, 60)
        return Labelled(IMAGES[half], LABELS[half])


class Shuffled(Dataset):
    """Shuffles its own arrays."""

    name = "shuffled"
    classes = ("cats", "dogs")

    def load(self, domain, split):
        state = np.random.RandomState(0)
        for array in (IMAGES, LABELS):
            state.seed(0)
            state.shuffle(array)
        half = slice(0, 40) if split == "train" else slice(40, 60)
        return Labelled(IMAGES[half], LABELS[half])


class Listed(Pets):
    """Classes as a folder lists them."""

    name = "listed"
    classes = ("dogs", "cats")


class Network(nn.Module):
    def __init__(self, pooled):
        super().__init__()
        self.pooled = pooled
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, inputs):
        maps = self.conv(inputs.float() / 255)
        return maps.mean(dim=(2, 3)) if self.pooled else maps


class Maps(Backbone):
    """Returns a map."""

    name = "maps"
    feature_dim = 4
    pooled = False

    def encode(self, raw):
        return torch.stack([torch.from_numpy(np.array(image, dtype=np.uint8))[None] for image in raw])

    def build(self, weights):
        return Network(self.pooled)


class Darkening(Maps):
    """Normalises in place."""

    name = "darkening"
    pooled = True

    def encode(self, raw):
        for image in raw:
            image -= image.min()
        return super().encode(raw)


@hookimpl
def tlbench_datasets():
    return [Pets, Shuffled, Listed]


@hookimpl
def tlbench_backbones():
    return [Maps(), Darkening()]
'''

WHOLE = "return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution as pip does: a module and its metadata on the path."""

    def install(text, name):
        (tmp_path / f"{name}.py").write_text(text)
        metadata = tmp_path / f"{name}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(f"[tlbench]\n{name} = {name}\n")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

    return install


def strategy(line="pass", body=WHOLE):
    return STRATEGY.replace("LINE", line).replace("BODY", body)


def run(refused, path, out, *arguments):
    common = ("--replicates", "1", "--budget", "2-shot", "--jobs", "1", "--out", out)
    return refused("run", "-p", path, *arguments, *common)


def verdict(cli, *arguments):
    """Return what `tlbench check` says of each rule that is broken."""
    result = cli("check", *arguments)
    assert result.exit_code == 1
    parts = re.findall(r"^FAIL  (.*)\n((?:      .*\n?)+)", result.stdout, re.MULTILINE)
    return {rule: " ".join(text.split()) for rule, text in parts}


# ---- a Keras-style habit ---------------------------------------------------------------------------------------

SIGNATURE = "class Dense: fit(self, x, y, epochs=10) must be fit(self, task, bench). Labelled examples are"


@pytest.mark.parametrize("command", [("check", "dense"), ("list", "strategies"), ("run", "-s", "dense")])
def test_a_fit_of_x_and_y_is_told_what_tlbench_gives(command, refused, plugin_file):
    sentence = refused(*command, "-p", plugin_file(KERAS, "keras_style.py"))
    assert SIGNATURE in sentence
    assert "task.train.inputs and task.train.labels" in sentence
    assert "fit returns the network, a torch.nn.Module" in sentence
    assert "Keras calls `call`; here fit returns a torch.nn.Module, whose forward is called." in sentence


def test_an_installed_one_is_explained_by_doctor_and_by_check(installed, cli, refused):
    installed(KERAS, "keras_style_installed")
    doctor = cli("doctor").stdout
    assert "BROKEN plugin 'keras_style_installed' from keras_style_installed 1.2" in doctor
    assert f"cause: {SIGNATURE}" in doctor
    sentence = refused("check", "dense")
    assert "is named 'dense'" in sentence
    assert SIGNATURE in sentence


def test_a_further_parameter_is_told_to_be_a_field(refused, plugin_file):
    text = KERAS.replace("x, y, epochs=10", "task, bench, epochs=10")
    assert "make it a field of the class, epochs: int = 10" in refused("check", "dense", "-p", plugin_file(text))


def test_a_fit_that_returns_the_strategy_is_told_so(cli, plugin_file):
    path = plugin_file(strategy(body="return self"), "returns_itself.py")
    assert (
        "fit returned Dense; it must return a torch.nn.Module"
        in verdict(cli, "-p", path, "dense")["logits are finite and one per class"]
    )


def test_probabilities_are_told_to_be_logits(cli, plugin_file):
    body = "return nn.Sequential(bench.classifier(nn.Linear(bench.feature_dim, len(task.classes))), nn.Softmax(1))"
    found = verdict(cli, "-p", plugin_file(strategy(body=body), "with_softmax.py"), "dense")
    assert "leave the softmax away" in found["logits are no probabilities"]


# ---- a class that mutates its input ----------------------------------------------------------------------------


def test_a_strategy_that_works_in_place_is_told_by_check(cli, plugin_file):
    path = plugin_file(strategy(body=f"task.train.inputs.clamp_(max=9)\n        {WHOLE}"), "in_place.py")
    found = verdict(cli, "-p", path, "dense")
    assert (
        "changes task.train.inputs in place. Other strategies get the same: work on a copy."
        in found["the tensors of the task stay as they were"]
    )


def test_a_dataset_that_shuffles_in_place_is_told_before_anything_runs(cli, refused, plugin_file, tmp_path):
    path = plugin_file(DATA, "data_in_place.py")
    sentence = run(refused, path, tmp_path / "out", "-d", "shuffled", "-b", "conv4", "-s", "nearest-mean")
    assert "a second load gives other examples or another order" in sentence
    assert "permutation(n) instead of shuffle" in sentence
    assert not (tmp_path / "out").exists()
    found = verdict(cli, "-p", path, "shuffled")
    assert "permutation(n) instead of shuffle" in found["equal arguments give equal bytes"]


def test_a_backbone_that_normalises_in_place_is_told_before_anything_is_trained(cli, refused, plugin_file, tmp_path):
    path = plugin_file(DATA, "backbone_in_place.py")
    sentence = run(refused, path, tmp_path / "out", "-d", "pets", "-b", "darkening", "-s", "nearest-mean")
    assert "'darkening': encode changes the raw examples in place" in sentence
    assert "Work on a copy, np.array(example), or normalise inside the network." in sentence
    found = verdict(cli, "-p", path, "darkening")
    assert "Work on a copy" in found["encoding leaves the raw examples alone"]


# ---- a dataset with unsorted classes ---------------------------------------------------------------------------


def test_unsorted_classes_are_told_to_be_sorted_or_declared(cli, refused, plugin_file, tmp_path):
    path = plugin_file(DATA, "unsorted_classes.py")
    sentence = run(refused, path, tmp_path / "out", "-d", "listed", "-b", "conv4", "-s", "nearest-mean")
    assert "its classes are not sorted ('dogs' comes before 'cats')" in sentence
    assert "tuple(sorted(...)) and number the labels by it" in sentence
    assert 'declare class_order = "fixed" on the class Listed' in sentence
    found = verdict(cli, "-p", path, "listed")
    assert "tuple(sorted(...))" in found["classes are two or more distinct texts in order"]


# ---- a backbone that returns a map -----------------------------------------------------------------------------


def test_a_map_is_told_to_be_pooled_before_anything_is_trained(cli, refused, plugin_file, tmp_path):
    path = plugin_file(DATA, "returns_a_map.py")
    sentence = run(refused, path, tmp_path / "out", "-d", "pets", "-b", "maps", "-s", "scratch")
    assert "backbone maps: the network returns a map of shape (2, 4, 6, 6); features are float32 (2, 4)" in sentence
    assert "return maps.mean(dim=(2, 3)), with feature_dim = 4" in sentence
    assert list((tmp_path / "out" / "records").iterdir()) == []
    found = verdict(cli, "-p", path, "maps")
    assert "return maps.mean(dim=(2, 3)), with feature_dim = 4" in found["features are float32 vectors"]


# ---- a strategy with a mutable default ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "layers: list = []",
            "mutable default <class 'list'> for field layers",
        ),
        (
            "layers: list[int] = field(default_factory=lambda: [64, 32])",
            "the field layers holds a list.*Write a tuple: layers: tuple[int, ...] =",
        ),
        ("layers = [64, 32]", "layers = [64, 32] is one list for all fits.*layers: tuple[int, ...] = (64, 32)"),
        ("options: dict = {}", "mutable default <class 'dict'> for field options"),
    ],
    ids=["a list as a default", "a list by a factory", "a list on the class", "a dict as a default"],
)
def test_a_mutable_default_is_told_to_be_a_tuple(line, words, refused, plugin_file):
    path = plugin_file(strategy(line), "mutable_default.py")
    pattern = ".*".join(re.escape(part) for part in words.split(".*"))
    for command in (("check", "dense"), ("list", "strategies"), ("run", "-s", "dense")):
        assert re.search(pattern, refused(*command, "-p", path))


# ---- what does not import ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause", "hint", "code"),
    [
        (
            strategy("layers: list = []"),
            "ValueError: mutable default",
            "",
            "@dataclass(frozen=True)",
        ),
        (
            "from tlbench import Strategie\n",
            "ImportError: cannot import name 'Strategie'",
            "Did you mean 'Strategy'?",
            "from tlbench import Strategie",
        ),
        (
            "from tlbench import Cache\n",
            "ImportError: cannot import name 'Cache'",
            "Write `from tlbench.data import Cache`.",
            "from tlbench import Cache",
        ),
        (
            "import tlbench.planing\n",
            "No module named 'tlbench.planing'",
            "Did you mean 'tlbench.planning'?",
            "import tlbench.planing",
        ),
        (
            "\nimport a_library_of_nobody\n",
            "No module named 'a_library_of_nobody'",
            "",
            "import a_library_of_nobody",
        ),
        (
            "x = 1\ndef f(:\n    pass\n",
            "SyntaxError: invalid syntax (line 2: def f(:)",
            "",
            "def f(:",
        ),
        (
            "import tlbench\n\nclass A(tlbench.Strategie):\n    pass\n",
            "AttributeError: module 'tlbench' has no attribute 'Strategie'",
            "Did you mean 'Strategy'?",
            "class A(tlbench.Strategie):",
        ),
        (
            "@hookimpl\ndef f():\n    pass\n",
            "NameError",
            "name 'hookimpl' is not defined",
            "@hookimpl",
        ),
    ],
    ids=[
        "mutable",
        "no such name",
        "elsewhere",
        "no such module",
        "not installed",
        "syntax",
        "attribute",
        "not imported",
    ],
)
def test_doctor_gives_cause_hint_and_line(text, cause, hint, code, installed, cli, request):
    name = "broken_" + re.sub(r"\W", "_", request.node.callspec.id)
    installed(text, name)
    lines = cli("doctor").stdout.splitlines()
    start = lines.index(f"  BROKEN plugin '{name}' from {name} 1.2 (plugin '{name}'), entry point {name}")
    part = "\n".join(lines[start : start + 6])
    assert cause in part
    assert hint in part
    assert f"{name}.py, line" in part
    assert code in part


def test_doctor_tells_of_a_file_that_cannot_be_used_and_of_the_rest(cli, plugin_file):
    result = cli("doctor", "-p", plugin_file("import a_library_of_nobody\n", "lonely.py"))
    assert result.exit_code == 0
    assert re.search(
        r"BROKEN plugin file .*lonely.py cannot be used: .*No module named 'a_library_of_nobody' \(line 1\)",
        result.stdout,
    )
    assert "(plugin 'metrics')" in result.stdout


# ---- what other methods are written like ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "def load(self, domain, split)",
            "def load(self, split)",
            "load(self, split) must be load(self, domain, split)",
        ),
        ("def load(self, domain, split)", "def load(self, split, domain)", "must be load(self, domain, split)"),
        ("def encode(self, raw)", "def encode(self)", "encode(self) must be encode(self, raw)"),
        ("def build(self, weights)", "def build(self, pretrained=True)", "must be build(self, weights)"),
        ("def build(self, weights)", "def build(self)", "None for a random start"),
    ],
)
def test_methods_of_other_arguments_are_refused_with_the_right_ones(old, new, words, refused, plugin_file):
    kind = "datasets" if "load" in old else "backbones"
    assert words in refused("list", kind, "-p", plugin_file(DATA.replace(old, new), "other_arguments.py"))


def test_what_a_load_raises_is_told_with_its_line(refused, plugin_file, tmp_path):
    path = plugin_file(
        DATA.replace("return Labelled(IMAGES[half], LABELS[half])", "return IMAGES[half]['x']"), "raises.py"
    )
    sentence = run(refused, path, tmp_path / "out", "-d", "pets", "-b", "conv4", "-s", "nearest-mean")
    assert "load raised IndexError: only integers" in sentence
    assert "raises.py, line" in sentence


def test_other_names_for_the_same_arguments_are_welcome(cli, plugin_file):
    text = strategy().replace("self, task, bench", "self, problem, bench").replace("task.", "problem.")
    assert "dense" in cli("list", "strategies", "-p", plugin_file(text, "other_names.py")).stdout


BAD_BACKBONE = """
from tlbench import Backbone, hookimpl

class Net(Backbone):
    name = "net"
    feature_dim = 4
    {said}

    def encode(self, raw): ...
    def build(self, weights): ...

@hookimpl
def tlbench_backbones():
    return [{made}]
"""


@pytest.mark.parametrize(
    ("said", "made", "sentence"),
    [
        ('pretrained_on = ("cifar10",)', "Net()", "class Net: pretrained_on must be a str or None, got tuple"),
        ("", "Backbone('net', 4)", "Backbone(...) is no backbone: subclass it, with encode and build"),
        ("", "object()", "is not an instance of tlbench.Backbone: subclass it, with encode and build."),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_backbone_that_says_the_wrong_thing_is_refused_before_a_run_as_before_a_check(
    command, said, made, sentence, plugin_file, refused
):
    file = plugin_file(BAD_BACKBONE.format(said=said, made=made))
    line = refused(command, "-p", file, *(["net"] if command == "check" else ["-b", "net"]))
    assert sentence in line


def test_what_a_backbone_says_with_the_users_arguments_is_checked_too(plugin_file, refused):
    text = BAD_BACKBONE.replace("class Net", "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Net")
    said = 'wide: bool = False\n    pretrained_on = property(lambda self: ["cifar10"] if self.wide else None)'
    file = plugin_file(text.format(said=said, made="Net()"))
    assert "class Net: pretrained_on must be a str or None" in refused("run", "-p", file, "-b", "net(wide=true)")
