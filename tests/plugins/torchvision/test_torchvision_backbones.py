import csv
import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import models
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from tlbench import DataError, ParameterError, WeightsError
from tlbench.names import near_miss, parse_spec
from tlbench_torchvision.family import TorchvisionFamily


def find(text):
    backbone = TorchvisionFamily().find(parse_spec(text))
    assert backbone is not None
    return backbone


def photos():
    """Images that a resize could get wrong: wide, tall, tiny, exactly sized, grey, one pixel high."""
    generator = np.random.default_rng(0)
    shapes = [(60, 97, 3), (300, 41, 3), (5, 7, 3), (224, 224, 3), (33, 33), (1, 9), (32, 32, 3)]
    return [generator.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A complete file of shufflenet_v2_x0_5 with a head of seven outputs."""
    torch.manual_seed(3)
    model = models.shufflenet_v2_x0_5(weights=None, num_classes=7)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(std=0.1)
    path = tmp_path_factory.mktemp("weights") / "seven.safetensors"
    metadata = {"arch": "shufflenet_v2_x0_5", "mean": "0.4,0.5,0.6", "std": "0.25", "input_size": "64"}
    save_file(model.state_dict(), path, {**metadata, "pretrained_on": "seven things", "license": "MIT"})
    return path


@pytest.fixture
def changed(small, tmp_path):
    """Save the file's tensors after a change, with other metadata, and return the path."""

    def change(function=dict, **metadata):
        save_file(function(load_file(small)), tmp_path / "changed.safetensors", metadata or None)
        return tmp_path / "changed.safetensors"

    return change


# ---- finding ---------------------------------------------------------------------------------------------


def test_asking_the_plugin_what_it_offers_imports_neither_torch_nor_torchvision():
    code = (
        "import sys, tlbench_torchvision\n"
        "from tlbench.contract.backbone import check_backbone\n"
        "things = list(tlbench_torchvision.tlbench_backbones())\n"
        "[check_backbone(thing) for thing in things]\n"
        "assert things[0].find(__import__('tlbench').Spec('resnet18')) is None\n"
        "assert tlbench_torchvision.tlbench_environment()['torchvision']\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_prefix_keeps_torchvisions_names_apart_and_within_reach():
    family = TorchvisionFamily()
    names = set(family.names())
    assert {"tv.squeezenet1_1", "tv.vit_b_16", "tv.regnet_x_400mf"} <= names
    assert all(name.startswith("tv.") for name in names)
    assert family.find(parse_spec("resnet18")) is family.find(parse_spec("tv.resnet19")) is None
    assert near_miss("alexnet", names) == " Did you mean 'tv.alexnet'?"
    backbone = find("tv.squeezenet1_1")
    assert (backbone.weights, backbone.pretrained_on, backbone.feature_dim) == (None, None, 512)


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "deeplabv3_resnet50", "r3d_18", "quantized_resnet18"])
def test_models_that_do_not_classify_images_are_refused_in_one_line(name):
    with pytest.raises(ParameterError, match=r"^tv\.\w+ is not one of torchvision's image classification models.*\.$"):
        find(f"tv.{name}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tv.squeezenet1_1(crop=1)", "no parameter 'crop'. Did you mean 'crop_pct'?"),
        ("tv.squeezenet1_1(interpolation=cubic)", "input should be 'nearest', 'bilinear' or 'bicubic'"),
        ("tv.squeezenet1_1(mean=128)", "'mean' of backbone 'tv.squeezenet1_1': input should be less than"),
        ("tv.squeezenet1_1(std=0)", "'std' of backbone 'tv.squeezenet1_1': input should be greater than 0"),
        ("tv.squeezenet1_1(std=(0.5,0.5))", "must be one number or three"),
        ("tv.squeezenet1_1(crop_pct=1.5)", "less than or equal to 1"),
        ("tv.squeezenet1_1(input_size=0.5)", "'input_size' of backbone 'tv.squeezenet1_1'"),
        ("tv.squeezenet1_1(input_size=8)", "tv.squeezenet1_1 cannot take images of 8x8: "),
        ("tv.vit_b_32(input_size=100)", "tv.vit_b_32 cannot take images of 100x100: "),
    ],
)
def test_a_wrong_parameter_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(ParameterError) as caught:
        find(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_spec_says_is_found_again(small):
    backbone = find(f"tv.shufflenet_v2_x0_5(crop_pct=1, mean=(0.1,0.2,0.3), input_size=48)@{small}")
    again = find(f"{backbone.spec}@{backbone.weights}")
    assert again.describe() == backbone.describe()
    assert again.encoding == backbone.encoding
    assert backbone.label == f"{backbone.spec}@seven"


def test_finding_a_network_allocates_nothing_and_leaves_the_random_generator_alone():
    from tlbench_torchvision import architecture

    before = torch.get_rng_state()
    architecture.outline.cache_clear()
    assert find("tv.regnet_y_800mf").feature_dim == 784
    assert torch.equal(before, torch.get_rng_state())
    with architecture._WithoutMemory():
        assert {value.device.type for value in architecture.create("vgg11", 224).parameters()} == {"meta"}


# ---- encoding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "preset"),
    [
        ("tv.squeezenet1_1", models.SqueezeNet1_1_Weights.IMAGENET1K_V1.transforms()),
        ("tv.squeezenet1_1(input_size=232, crop_pct=0.9)", ImageClassification(crop_size=232, resize_size=258)),
        (
            "tv.squeezenet1_1(input_size=64, interpolation=bicubic)",
            ImageClassification(crop_size=64, resize_size=73, interpolation=InterpolationMode.BICUBIC),
        ),
        ("tv.inception_v3", models.Inception_V3_Weights.IMAGENET1K_V1.transforms()),  # 342 cropped to 299
    ],
)
def test_encoding_and_normalising_is_torchvisions_preset_to_the_bit(text, preset):
    backbone = find(text)
    theirs = torch.stack([preset(Image.fromarray(photo).convert("RGB")) for photo in photos()])
    encoded = backbone.encode(photos())
    assert encoded.dtype == torch.uint8
    settings = backbone.preprocessing
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (settings.mean, settings.std))
    assert torch.equal((encoded.float() / 255 - mean) / std, theirs)


def test_arrays_tensors_and_pil_images_of_one_picture_are_encoded_alike():
    backbone = find("tv.squeezenet1_1(input_size=64)")
    colour, grey = photos()[0], photos()[4]
    for same in (
        [colour, Image.fromarray(colour), torch.from_numpy(colour).permute(2, 0, 1)],
        [grey, Image.fromarray(grey), grey[..., None], torch.from_numpy(grey)[None]],
    ):
        encoded = backbone.encode(same)
        assert all(torch.equal(backbone.encode([image])[0], encoded[0]) for image in same)


@pytest.mark.parametrize("raw", [np.zeros((4, 4)), np.zeros((0, 4), np.uint8), "file.png"])
def test_what_is_no_8_bit_image_is_refused(raw):
    with pytest.raises(DataError, match="image 1 is"):
        find("tv.squeezenet1_1").encode([photos()[0], raw])
    with pytest.raises(DataError, match="scale it to 8 bits"):
        find("tv.squeezenet1_1").encode([Image.fromarray(np.full((4, 4), 4000, np.uint16))])


# ---- building --------------------------------------------------------------------------------------------


def reference(name, head, size, tmp_path, **arguments):
    """Save torchvision's own model; return its file and what goes into its classifier for random images."""
    torch.manual_seed(1)
    model = models.get_model(name, weights=None, num_classes=5, **arguments).eval()
    save_file(model.state_dict(), tmp_path / f"{name}.safetensors")
    seen = []
    model.get_submodule(head).register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        model((images / 255 - mean) / std)
    return tmp_path / f"{name}.safetensors", images, seen[0]


@pytest.mark.parametrize(
    ("name", "head", "arguments"),
    [
        ("resnet18", "fc", {}),
        ("mobilenet_v3_small", "classifier.3", {}),
        ("squeezenet1_1", "classifier", {}),
        ("regnet_x_400mf", "fc", {}),
        ("googlenet", "fc", {"aux_logits": True, "transform_input": True, "init_weights": False}),
    ],
)
def test_features_of_a_file_are_what_torchvisions_own_model_classifies(name, head, arguments, tmp_path):
    path, images, expected = reference(name, head, 64, tmp_path, **arguments)
    backbone = find(f"tv.{name}(input_size=64)@{path}")
    network = backbone.build(load_file(path)).eval()
    with torch.no_grad():
        features = network(images)
        assert torch.allclose(network(images.float()), features)
    expected = expected.mean((2, 3)) if expected.ndim == 4 else expected
    assert features.shape == (2, backbone.feature_dim)
    assert torch.allclose(features, expected, atol=1e-5)
    assert features.std() > 0


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param("swin_v2_t", 256, marks=pytest.mark.slow),
        pytest.param("vit_b_32", 64, marks=pytest.mark.slow),
        ("densenet121", 64),
    ],
)
def test_the_stated_width_is_that_of_the_features(name, size):
    backbone = find(f"tv.{name}(input_size={size}, crop_pct=1)")
    with torch.no_grad():
        features = backbone.build(None).eval()(backbone.encode(photos()[:1]))
    assert features.shape == (1, backbone.feature_dim)
    assert features.dtype == torch.float32


def test_the_dropout_before_the_classifier_goes_with_it():
    network = find("tv.mobilenet_v3_small(input_size=32)").build(None)
    assert not [part for part in network.modules() if isinstance(part, nn.Dropout)]
    assert [part for part in models.mobilenet_v3_small().modules() if isinstance(part, nn.Dropout)]


def test_alexnet_at_its_own_size_needs_no_adaptive_pooling_and_gives_the_same_features_elsewhere():
    from tlbench_torchvision import architecture

    with architecture._WithoutMemory():
        pool = architecture.create("alexnet", 224).avgpool
    own, larger = torch.rand(1, 2, 6, 6), torch.rand(1, 2, 9, 7)
    assert pool(own) is own
    assert torch.equal(pool(larger), nn.AdaptiveAvgPool2d(6)(larger))


def test_a_random_start_comes_from_the_global_generator_and_nothing_else():
    backbone = find("tv.shufflenet_v2_x0_5")
    starts = []
    for _ in range(2):
        torch.manual_seed(5)
        starts.append(backbone.build(None).state_dict())
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
    assert "mean" not in starts[0]


# ---- weights files ---------------------------------------------------------------------------------------


def test_metadata_of_a_file_is_followed_unless_the_name_says_otherwise(small):
    facts = find(f"tv.shufflenet_v2_x0_5(mean=0.5)@{small}").describe()
    assert facts["preprocessing"]["mean"] == [0.5] * 3
    assert facts["preprocessing"]["std"] == [0.25] * 3
    assert facts["preprocessing"]["input_size"] == 64
    rest = {"crop_pct": "torchvision", "interpolation": "torchvision"}
    assert facts["from"] == {"input_size": "file", "mean": "name", "std": "file", **rest}
    assert facts["weights"]["dropped"] == ["fc.bias", "fc.weight"]
    matched, of = facts["weights"]["matched"].split(" of ")
    assert matched == of
    json.dumps(facts)
    backbone = find(f"tv.shufflenet_v2_x0_5@{small}")
    assert (backbone.pretrained_on, backbone.license) == ("seven things", "MIT")


def test_metadata_that_makes_no_sense_is_refused_unless_the_name_says_better(changed):
    path = changed(mean="unknown")
    with pytest.raises(WeightsError, match=r"metadata of the weights make no sense: .*'mean'.* Give a value in the"):
        find(f"tv.shufflenet_v2_x0_5@{path}")
    assert find(f"tv.shufflenet_v2_x0_5(mean=0.5)@{path}").pretrained_on == "unknown (changed.safetensors)"


@pytest.mark.parametrize("prefix", ["module.", "model."])
def test_a_prefix_before_all_names_is_taken_off_and_said(changed, small, prefix):
    path = changed(lambda state: {prefix + name: value.half() for name, value in state.items()})
    backbone = find(f"tv.shufflenet_v2_x0_5@{path}")
    assert backbone.describe()["weights"]["prefix_removed"] == prefix
    built = backbone.build(load_file(path)).model.conv1[0].weight
    assert torch.equal(built, load_file(small)["conv1.0.weight"].half().float())


def test_what_a_network_of_ours_saves_can_be_loaded_again(tmp_path):
    torch.manual_seed(2)
    network = find("tv.shufflenet_v2_x0_5").build(None)
    save_file(network.state_dict(), tmp_path / "ours.safetensors")
    again = find(f"tv.shufflenet_v2_x0_5@{tmp_path}/ours.safetensors").build(load_file(tmp_path / "ours.safetensors"))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in network.state_dict().items())


def test_a_file_from_before_batch_norm_counted_batches_still_loads(changed):
    path = changed(lambda state: {name: value for name, value in state.items() if "num_batches" not in name})
    built = find(f"tv.shufflenet_v2_x0_5@{path}").build(load_file(path)).state_dict()
    assert all(
        torch.equal(value, built[f"model.{name}"]) for name, value in load_file(path).items() if "fc." not in name
    )


def test_weights_that_do_not_fit_are_refused_naming_counts_and_names(changed):
    def damaged(state):
        del state["conv1.0.weight"], state["fc.bias"]
        return {**state, "conv5.1.bias": torch.zeros(5), "extra.weight": torch.zeros(1)}

    path = changed(damaged, arch="shufflenet_v2_x15")
    with pytest.raises(WeightsError) as caught:
        find(f"tv.shufflenet_v2_x0_5@{path}")
    assert str(caught.value) == (
        f"weights {path} do not fit tv.shufflenet_v2_x0_5: missing 2: conv1.0.weight, fc.bias; "
        "mis-shaped 1: conv5.1.bias (5,) for (1024,); unexpected 1: extra.weight. "
        "The file says it is for 'shufflenet_v2_x15'. Did you mean 'tv.shufflenet_v2_x1_5'?"
    )
    with pytest.raises(WeightsError, match="the weights do not fit"):
        find("tv.shufflenet_v2_x0_5").build(load_file(path))


def test_a_cut_off_file_a_missing_file_and_a_pickle_are_refused(small, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(small.read_bytes()[:2000])
    torch.save({"weight": torch.zeros(2)}, tmp_path / "pickle.safetensors")
    for name in ("cut", "pickle"):
        with pytest.raises(WeightsError, match=r"no whole safetensors file.*can run any code"):
            find(f"tv.shufflenet_v2_x0_5@{tmp_path}/{name}.safetensors")
    with pytest.raises(WeightsError, match=r"does not exist\. Did you mean 'cut\.safetensors'\?"):
        find(f"tv.shufflenet_v2_x0_5@{tmp_path}/cu.safetensors")


def test_a_backbone_in_use_can_be_sent_to_another_process(small):
    backbone = find(f"tv.shufflenet_v2_x0_5@{small}")
    assert pickle.loads(pickle.dumps(backbone)).describe() == backbone.describe()


# ---- real weights ----------------------------------------------------------------------------------------


def batches(network, encoded):
    with torch.no_grad():
        return torch.cat([network(part) for part in encoded.split(20)])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "top1", "top5"), [("squeezenet1_1", 127, 171), ("squeezenet1_0", 126, 169)])
def test_real_weights_with_their_own_classifier_reach_their_published_counts(real_data, name, top1, top5):
    # These images are centre crops already.
    backbone = find(f"tv.{name}(crop_pct=1)@{real_data}/weights/{name}_imagenet.safetensors")
    with zipfile.ZipFile(real_data / "imagenet_sanity" / "imagenet_sanity.zip") as archive:
        rows = list(csv.DictReader((real_data / "imagenet_sanity" / "labels.csv").read_text().splitlines()))
        encoded = backbone.encode([Image.open(io.BytesIO(archive.read(row["file"]))) for row in rows])
    weights = load_file(backbone.weights)
    network = backbone.build(weights)
    convolution = nn.Conv2d(512, 1000, 1)  # where our network averages, the classifier looks at every place
    convolution.load_state_dict({part: weights[f"classifier.1.{part}"].float() for part in ("weight", "bias")})
    network.model.classifier = nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    ranked = batches(network.eval(), encoded).topk(5).indices
    hits = ranked == torch.tensor([int(row["class_index"]) for row in rows])[:, None]
    assert abs(int(hits[:, 0].sum()) - top1) <= 3
    assert abs(int(hits.any(1).sum()) - top5) <= 3
