"""`tlbench export`: a folder that answers as tlbench does, to the same bits, or a sentence that says why not."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tlbench import Block, ParameterError, Recipe, Suite, TlbenchError, predict
from tlbench.data import Cache, Resources
from tlbench.errors import StoreError
from tlbench.host import Catalog, Host
from tlbench.learning import configure
from tlbench.results import Results
from tlbench.running import Where, execute_plan, fit_best

pytest.importorskip("tlbench_export")

HEADS = (
    "linear-probe",
    "ridge-probe(scale=standardise)",
    "nearest-mean(distance=cosine)",
    "nearest-neighbours(k=3)",
    "mlp-probe(steps=3)",
    "simpleshot",
    "boosting",
    "baseline++(steps=3)",
)
TRAINED = ("finetune(steps=2)", "lora(steps=2)", "scratch(steps=2)", "lp-ft(steps=2)")
REFUSED = {
    "vote(members=(linear-probe,ridge-probe))": "combines the predictions of other rows",
    "tim(steps=2)": "answers all test inputs together",
    "pca-kmeans": "finds clusters",
    "side-tuning(steps=2)": "changed the layers",
}


def by_brightness(folder, classes=("oak", "yew", "elm"), train=4, test=5, size=20):
    """Write class folders of noisy images in colour, each class of a brightness of its own."""
    draw = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for position, label in enumerate(classes):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(0, 90, (size, size + number, 3)) + 50 * position
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return the resources and the folder of a small run of every kind of row on image files."""
    from tlbench.planning import make_plan
    from tlbench.results import Store

    place = tmp_path_factory.mktemp("measured")
    photos = by_brightness(place / "photos")
    resources = Resources(Catalog(Host()), Cache(place / "cache"))
    place_of = (("test_resnet.glyphs",), (f"folder:{photos}",))
    given = Block((*HEADS, "ridge-probe", *TRAINED, *REFUSED), *place_of, ("2-shot",))
    suite = Suite("small", (given, Block(("pca-kmeans",), *place_of, ("0",))), replicates=2, recipe=Recipe(steps=2))
    configure(1)
    store = Store(place / "results", create=True)
    execute_plan(make_plan(suite, resources), resources, store, Where("cpu", 1, 1))
    return resources, store.folder, photos


def rebuilt(parts):
    """Return a classifier made of what an exported folder holds, in this process."""
    backbone, head = {}, {}
    exec(parts.network, backbone)
    exec(parts.head, head)
    network = nn.ModuleDict({"backbone": backbone["network"](), "head": head["head"]()})
    network.load_state_dict(parts.tensors)
    network["backbone"].to(memory_format=torch.channels_last)
    return nn.Sequential(network["backbone"], network["head"]).eval(), backbone["encode"]


@pytest.mark.parametrize("strategy", [*HEADS, *TRAINED])
def test_a_row_is_fitted_as_it_was_measured_and_written_without_tlbench(measured, strategy):
    from tlbench_export.exporting import parts_of

    resources, folder, _ = measured
    fitted = fit_best(folder, row=[resources.catalog.strategy(strategy)[0].variant], resources=resources, device="cpu")
    assert fitted.same_as_measured
    parts = parts_of(fitted)
    assert "tlbench" not in "".join(line for line in (parts.network + parts.head).splitlines() if "import" in line)
    alone, encode = rebuilt(parts)
    pixels = torch.stack([encode(Image.fromarray(np.asarray(raw))) for raw in fitted.test_inputs()])
    assert torch.equal(pixels, fitted.trial.inputs)
    assert np.array_equal(predict(alone, pixels, torch.device("cpu")).numpy(), fitted.trial.predictions.logits)


@pytest.mark.parametrize("strategy", list(REFUSED))
def test_what_is_no_network_with_a_head_gets_a_sentence(measured, tmp_path, strategy):
    from tlbench_export.exporting import export

    resources, folder, _ = measured
    variant = resources.catalog.strategy(strategy)[0].variant
    with pytest.raises(ParameterError, match=REFUSED[strategy]):
        export(fit_best(folder, row=[variant], resources=resources, device="cpu"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_holds_more_than_tensors_and_numbers_is_told():
    from tlbench_export.head_source import CannotWriteError, source_of

    head = nn.Sequential(nn.Linear(2, 2))
    head.append(Odd())
    with pytest.raises(
        CannotWriteError, match="its Odd holds rule, a builtin_function_or_method, which is no tensor or number"
    ):
        source_of(head, "odd")


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.rule = sorted


def test_the_folder_answers_the_test_files_in_a_process_of_its_own(measured, tmp_path, cli):
    resources, folder, photos = measured
    variant = resources.catalog.strategy("mlp-probe(steps=3)")[0].variant
    result = cli("export", str(folder), "--row", variant, "-o", str(tmp_path / "model"), "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "same bits as tlbench on 15 test images" in result.stdout
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "README.md", "head.py", "model.json", "model.safetensors", "network.py", "predict.py"
    }  # fmt: skip
    fitted = fit_best(folder, row=[variant], resources=resources, device="cpu")
    files = sorted((photos / "test").glob("*/*.png"))
    command = [sys.executable, "model/predict.py", "--json", *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    ours = fitted.predict([Image.open(path) for path in files])
    assert np.array_equal(np.array([answer["logits"] for answer in answers], dtype=np.float32), ours)
    assert [answer["class"] for answer in answers] == [fitted.classes[best] for best in ours.argmax(axis=1)]
    said = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert f"{fitted.row['mean']:.3f} [" in said
    assert fitted.record.cell in said
    again = cli("export", str(folder), "--row", variant, "-o", str(tmp_path / "model"))
    assert again.exit_code != 0
    assert "exists already" in again.stderr


def test_all_labels_are_no_score_that_was_measured(measured):
    from tlbench_export.card import expectation

    resources, folder, _ = measured
    fitted = fit_best(folder, row=["linear-probe"], labels="full", resources=resources, device="cpu")
    assert (fitted.labels, fitted.measured, str(fitted.cell.budget)) == (12, False, "full")
    assert expectation(fitted).startswith("No expected score: it was fitted on 12 labels, and measured was accuracy")


def test_the_winner_is_taken_unless_a_row_is_named_and_slips_are_told(measured):
    resources, folder, _ = measured
    results = Results(folder)
    frame = results.summary()
    best = frame[frame["best"] & (frame["setting"] == "inductive")]
    assert fit_best(results, resources=resources, device="cpu").row["strategy"] in set(best["strategy"])
    with pytest.raises(ParameterError, match="no row is of 'liner-probe'"):
        fit_best(results, row=["liner-probe"], resources=resources)
    with pytest.raises(ParameterError, match="has no replicate 7"):
        fit_best(results, row=["linear-probe"], replicate=7, resources=resources)


def test_data_that_changed_are_told_before_anything_is_fitted(measured):
    resources, folder, photos = measured
    extra = photos / "train" / "oak" / "new.png"
    Image.new("RGB", (20, 20), "red").save(extra)
    try:
        anew = Resources(resources.catalog, resources.cache)
        with pytest.raises(
            StoreError, match="linear-probe cannot be fitted again as it was: the dataset's fingerprint is"
        ):
            fit_best(folder, row=["linear-probe"], resources=anew, device="cpu")
    finally:
        extra.unlink()


def test_a_folder_that_would_answer_otherwise_is_not_left_behind(measured, tmp_path, monkeypatch):
    from tlbench_export import exporting

    resources, folder, _ = measured
    fitted = fit_best(folder, row=["linear-probe"], resources=resources, device="cpu")
    parts = exporting.parts_of(fitted)
    parts.tensors["head.bias"][0] += 1
    monkeypatch.setattr(exporting, "parts_of", lambda fitted: replace(parts))
    with pytest.raises(TlbenchError, match="answers the test images otherwise than tlbench, by 1 of a logit"):
        exporting.export(fitted, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spec",
    [
        "conv4",
        "conv4(channels=3, invert=true)",
        "tv.squeezenet1_1(input_size=64)",
        "mobilenetv2_100(width=0.25, img_size=64)",
    ],
)
def test_a_backbone_is_the_same_without_tlbench(measured, spec):
    resources, _, _ = measured
    backbone = resources.backbone(spec).backbone
    made: dict = {}
    exec(backbone.standalone(), made)
    image = np.random.default_rng(0).integers(0, 255, (70, 90, 3)).astype(np.uint8)
    encoded = backbone.encode([image])
    assert torch.equal(made["encode"](Image.fromarray(image)), encoded[0])
    torch.manual_seed(0)
    ours = backbone.build(None).eval()
    torch.manual_seed(1)
    alone = made["network"]().eval()
    alone.load_state_dict(ours.state_dict())
    with torch.no_grad():
        assert torch.equal(alone(encoded), ours(encoded))


def test_images_of_other_channels_have_no_file_to_be_read_from(measured):
    resources, _, _ = measured
    assert resources.backbone("test_resnet.glyphs(in_chans=5)").backbone.standalone() is None
