import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from tlbench import DataError, ParameterError, WeightsError
from tlbench.contract import check_backbone, construct
from tlbench.names import parse_spec
from tlbench_conv4.backbone import Conv4, RelationConv4


def find(text):
    """Build what a user's spec names, as the catalog does."""
    spec = parse_spec(text)
    cls = {"conv4": Conv4, "conv4.relation": RelationConv4}[spec.name]
    file = {"weights": spec.location} if spec.location else {}
    return construct(cls, "backbone", spec.name, {**spec.parameters, **file})


def drawing(mode="1"):
    """A black cross on white paper, 105x105 as in Omniglot."""
    pixels = np.full((105, 105), 255, np.uint8)
    pixels[44:60], pixels[:, 20:24] = 0, 0
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def saved(tmp_path):
    """Save what a backbone's network holds, changed and with metadata, and return the path."""

    def save(backbone, change=dict, **metadata):
        torch.manual_seed(4)
        network = backbone.build(None)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
        save_file(change(network.state_dict()), tmp_path / "given.safetensors", metadata or None)
        return tmp_path / "given.safetensors"

    return save


def test_asking_the_plugin_what_it_offers_does_not_import_torch():
    code = (
        "import sys, tlbench_conv4\n"
        "from tlbench.contract.backbone import check_backbone\n"
        "things = list(tlbench_conv4.tlbench_backbones())\n"
        "[check_backbone(thing) for thing in things]\n"
        "assert [thing.name for thing in things] == ['conv4', 'conv4.relation']\n"
        "assert not {'torch', 'PIL', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("conv4", 64),
        ("conv4(input_size=84, channels=3)", 1600),
        ("conv4(input_size=84, channels=3, pooling=average)", 64),
        ("conv4(width=16, input_size=32)", 64),
        ("conv4(width=8, paddings=(0,0,0,0), pools=(1,), input_size=20)", 72),
        ("conv4.relation(input_size=40)", 64),
    ],
)
def test_the_stated_width_is_that_of_the_features(text, width):
    backbone = find(text)
    check_backbone(backbone)
    features = backbone.build(None).eval()(backbone.encode([drawing("RGB"), drawing()]))
    assert (backbone.feature_dim, features.shape, features.dtype) == (width, (2, width), torch.float32)


def test_the_default_is_the_network_of_matching_and_prototypical_networks(saved):
    state = load_file(saved(Conv4()))
    layers = []
    for inputs in (1, 64, 64, 64):
        layers += [nn.Conv2d(inputs, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
    theirs = nn.Sequential(*layers, nn.Flatten()).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), _in_order(state), strict=True)))
    backbone = find("conv4(invert=true)")
    network = backbone.build(state).eval()
    image = drawing().convert("L").resize((28, 28), Image.Resampling.BILINEAR)
    ink = 1 - torch.from_numpy(np.array(image)).float()[None, None] / 255
    with torch.no_grad():
        assert torch.allclose(network(backbone.encode([drawing()])), theirs(ink), atol=1e-5)
        assert theirs(ink).std() > 0


def _in_order(state):
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = [f"layer{k}.{j}.{part}" for k in range(1, 5) for j in range(2) for part in parts]
    return [state[name] for name in names if name in state]


def test_the_relation_networks_blocks_pool_twice_and_pad_twice(saved):
    state = load_file(saved(RelationConv4()))
    layers = []
    for number, inputs in enumerate((3, 64, 64, 64)):
        layers += [nn.Conv2d(inputs, 64, 3, padding=int(number > 1)), nn.BatchNorm2d(64), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if number < 2 else []
    theirs = nn.Sequential(*layers).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), _in_order(state), strict=True)))
    images = torch.randint(0, 256, (2, 3, 84, 84), dtype=torch.uint8)
    with torch.no_grad():
        maps = theirs((images / 255 - 0.92206) / 0.08426)
        assert maps.shape == (2, 64, 19, 19)
        assert torch.allclose(RelationConv4().build(state).eval()(images), maps.mean((2, 3)), rtol=1e-4, atol=1e-4)


def test_one_bit_ink_on_paper_is_smoothed_and_can_be_inverted():
    paper, ink = (find(text).encode([drawing()]) for text in ("conv4", "conv4(invert=true)"))
    assert ink.shape == (1, 1, 28, 28)
    assert torch.equal(ink, 255 - paper)
    assert (int(ink[0, 0, 0, 27]), int(ink[0, 0, 13, 14])) == (0, 255)  # paper in the corner, the stroke
    assert len(ink.unique()) > 2
    assert find("conv4").encoding != find("conv4(invert=true)").encoding


@pytest.mark.parametrize("text", ["conv4", "conv4(channels=3, input_size=33)", "conv4.relation"])
def test_arrays_tensors_and_pil_images_of_one_picture_are_encoded_alike(text):
    backbone = find(text)
    grey = np.array(drawing("L"))
    same = [drawing(), drawing("RGB"), grey, grey[..., None], torch.from_numpy(grey), torch.from_numpy(grey)[None]]
    encoded = backbone.encode(same)
    assert encoded.dtype == torch.uint8
    assert encoded.shape[1:] == (backbone.channels, backbone.input_size, backbone.input_size)
    assert all(torch.equal(backbone.encode([image])[0], encoded[0]) for image in same)


def test_images_that_are_not_square_are_squeezed_whole():
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :20, 0] = 255
    encoded = find("conv4(channels=3)").encode([wide])
    assert (int(encoded[0, 0, 5, 2]), int(encoded[0, 0, 5, 25]), int(encoded[0, 1].max())) == (255, 0, 0)


@pytest.mark.parametrize("raw", [np.zeros((4, 4)), np.zeros((0, 4), np.uint8), "file.png"])
def test_what_is_no_8_bit_image_is_refused(raw):
    with pytest.raises(DataError, match="image 1 is"):
        Conv4().encode([drawing(), raw])
    with pytest.raises(DataError, match="scale it to 8 bits"):
        Conv4().encode([Image.fromarray(np.full((4, 4), 4000, np.uint16))])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("conv4(channels=2)", "'channels' of backbone 'conv4': input should be 1 or 3, got 2"),
        ("conv4(input_size=15)", "images of 15x15 are too small"),
        ("conv4(paddings=(1,1,1))", "paddings must be 4 numbers"),
        ("conv4(pools=(1,5))", "pools must be numbers of blocks, 1 to 4"),
        ("conv4(mean=128)", "mean 128.0 or std 1.0 is not one of images in [0, 1]"),
        ("conv4(std=0)", "std 0.0 is not one of images in [0, 1]"),
        ("conv4(mean=(0.1,0.2,0.3))", "mean must be one number for grey images"),
        ("conv4(widht=32)", "no parameter 'widht'. Did you mean 'width'?"),
    ],
)
def test_a_wrong_parameter_is_refused_with_a_sentence(text, sentence):
    with pytest.raises(ParameterError) as caught:
        find(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_spec_says_is_found_again():
    for text in ("conv4", "conv4(width=32, invert=true)", "conv4.relation", "conv4(channels=3, mean=(0.1,0.2,0.3))"):
        backbone = find(text)
        assert find(backbone.spec).describe() == backbone.describe()
        assert backbone.label == backbone.spec
    assert RelationConv4().spec == "conv4.relation"


def test_a_random_start_comes_from_the_global_generator_and_nothing_else():
    starts = []
    for _ in range(2):
        torch.manual_seed(5)
        starts.append(Conv4().build(None).state_dict())
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
    assert Conv4().pretrained_on is None


def test_weights_of_a_file_are_loaded_and_named(saved):
    path = saved(RelationConv4(), mean="0.92206,0.92206,0.92206", std="0.08426", pretrained_on="miniImageNet")
    backbone = find(f"conv4.relation@{path}")
    built = backbone.build(load_file(path)).state_dict()
    assert all(torch.equal(value, built[name]) for name, value in load_file(path).items())
    assert (backbone.label, backbone.pretrained_on) == ("conv4.relation@given", "miniImageNet")
    assert (backbone.spec, backbone.weights) == ("conv4.relation", path)


def test_a_file_from_before_batch_norm_counted_batches_still_loads(saved):
    def uncounted(state):
        return {name: value.half() for name, value in state.items() if not name.endswith("num_batches_tracked")}

    path = saved(Conv4(), uncounted)
    network = find(f"conv4@{path}").build(load_file(path))
    assert torch.equal(network.layer4[0].weight, load_file(path)["layer4.0.weight"].float())


def test_a_file_for_another_normalisation_is_refused_unless_the_name_says_the_same(saved):
    path = saved(Conv4(channels=3, input_size=84), mean="0.5,0.5,0.5", std="0.5")
    with pytest.raises(WeightsError, match=r"inputs with mean 0\.5,0\.5,0\.5; conv4\(.*\) takes 0\.0\.$"):
        find(f"conv4(channels=3, input_size=84)@{path}")
    assert find(f"conv4(channels=3, input_size=84, mean=0.5, std=(0.5,0.5,0.5))@{path}").weights == path


def test_weights_that_do_not_fit_are_refused_naming_counts_and_names(saved):
    def damaged(state):
        del state["layer2.0.bias"]
        return {**state, "layer1.0.weight": torch.zeros(64, 3, 3, 3), "head.weight": torch.zeros(5, 64)}

    path = saved(Conv4(), damaged)
    with pytest.raises(WeightsError) as caught:
        find(f"conv4@{path}")
    assert str(caught.value) == (
        f"weights {path} do not fit conv4: missing 1: layer2.0.bias; "
        "mis-shaped 1: layer1.0.weight (64, 3, 3, 3) for (64, 1, 3, 3); unexpected 1: head.weight."
    )
    with pytest.raises(WeightsError, match="the weights do not fit conv4"):
        Conv4().build(load_file(path))


def test_a_missing_file_and_a_pickle_are_refused(saved, tmp_path):
    path = saved(Conv4())
    with pytest.raises(WeightsError, match=r"does not exist\. Did you mean 'given\.safetensors'\?"):
        find(f"conv4@{tmp_path}/gven.safetensors")
    torch.save(load_file(path), tmp_path / "pickle.safetensors")
    with pytest.raises(WeightsError, match=r"no whole safetensors file.*can run any code"):
        find(f"conv4@{tmp_path}/pickle.safetensors")


# ---- real data -------------------------------------------------------------------------------------------


def nearest_centroid(features, labels, episodes=300, ways=5, shots=5, queries=15):
    """Return the mean accuracy of 5-way 5-shot episodes by the nearest class mean."""
    draw = np.random.default_rng(0)
    scores = []
    for _ in range(episodes):
        rows = [
            draw.permutation(np.flatnonzero(labels == label))[: shots + queries]
            for label in draw.choice(labels.max() + 1, ways, replace=False)
        ]
        centroids = torch.stack([features[row[:shots]].mean(0) for row in rows])
        distances = torch.cdist(features[np.concatenate([row[shots:] for row in rows])], centroids)
        scores.append(float((distances.argmin(1) == torch.arange(ways).repeat_interleave(queries)).float().mean()))
    return np.mean(scores)


@pytest.mark.slow
def test_released_relation_network_weights_tell_flowers_apart_as_published(real_data):
    backbone = find(f"conv4.relation@{real_data}/weights/conv4_miniimagenet_1shot.safetensors")
    with zipfile.ZipFile(real_data / "flowers12" / "flowers12.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.startswith("test/") and name.endswith(".jpg"))
        encoded = backbone.encode([Image.open(io.BytesIO(archive.read(name))) for name in names])
    _, labels = np.unique([name.split("/")[1] for name in names], return_inverse=True)
    accuracies = []
    for weights in (load_file(backbone.weights), None):
        torch.manual_seed(0)
        network = backbone.build(weights).eval()
        with torch.no_grad():
            features = torch.cat([network(part) for part in encoded.split(40)])
        accuracies.append(nearest_centroid(features, labels))
    assert accuracies == [pytest.approx(0.657, abs=0.03), pytest.approx(0.449, abs=0.04)]


def test_inverted_omniglot_characters_are_thin_bright_strokes(real_data):
    with zipfile.ZipFile(real_data / "omniglot_small" / "images_background_small1.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")][::200]
        images = [Image.open(io.BytesIO(archive.read(name))) for name in names]
        encoded = find("conv4(invert=true)").encode(images)
    assert {image.mode for image in images} == {"1"}
    assert 0.02 < float(encoded.float().mean() / 255) < 0.2
    assert int(encoded.amax((1, 2, 3)).min()) > 100
