"""What tests of the core share: a cache of their own, a toy plugin file, and ways to call the command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from tlbench import Block, Recipe, Suite, Workbench
from tlbench.cli import main
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import Setting, configure
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where, execute_plan

# What slow machines are told beside the one line.
OF_PROGRESS = ("note:", "encoded", "starting", "planning", "reading", "looking for copies")

TOY = '''
"""Four corners of tiny images in two domains, and a network small enough to train in milliseconds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tlbench import Backbone, Dataset, Labelled, hookimpl

WEIGHTS = Path(__file__).with_name("tiny.safetensors")


@dataclass(frozen=True)
class Blobs(Dataset):
    """A bright blob in one corner of a noisy 8 x 8 image; by night it is dimmer."""

    name = "blobs"
    classes = ("north-west", "north-east", "south-west", "south-east")
    class_order = "fixed"
    domains = ("day", "night")
    each: int = 20  # training examples per class

    def load(self, domain, split):
        count = self.each if split == "train" else 10
        draw = np.random.default_rng([self.domains.index(domain), split == "train"])
        labels = np.repeat(np.arange(4), count)
        images = draw.integers(0, 120, (len(labels), 8, 8))
        for image, label in zip(images, labels):
            top, left = 4 * (label // 2), 4 * (label % 2)
            image[top : top + 4, left : left + 4] += 60 if domain == "day" else 40
        return Labelled(images.astype(np.uint8), labels)


class Letters(Dataset):
    """Six classes of another kind, to meta-train on."""

    name = "letters"
    classes = tuple("abcdef")

    def load(self, domain, split):
        labels = np.repeat(np.arange(6), 12 if split == "train" else 4)
        draw = np.random.default_rng(split == "train")
        images = draw.integers(0, 60, (len(labels), 8, 8))
        for image, label in zip(images, labels):
            image[label : label + 2] += 100
        return Labelled(images.astype(np.uint8), labels)


class Lone(Dataset):
    """One domain, two classes of different size."""

    name = "lone"
    classes = ("many", "few")
    class_order = "fixed"

    def load(self, domain, split):
        labels = np.array([0] * 12 + [1] * 3)
        images = np.random.default_rng(split == "train").integers(0, 100, (15, 8, 8)) + 100 * labels[:, None, None]
        return Labelled(images.astype(np.uint8), labels)


class Wide(Dataset):
    """More test examples than a classifier is given at a time."""

    name = "wide"
    classes = ("a", "b", "c", "d")

    def load(self, domain, split):
        labels = np.arange(200) % 4
        images = np.random.default_rng(split == "train").integers(1, 255, (200, 8, 8))
        return Labelled(images.astype(np.uint8), labels)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
            nn.Linear(16, 8), nn.ReLU(),
        )

    def forward(self, inputs):
        return self.layers(inputs.float() / 255 - 0.3)


@dataclass(frozen=True)
class Tiny(Backbone):
    """A convolution, a batch norm and a linear layer."""

    name: str = "tiny"
    weights: Path | None = None

    feature_dim = 8

    @property
    def pretrained_on(self):
        return "corners of other images" if self.weights else None

    def encode(self, raw):
        return torch.stack([torch.from_numpy(np.array(image))[None] for image in raw])

    def build(self, weights):
        network = Network()
        if weights is not None:
            network.load_state_dict(weights)
        return network


@hookimpl
def tlbench_datasets():
    return [Blobs, Letters, Lone, Wide]


@hookimpl
def tlbench_backbones():
    return [Tiny(), Tiny("tiny.corners", WEIGHTS)]
'''


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep the user's own cache and plugin files out of every test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("TLBENCH_PLUGINS", raising=False)
        configure(threads=1)
        yield


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """The path of a plugin file: datasets `blobs`, `letters`, `lone`, and backbones `tiny`, `tiny.corners`."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.py").write_text(TOY)
    network = _pretrained(Catalog(Host([folder / "toy.py"])))
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / "tiny.safetensors")
    return folder / "toy.py"


def _pretrained(catalog):
    """Train the tiny network for a moment, so that its weights and statistics are nobody's random start."""
    blobs, tiny = catalog.dataset("blobs")[0], catalog.backbones["tiny"].thing
    data = blobs.load("day", "test")
    inputs, labels = tiny.encode(data.inputs), torch.from_numpy(data.labels)
    with torch.random.fork_rng([]):
        torch.manual_seed(7)
        network = tiny.build(None)
        head = torch.nn.Linear(8, 4)
        optimizer = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=0.02)
        for _ in range(40):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(head(network(inputs)), labels).backward()
            optimizer.step()
    return network


@pytest.fixture
def resources(toy):
    """What a run with the toy plugin stands on, with the session's cache."""
    return Resources(Catalog(Host([toy])), Cache())


@pytest.fixture
def fresh_resources(toy, tmp_path):
    """The same with an empty cache."""
    return Resources(Catalog(Host([toy])), Cache(tmp_path / "cache"))


@pytest.fixture
def tiny_bench(resources):
    """Make a workbench over the pretrained tiny network; give what should differ."""

    def make(classes=4, recipe=None, replicate=0, backbone="tiny.corners", **rest):
        entry, recipe = resources.backbone(backbone), recipe or Recipe(steps=4, batch_size=8)
        device = torch.device("cpu")
        return Workbench(Setting(entry.backbone, entry.weights, classes, recipe, device, 0, replicate), **rest)

    return make


@pytest.fixture
def suite():
    """Build a small suite on blobs; give what should differ."""

    def build(
        strategies=("linear-probe",),
        backbones=("tiny.corners",),
        datasets=("blobs[->day]",),
        budgets=("2-shot",),
        **rest,
    ):
        settings = {"replicates": 2, "recipe": Recipe(steps=5, batch_size=8)} | rest
        return Suite("toy", (Block(tuple(strategies), tuple(backbones), tuple(datasets), tuple(budgets)),), **settings)

    return build


@pytest.fixture
def run_suite(tmp_path):
    """Run a suite to the end in this process and return its store."""

    def run(suite, resources, out="out", jobs=1):
        store = Store(tmp_path / out, create=True)
        execute_plan(make_plan(suite, resources), resources, store, Where("cpu", jobs, 1))
        return store

    return run


@pytest.fixture
def plugin_file(tmp_path):
    """Write a plugin file and return its path."""

    def write(text, name="local_plugin.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def cli():
    """Call the command line in this process; the result has exit_code, stdout and stderr."""

    def call(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def refused(cli):
    """Call the command line, check that it answers with one line and exit code 2, and return the line."""

    def call(*arguments):
        result = cli(*arguments)
        lines = [line for line in result.stderr.splitlines() if not line.startswith(OF_PROGRESS)]
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(lines) == 1
        assert lines[0].startswith("tlbench: ")
        assert "Traceback" not in result.stderr
        return lines[0]

    return call


def command_line():
    """Return the installed `tlbench`, of the very environment that runs the tests."""
    script = shutil.which("tlbench", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-c", "from tlbench.cli import main; main()"]


@pytest.fixture
def process():
    """Call the command line as a process of its own, for exit codes and pipes."""

    def call(*arguments, **environment):
        return subprocess.run(
            [*command_line(), *map(str, arguments)],
            capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment},
        )  # fmt: skip

    return call


@pytest.fixture
def started_process():
    """Start the command line as a process of its own, in its own group, and see that it ends with the test."""
    running = []

    def start(*arguments, **environment):
        command = [*command_line(), *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True, **pipes))
        return running[-1]

    yield start
    for each in running:
        if each.poll() is None:
            each.kill()
        each.communicate()


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data beside the repository; tests that need it are skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not here")
    return folder


collect_ignore = ["releases"]  # plugins as released, which .ci/run installs and tests
