import csv
import http.server
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from documents import ROOT
from PIL import Image
from safetensors.torch import load_file, save_file

from tlbench import DataError, ParameterError, WeightsError
from tlbench.contract import check_backbone
from tlbench.names import parse_spec
from tlbench_timm.family import TimmFamily
from tlbench_timm.shipped import GLYPHS, glyphs_backbone

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "weights").is_dir(), reason="the real weights are not here")


def find(text):
    backbone = TimmFamily().find(parse_spec(text))
    assert backbone is not None
    return backbone


def photos():
    """Images that a resize could get wrong: wide, tall, tiny, exactly sized, grey, one pixel high."""
    generator = np.random.default_rng(0)
    shapes = [(60, 97, 3), (300, 41, 3), (5, 7, 3), (160, 160, 3), (33, 33), (1, 9), (32, 32, 3)]
    return [generator.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A complete file of test_resnet with a head of seven outputs."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "seven.safetensors"
    state = timm.create_model("test_resnet", num_classes=7).state_dict()
    save_file(state, path, {"arch": "test_resnet", "mean": "0.4,0.5,0.6", "std": "0.25", "input_size": "64"})
    return path


def changed(small, tmp_path, change, metadata=None):
    path = tmp_path / "changed.safetensors"
    save_file(change(load_file(small)), path, metadata)
    return path


# ---- finding ---------------------------------------------------------------------------------------------


def test_asking_the_plugin_what_it_offers_imports_neither_torch_nor_timm():
    code = (
        "import sys, tlbench_timm\n"
        "from tlbench.contract.backbone import check_backbone\n"
        "things = list(tlbench_timm.tlbench_backbones())\n"
        "[check_backbone(thing) for thing in things]\n"
        "assert tlbench_timm.tlbench_environment()['timm']\n"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment())


def environment(**more):
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), **more}


def test_an_architecture_without_a_tag_is_a_random_start():
    backbone = find("test_resnet")
    assert (backbone.weights, backbone.pretrained_on, backbone.feature_dim) == (None, None, 96)
    check_backbone(backbone)


def test_a_tag_brings_its_own_preprocessing_licence_and_upstream_data_without_a_download():
    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    backbone = find(name)
    assert backbone.pretrained_on == "ImageNet-21k, ImageNet-1k"
    assert backbone.license == (timm.get_pretrained_cfg(name).license or "")  # older timm states none here
    assert backbone.encoding == "image/224/0.9/bicubic/center/rgb/1"


def test_an_unknown_architecture_is_left_to_others_and_an_unknown_tag_is_not():
    assert TimmFamily().find(parse_spec("resnt18")) is None
    assert {"resnet18", "resnet50.a1_in1k", GLYPHS} <= set(TimmFamily().names())
    with pytest.raises(WeightsError, match=r"no weights 'a1_in2k' of resnet50\. Did you mean 'a1_in1k'\?"):
        find("resnet50.a1_in2k")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mobilenetv2_100(pad_typ=same)", "no parameter 'pad_typ'. Did you mean 'pad_type'?"),
        ("mobilenetv2_100(pad_type=sme)", "'pad_type' of backbone 'mobilenetv2_100' must be 'same'"),
        ("test_resnet(interpolation=cubic)", "must be one of nearest, bilinear"),
        ("test_resnet(mean=128)", "must lie in 0..1"),
        ("test_resnet(std=(0.5,0.5))", "must be one number or three"),
        ("test_resnet(crop_pct=0)", "must lie above 0"),
        ("test_resnet(input_size=64, img_size=64)", "not both"),
        ("test_resnet(input_size=0.5)", "must be a side in pixels"),
        ("test_resnet(num_classes=3)", "set by tlbench"),
        ("test_resnet(width=0.5)", "no parameter 'width'"),
        ("mobilenetv1_100(channel_multiplier=0.5)", "no parameter 'channel_multiplier'. Did you mean 'width'? It has:"),
        ("mobilenetv2_100(channel_multiplier=0.5)", "no parameter 'channel_multiplier'. Did you mean 'width'? It has:"),
        ("efficientnet_b0(channel_multiplier=0.5)", "no parameter 'channel_multiplier'. It has: input_size"),
        ("test_resnet(drop_path_rate=high)", "timm cannot build test_resnet(drop_path_rate=high)"),
        ("inception_v4(input_size=32)", "cannot take images of 32x32"),
        ("test_resnet(global_pool='')", "does not pool. Try global_pool=avg"),
    ],
)
def test_a_wrong_argument_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(ParameterError) as caught:
        find(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_spec_says_is_found_again(small):
    backbone = find(f"test_resnet(drop_path_rate=0.1, mean=(0.1,0.2,0.3), input_size=48)@{small}")
    again = find(f"{backbone.spec}@{backbone.weights}")
    assert again.describe() == backbone.describe()
    assert again.encoding == backbone.encoding
    assert backbone.label == f"{backbone.spec}@seven"


def test_finding_and_measuring_a_network_leaves_the_random_generator_alone():
    from tlbench_timm import architecture

    before = torch.get_rng_state()
    architecture.structure.cache_clear()
    assert find("test_vit(img_size=64)").feature_dim == 64
    assert torch.equal(before, torch.get_rng_state())


# ---- encoding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "test_resnet",
        "test_resnet(input_size=32, crop_pct=1)",
        "test_resnet(input_size=(48,80), interpolation=bicubic)",
        "test_resnet(crop_mode=squash, crop_pct=0.8)",
        "test_resnet(crop_mode=border, mean=0.3, crop_pct=0.9)",
    ],
)
def test_encoding_and_normalising_is_timms_evaluation_transform_to_the_bit(text):
    backbone = find(text)
    settings = backbone.describe()["preprocessing"]
    transform = timm.data.create_transform(**{**settings, "input_size": (3, *settings["input_size"])})
    theirs = torch.stack([transform(Image.fromarray(photo).convert("RGB")) for photo in photos()])
    encoded = backbone.encode(photos())
    assert encoded.dtype == torch.uint8
    network = backbone.build(None)
    assert torch.equal((encoded.float() / 255 - network.mean) / network.std, theirs)


def test_an_image_of_the_input_size_keeps_its_margin_when_nothing_is_to_be_cropped():
    photo = photos()[-1]
    assert np.array_equal(glyphs_backbone().encode([photo])[0].permute(1, 2, 0).numpy(), photo)


def test_arrays_tensors_and_pil_images_of_one_picture_are_encoded_alike():
    backbone = glyphs_backbone()
    colour, grey = photos()[0], photos()[4]
    same = [colour, Image.fromarray(colour), torch.from_numpy(colour).permute(2, 0, 1), colour[:, ::-1][:, ::-1]]
    encoded = backbone.encode(same)
    assert all(torch.equal(encoded[0], other) for other in encoded)
    encoded = backbone.encode([grey, Image.fromarray(grey), grey[..., None], torch.from_numpy(grey)[None]])
    assert all(torch.equal(encoded[0], other) for other in encoded)
    assert torch.equal(encoded[0, 0], encoded[0, 2])


def test_an_encoded_image_does_not_depend_on_its_neighbours():
    backbone = find("test_resnet")
    together = backbone.encode(photos())
    assert all(torch.equal(backbone.encode([photo])[0], row) for photo, row in zip(photos(), together, strict=True))
    assert backbone.encode([]).shape == (0, 3, 160, 160)


@pytest.mark.parametrize(
    "raw", [np.zeros((4, 4)), np.zeros((2, 4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8), "file.png"]
)
def test_what_is_no_8_bit_image_is_refused(raw):
    with pytest.raises(DataError, match="image 1 is"):
        glyphs_backbone().encode([photos()[0], raw])


def test_a_16_bit_image_is_refused_rather_than_clipped():
    with pytest.raises(DataError, match="scale it to 8 bits"):
        glyphs_backbone().encode([Image.fromarray(np.full((4, 4), 4000, np.uint16))])


# ---- building --------------------------------------------------------------------------------------------


def test_features_of_a_file_are_those_of_timms_own_model(small):
    backbone = find(f"test_resnet@{small}")
    network = backbone.build(load_file(backbone.weights)).eval()
    theirs = timm.create_model("test_resnet", num_classes=7)
    theirs.load_state_dict(load_file(small))
    theirs.eval()
    encoded = backbone.encode(photos())
    inputs = (encoded / 255 - torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)) / 0.25
    with torch.no_grad():
        features = network(encoded)
        expected = theirs.forward_head(theirs.forward_features(inputs), pre_logits=True)
        assert torch.allclose(network(encoded.float()), features)
        assert torch.allclose(backbone.build_with_head(load_file(small)).eval()(encoded), theirs(inputs), atol=1e-5)
    assert features.dtype == torch.float32
    assert features.shape == (len(photos()), backbone.feature_dim)
    assert torch.allclose(features, expected, atol=1e-5)


def test_a_random_start_comes_from_the_global_generator_and_nothing_else():
    backbone = find("test_resnet")
    starts = []
    for _ in range(2):
        torch.manual_seed(5)
        starts.append(backbone.build(None).state_dict())
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
    assert "mean" not in starts[0]


@pytest.mark.parametrize(
    "name", ["test_vit", "test_efficientnet", "test_convnext", "mobilenetv3_small_050", "hgnet_tiny"]
)
def test_the_stated_width_is_that_of_the_features(name):
    backbone = find(name)
    with torch.no_grad():
        features = backbone.build(None).eval()(backbone.encode(photos()[:2]))
    assert features.shape == (2, backbone.feature_dim)


def test_the_page_on_backbones_names_the_width_and_what_timm_calls_it():
    page = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    assert "`width=0.25`" in page
    assert "`channel_multiplier`" in page


def test_a_mobilenet_can_be_built_at_any_width():
    backbone = find("mobilenetv1_100(width=0.25, pad_type=same, input_size=64)")
    assert backbone.feature_dim == 256
    assert backbone.describe()["arguments"] == {"pad_type": "same", "width": 0.25}


def test_half_precision_weights_become_float32(small, tmp_path):
    path = changed(small, tmp_path, lambda state: {name: value.half() for name, value in state.items()})
    backbone = find(f"test_resnet@{path}")
    network = backbone.build(load_file(path))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


# ---- weights files ---------------------------------------------------------------------------------------


def test_a_records_description_says_what_matched_what_was_dropped_and_who_set_what(small):
    facts = find(f"test_resnet(crop_pct=1, mean=0.5)@{small}").describe()
    assert facts["weights"]["dropped"] == ["fc.bias", "fc.weight"]
    matched, of = facts["weights"]["matched"].split(" of ")
    assert matched == of
    assert facts["preprocessing"]["mean"] == [0.5] * 3
    assert facts["preprocessing"]["std"] == [0.25] * 3
    assert facts["from"] == {
        **{"input_size": "file", "mean": "name", "std": "file"},
        **{"crop_pct": "name", "crop_mode": "timm", "interpolation": "timm"},
    }
    json.dumps(facts)


def test_padding_in_the_metadata_is_followed_or_refused_but_never_overlooked(small, tmp_path):
    state = timm.create_model("test_efficientnet", num_classes=3).state_dict()
    save_file(state, tmp_path / "same.safetensors", {"pad_type": "same"})
    assert find(f"test_efficientnet@{tmp_path}/same.safetensors").describe()["arguments"] == {"pad_type": "same"}
    assert find(f"test_efficientnet(pad_type='')@{tmp_path}/same.safetensors").describe()["from"]["pad_type"] == "name"
    path = changed(small, tmp_path, dict, {"pad_type": "same"})
    with pytest.raises(WeightsError, match="ask for pad_type=same, which this architecture does not take"):
        find(f"test_resnet@{path}")


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "module.backbone."])
def test_a_common_prefix_is_taken_off_and_said(small, tmp_path, prefix):
    path = changed(small, tmp_path, lambda state: {prefix + name: value for name, value in state.items()})
    backbone = find(f"test_resnet@{path}")
    assert backbone.describe()["weights"]["prefix_removed"] == prefix
    ours = backbone.build(load_file(path)).model.state_dict()
    assert torch.equal(ours["conv1.0.weight"], load_file(small)["conv1.0.weight"])


def test_what_a_network_of_ours_saves_can_be_loaded_again(small, tmp_path):
    save_file(find("test_resnet").build(None).state_dict(), tmp_path / "ours.safetensors")
    assert find(f"test_resnet@{tmp_path}/ours.safetensors").pretrained_on == "unknown (ours.safetensors)"


def test_a_file_from_before_batch_norm_counted_batches_still_loads(small, tmp_path):
    def uncounted(state):
        return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}

    path = changed(small, tmp_path, uncounted)
    stored = load_file(path)
    built = find(f"test_resnet@{path}").build(stored).state_dict()
    same = [torch.equal(value, stored[name[6:]]) for name, value in built.items() if name[6:] in stored]
    assert len(same) > 50
    assert all(same)


def test_position_embeddings_are_resized_as_timm_does(tmp_path):
    save_file(timm.create_model("test_vit", num_classes=3).state_dict(), tmp_path / "vit.safetensors")
    backbone = find(f"test_vit(input_size=96)@{tmp_path}/vit.safetensors")
    assert backbone.describe()["weights"]["converted"]
    network = backbone.build(load_file(backbone.weights))
    assert network.eval()(backbone.encode(photos())).shape == (len(photos()), 64)


def test_weights_that_do_not_fit_are_refused_naming_counts_and_names(small, tmp_path):
    def damaged(state):
        del state["layer1.0.bn1.weight"]
        state["layer2.0.bn1.bias"] = torch.zeros(5)
        return state

    path = changed(small, tmp_path, damaged, {"arch": "resnet"})
    with pytest.raises(WeightsError) as caught:
        find(f"test_resnet@{path}")
    sentence = str(caught.value)
    assert f"weights {path} do not fit test_resnet" in sentence
    assert "missing 1: layer1.0.bn1.weight; mis-shaped 1: layer2.0.bn1.bias (5,) for (" in sentence
    assert "The file says it is for 'resnet'." in sentence
    assert "\n" not in sentence
    with pytest.raises(WeightsError, match="do not fit"):
        find("test_resnet").build(load_file(path))


def test_a_deeper_networks_weights_are_refused_though_all_that_is_wanted_is_there(tmp_path):
    save_file(timm.create_model("resnet18", num_classes=2).state_dict(), tmp_path / "deep.safetensors")
    with pytest.raises(WeightsError, match="96 of 96 tensors match; unexpected 24: layer1"):
        find(f"resnet18(layers=(1,2,2,1))@{tmp_path}/deep.safetensors")


def test_the_architecture_that_the_file_names_is_suggested(small, tmp_path):
    with pytest.raises(WeightsError, match=r"says it is for 'test_resnet'\. Did you mean 'test_resnet'\?"):
        find(f"test_vit@{small}")


def test_a_pickle_is_refused_whatever_it_is_called(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(pickle.dumps({"weight": 1}))
    torch.save({"weight": torch.zeros(2)}, tmp_path / "c.pth")
    for name in ("a.safetensors", "b.safetensors", "c.pth"):
        with pytest.raises(WeightsError, match=r"is a pickle, and reading a pickle can run any code.*save_file"):
            find(f"test_resnet@{tmp_path / name}")


def test_the_conversion_that_a_refused_pickle_is_answered_with_works(tmp_path):
    torch.save({"state_dict": timm.create_model("test_resnet").state_dict()}, tmp_path / "old.pth")
    with pytest.raises(WeightsError) as caught:
        find(f"test_resnet@{tmp_path}/old.pth")
    command = str(caught.value).partition('python -c "')[2].removesuffix('"')
    subprocess.run([sys.executable, "-c", command], check=True, cwd=tmp_path)
    assert find(f"test_resnet@{tmp_path}/old.safetensors").weights is not None


def test_a_cut_off_file_a_missing_file_and_a_folder_are_refused(small, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(small.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="no whole safetensors file"):
        find(f"test_resnet@{cut}")
    with pytest.raises(WeightsError, match=r"does not exist\. Did you mean 'cut.safetensors'\?"):
        find(f"test_resnet@{tmp_path}/cut.safetensor")
    with pytest.raises(WeightsError, match="is a folder"):
        find(f"test_resnet@{tmp_path}")


def test_metadata_that_makes_no_sense_is_refused_unless_the_name_says_better(small, tmp_path):
    path = changed(small, tmp_path, dict, {"mean": "unknown"})
    with pytest.raises(WeightsError, match=r"'mean' in the file's metadata must be a number.* Give mean="):
        find(f"test_resnet@{path}")
    assert find(f"test_resnet(mean=0.5)@{path}").describe()["from"]["mean"] == "name"


# ---- the shipped backbone --------------------------------------------------------------------------------


def test_the_shipped_backbone_states_its_width_and_settings_truly():
    backbone = find(GLYPHS)
    assert glyphs_backbone().feature_dim == backbone._structure.feature_dim
    assert backbone.encoding == "image/32/1/bilinear/center/rgb/1"
    assert backbone.label == backbone.spec == GLYPHS
    assert set(backbone.describe()["from"].values()) == {"backbone", "timm"}
    assert find(f"{GLYPHS}(img_size=48)").encoding == "image/48/1/bilinear/center/rgb/1"


def test_the_shipped_backbone_takes_another_file_and_says_so(small):
    backbone = find(f"{GLYPHS}@{small}")
    assert (backbone.label, backbone.pretrained_on) == (f"{GLYPHS}@seven", "unknown (seven.safetensors)")
    assert backbone.describe()["preprocessing"]["input_size"] == [32, 32]


def test_a_backbone_in_use_can_be_sent_to_another_process(small):
    backbone = find(f"test_resnet@{small}")
    assert pickle.loads(pickle.dumps(backbone)).describe() == backbone.describe()


def test_shipped_weights_that_are_not_there_are_no_silent_random_start(tmp_path):
    backbone = glyphs_backbone()
    backbone.file = tmp_path / "gone.safetensors"
    with pytest.raises(WeightsError, match="tlbench pretrain"):
        _ = backbone.weights
    backbone.build(None)  # but pretraining must be able to start


# ---- the hub ---------------------------------------------------------------------------------------------

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path):
    """A stand-in for the hub that serves one file of one repository; yields its address and its log."""
    state = timm.create_model("test_resnet", num_classes=1000).state_dict()
    save_file(state, tmp_path / "served.safetensors")
    content = (tmp_path / "served.safetensors").read_bytes()
    asked = []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append((self.command, self.path))
            known = self.path == "/timm/test_resnet.r160_in1k/resolve/main/model.safetensors"
            self.send_response(200 if known else 404)
            self.send_header("ETag", f'"{sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", REVISION)
            self.send_header("Content-Length", str(len(content)) if known else "0")
            self.end_headers()
            if known and self.command == "GET":
                self.wfile.write(content)

        do_GET = do_HEAD  # noqa: N815 (the base class's name)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def ask_hub(address, home, *names):
    """Look weights up in a process of its own: the hub's client reads its environment when it is imported."""
    code = (
        "import sys\n"
        "from tlbench import WeightsError\n"
        "from tlbench.names import parse_spec\n"
        "from tlbench_timm.family import TimmFamily\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        backbone = TimmFamily().find(parse_spec(name))\n"
        "        print(backbone.weights, backbone.describe()['weights']['dropped'])\n"
        "    except WeightsError as error:\n"
        "        print(error)\n"
    )
    variables = {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", code, *names]
    result = subprocess.run(command, env=environment(**variables), check=True, capture_output=True, text=True)
    return result.stdout.splitlines()


@pytest.mark.slow
def test_hub_weights_are_downloaded_once_and_then_come_from_the_cache(hub, tmp_path):
    address, asked = hub
    home = tmp_path / "home"
    fetched, missing = ask_hub(address, home, "test_resnet.r160_in1k", "test_vit.r160_in1k")
    path, dropped = fetched.split(" ", 1)
    assert Path(path).read_bytes() == (tmp_path / "served.safetensors").read_bytes()
    assert dropped == "['fc.bias', 'fc.weight']"
    assert "weights of test_vit.r160_in1k are neither in the cache" in missing
    assert address in missing
    assert "test_vit.r160_in1k@FILE" in missing
    assert "HF_HOME" in missing
    asked.clear()
    assert ask_hub(address, home, "test_resnet.r160_in1k") == [fetched]
    assert asked == []


@pytest.mark.slow
def test_without_network_and_cache_one_line_says_what_was_tried_and_the_way_out(tmp_path):
    (line,) = ask_hub("http://127.0.0.1:9", tmp_path, "resnet50.a1_in1k")
    assert f"neither in the cache {tmp_path}" in line
    assert "http://127.0.0.1:9/timm/resnet50.a1_in1k" in line
    assert "resnet50.a1_in1k@FILE" in line


# ---- real weights ----------------------------------------------------------------------------------------


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "file", "top1", "top5"),
    [
        ("mobilenetv1_100", "mobilenetv1_025_imagenet", 91, 152),
        ("mobilenetv1_100", "mobilenetv1_050_imagenet", 141, 178),
        ("mobilenetv2_100", "mobilenetv2_100_imagenet", 170, 198),
    ],
)
def test_real_weights_with_their_own_head_reach_their_published_counts(architecture, file, top1, top5):
    # These images are centre crops already, made with a bilinear resize.
    backbone = find(f"{architecture}(crop_pct=1, interpolation=bilinear)@{DATA / 'weights' / file}.safetensors")
    with zipfile.ZipFile(DATA / "imagenet_sanity" / "imagenet_sanity.zip") as archive:
        rows = list(csv.DictReader((DATA / "imagenet_sanity" / "labels.csv").read_text().splitlines()))
        images = [Image.open(io.BytesIO(archive.read(row["file"]))) for row in rows]
        encoded = backbone.encode(images)
    labels = torch.tensor([int(row["class_index"]) for row in rows])
    network = backbone.build_with_head(load_file(backbone.weights)).eval()
    with torch.no_grad():
        logits = torch.cat([network(part) for part in encoded.split(40)])
    ranked = logits.topk(5).indices == labels[:, None]
    assert abs(int(ranked[:, 0].sum()) - top1) <= 3
    assert abs(int(ranked.any(1).sum()) - top5) <= 3


@needs_data
def test_half_precision_bird_weights_are_used_as_their_metadata_says():
    backbone = find(f"mobilenetv2_100@{DATA / 'weights' / 'mobilenetv2_100_inat_bird'}.safetensors")
    facts = backbone.describe()
    assert facts["arguments"] == {"pad_type": "same"}
    assert facts["preprocessing"]["mean"] == [0.5] * 3
    assert facts["weights"] == {"matched": "312 of 312", "dropped": ["classifier.bias", "classifier.weight"]}
    assert backbone.build(load_file(backbone.weights)).model.conv_stem.weight.dtype == torch.float32
