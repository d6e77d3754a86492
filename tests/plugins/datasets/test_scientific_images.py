"""Images of 16 bits, of floats and of any number of channels: from the file through the backbone."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tlbench import DataError, ParameterError, decode_image
from tlbench.contract import construct_dataset, split_dataset_spec
from tlbench.data import transform_images
from tlbench.names import parse_spec
from tlbench_conv4.backbone import Conv4
from tlbench_datasets.arrays.npz import Npz
from tlbench_datasets.folders.folder import Folder
from tlbench_datasets.folders.zip_archive import Zip
from tlbench_datasets.images import BadImageError, decode
from tlbench_datasets.reading import limits, reading
from tlbench_datasets.values import axis_of_channels
from tlbench_timm.family import TimmFamily
from tlbench_timm.shipped import glyphs_backbone
from tlbench_torchvision.encode import encode_images as encode_for_torchvision
from tlbench_torchvision.preprocessing import Preprocessing

DRAW = np.random.default_rng(3)
WIDE = DRAW.integers(0, 65536, (6, 8), dtype=np.uint16)
COLOUR = DRAW.integers(0, 65536, (6, 8, 3), dtype=np.uint16)
BANDS = DRAW.integers(0, 256, (6, 8, 5), dtype=np.uint8)


def dataset(spec):
    name, place, options = split_dataset_spec(spec)
    return construct_dataset({cls.name: cls for cls in (Folder, Zip, Npz)}[name], place, options)


def find(text):
    backbone = TimmFamily().find(parse_spec(text))
    assert backbone is not None
    return backbone


def saved(path: Path, image: np.ndarray, **options) -> None:
    """Write one image in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, image)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, image, **options)
    elif image.dtype == np.uint16 and image.ndim == 3:
        path.write_bytes(png_of_sixteen_bits(image))
    else:
        Image.fromarray(image).save(path)


def png_of_sixteen_bits(image: np.ndarray) -> bytes:
    """Return a PNG file of 16-bit colour, which Pillow cannot write; every second row is filtered by its left."""
    height, width, channels = image.shape
    rows = image.astype(">u2").view(np.uint8).reshape(height, -1)
    left = rows.copy()
    left[:, 2 * channels :] -= rows[:, : -2 * channels]
    body = b"".join(bytes([row % 2]) + (left if row % 2 else rows)[row].tobytes() for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def tiff(image: np.ndarray, **options) -> bytes:
    target = io.BytesIO()
    tifffile.imwrite(target, image, **options)
    return target.getvalue()


def npy(image: np.ndarray) -> bytes:
    target = io.BytesIO()
    np.save(target, image)
    return target.getvalue()


def filled(folder: Path, *images: np.ndarray, name: str = "{}.npy", **options) -> Path:
    """Write class folders `a` and `b` with the images and as many that differ from them a little."""
    for number, image in enumerate(images):
        for label in "ab":
            changed = image.copy()
            changed.flat[number] = image.flat[number + 20] if label == "b" else image.flat[number]
            saved(folder / label / name.format(number), changed, **options)
    return folder


def served(spec: str) -> list[np.ndarray]:
    data = dataset(spec)
    return [image for split in ("train", "test") for image in data.load("all", split).inputs]


# ---- 16 bits and ranges of image files ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        png_of_sixteen_bits(COLOUR),
        tiff(COLOUR, photometric="rgb"),
        tiff(COLOUR, photometric="rgb", compression="zlib"),
        tiff(COLOUR, photometric="rgb", byteorder=">"),
        tiff(np.moveaxis(COLOUR, 2, 0), photometric="rgb", planarconfig="separate"),
    ],
)
def test_colour_of_sixteen_bits_is_served_in_full_at_depth_16_and_by_a_range(data):
    assert np.array_equal(decode(data, reading(16)), COLOUR)
    half = decode(data, reading(8, "0-32767.5"))
    assert half.dtype == np.float32
    assert np.allclose(half, np.clip(COLOUR / 32767.5 * 255, 0, 255), rtol=1e-6)
    assert decode(data).dtype == np.uint8
    assert np.abs(decode(data).astype(int) - COLOUR / 257).max() <= 1


@pytest.mark.parametrize("options", [(8,), (16,), (8, "0-4095")])
def test_a_png_damaged_within_its_data_is_refused_at_every_depth(options):
    data = bytearray(png_of_sixteen_bits(COLOUR))
    start, end = data.index(b"IDAT"), data.index(b"IEND") - 8
    data[start + 100] ^= 0xFF
    data[end : end + 4] = struct.pack(">I", zlib.crc32(data[start:end]))  # so that decoding alone can tell
    with pytest.raises(BadImageError, match="damaged: "):
        decode(bytes(data), reading(*options))


def test_alpha_of_sixteen_bits_is_laid_on_white():
    image = np.dstack([COLOUR, np.full(COLOUR.shape[:2], 65535, np.uint16)])
    image[0, 0, 3] = 0
    found = decode(png_of_sixteen_bits(image), reading(16))
    assert found[0, 0].tolist() == [65535] * 3
    assert np.array_equal(found[1:], COLOUR[1:])


def test_grey_of_sixteen_bits_is_itself_at_depth_16_and_scaled_by_default(tmp_path):
    filled(tmp_path, WIDE, WIDE // 2, WIDE // 3, name="{}.png")
    deep = dataset(f"folder:{tmp_path}?depth=16")
    assert {image.dtype for image in served(f"folder:{tmp_path}?depth=16")} == {np.dtype(np.uint16)}
    assert any(np.array_equal(image, WIDE) for image in served(f"folder:{tmp_path}?depth=16"))
    assert {image.dtype for image in served(f"folder:{tmp_path}")} == {np.dtype(np.uint8)}
    assert "Values kept at full precision, as uint16." in deep.findings()
    assert not any("scaled to 8" in finding for finding in deep.findings())
    assert deep.fingerprint() != dataset(f"folder:{tmp_path}").fingerprint()  # or the cache would mix them up


def test_eight_bits_beside_sixteen_are_served_alike_and_alone_as_they_are(tmp_path):
    filled(tmp_path, WIDE, WIDE // 2, name="wide{}.png")
    small = (WIDE // 257).astype(np.uint8)
    filled(tmp_path, small, small // 2, name="small{}.png")
    images = served(f"folder:{tmp_path}?depth=16")
    assert {image.dtype for image in images} == {np.dtype(np.uint16)}
    assert any(np.array_equal(image, small.astype(np.uint16) * 257) for image in images)
    for path in tmp_path.rglob("wide*"):
        path.unlink()
    assert {image.dtype for image in served(f"folder:{tmp_path}?depth=16")} == {np.dtype(np.uint8)}


def test_floating_point_images_need_a_range_and_then_are_read(tmp_path):
    floats = (WIDE / 65535 * 4 - 2).astype(np.float32)
    filled(tmp_path, floats, floats / 2, name="{}.tif")
    with pytest.raises(DataError, match=r"floating-point values.*add \?range=LOW-HIGH"):
        dataset(f"folder:{tmp_path}").fingerprint()
    images = served(f"folder:{tmp_path}?range=-1-1")
    assert {image.dtype for image in images} == {np.dtype(np.float32)}
    assert any(np.allclose(image, np.clip((floats + 1) * 127.5, 0, 255), atol=1e-3) for image in images)
    assert min(image.min() for image in images) == 0
    assert max(image.max() for image in images) == 255
    assert any("values from -1 to 1" in finding for finding in dataset(f"folder:{tmp_path}?range=-1-1").findings())


def test_signed_and_long_integers_are_read_by_a_range():
    for dtype in (np.int16, np.int32, np.float64):
        values = (WIDE.astype(np.int32) // 4 - 1024).astype(dtype)
        found = decode(tiff(values), reading(8, "-1024-3071"))
        assert np.allclose(found, np.clip((values.astype(float) + 1024) / 4095 * 255, 0, 255), atol=1e-3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("0-4095", (0, 4095)), ("-1024-3071", (-1024, 3071)), ("-1--0.5", (-1, -0.5))],
        *[("0..1", (0, 1)), ("1e-3-2", (1e-3, 2))],
    ],
)
def test_a_range_is_two_numbers(text, expected):
    assert limits(text) == expected


@pytest.mark.parametrize("text", ["range=4095", "range=9-1", "range=0-", "range=0-nan", "range", "depth=12", "depth"])
def test_a_range_or_depth_that_is_none_is_refused_before_anything_is_read(text):
    for name in ("folder", "npz"):
        with pytest.raises(ParameterError, match=f"{text.partition('=')[0]}"):
            dataset(f"{name}:nowhere?{text}")


# ---- any number of channels --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "paged"),
    [
        (tiff(BANDS, planarconfig="contig", photometric="minisblack"), False),
        (tiff(np.moveaxis(BANDS, 2, 0), planarconfig="separate", photometric="minisblack"), False),
        (tiff(BANDS, planarconfig="contig", photometric="rgb"), False),
        (tiff(np.moveaxis(BANDS, 2, 0), imagej=True, metadata={"axes": "CYX"}), True),
        (tiff(np.moveaxis(BANDS, 2, 0), ome=True, metadata={"axes": "CYX"}), True),
        (tiff(np.stack([np.moveaxis(BANDS, 2, 0)] * 2), imagej=True, metadata={"axes": "TCYX"}), True),
        (tiff(np.moveaxis(BANDS, 2, 0)), True),
        (tiff(BANDS), True),
        (npy(BANDS), False),
        (npy(np.moveaxis(BANDS, 2, 0)), False),
        (npy(np.asfortranarray(BANDS)), False),
    ],
)
def test_bands_are_served_channels_last_however_they_were_written(tmp_path, data, paged):
    assert np.array_equal(decode(data), BANDS)
    for folder in ("train/a", "train/b", "test/a", "test/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / ("0.npy" if data[:1] == b"\x93" else "0.tif")).write_bytes(data)
    findings = " ".join(dataset(f"folder:{tmp_path}").findings())
    assert ("Pages read as channels" in findings) == paged


def test_frames_in_time_slices_and_nameless_pages_stay_the_first_of_them():
    stack = DRAW.integers(0, 256, (5, 6, 8), dtype=np.uint8)
    for data in (
        tiff(stack, imagej=True, metadata={"axes": "ZYX"}),
        tiff(stack, imagej=True, metadata={"axes": "TYX"}),
        tiff(stack, metadata=None, photometric="minisblack"),
        tiff(DRAW.integers(0, 256, (8, 8, 8), dtype=np.uint8)),
    ):
        assert decode(data).shape in ((6, 8), (8, 8))
    assert np.array_equal(decode(tiff(stack, metadata=None, photometric="minisblack")), stack[0])


def test_bands_of_sixteen_bits_and_of_floats_follow_depth_and_range():
    wide = BANDS.astype(np.uint16) * 200
    data = tiff(wide, planarconfig="contig", photometric="minisblack")
    assert np.array_equal(decode(data), np.rint(wide / 257).astype(np.uint8))
    assert np.array_equal(decode(data, reading(16)), wide)
    floats = tiff(wide.astype(np.float32), planarconfig="contig", photometric="minisblack")
    assert np.allclose(decode(floats, reading(8, "0-10000")), np.clip(wide / 10000 * 255, 0, 255), rtol=1e-5)


def test_a_tiff_of_bands_is_turned_as_its_orientation_says():
    for orientation in range(1, 9):
        tag = [(274, "H", 1, orientation, True)]
        ours = decode(tiff(BANDS, planarconfig="contig", photometric="minisblack", extratags=tag))
        pillows = decode(tiff(np.ascontiguousarray(BANDS[..., :3]), photometric="rgb", extratags=tag))
        assert np.array_equal(ours[..., :3], pillows)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((64, 48, 5), 2), ((5, 48, 64), 0), ((9, 9, 200), 2), ((200, 9, 9), 0), ((3, 9, 9), 0), ((9, 9, 3), 2),
        ((1, 3, 5), 0), ((5, 5, 5), None), ((3, 9, 3), None), ((9, 2, 8), None),
    ],
)  # fmt: skip
def test_the_axis_of_channels_is_told_or_left_open(shape, axis):
    assert axis_of_channels(shape) == axis


def test_arrays_of_a_dataset_are_scaled_by_the_range_of_all_and_never_by_their_own(tmp_path):
    dim, bright = BANDS / 255 * 0.25, BANDS / 255.0
    filled(tmp_path, dim, bright, bright * 0.5)
    images = served(f"folder:{tmp_path}")
    assert {image.dtype for image in images} == {np.dtype(np.uint8)}
    assert sorted(int(image.max()) for image in images) == sorted([round(255 * 0.25), 255, 128] * 2)
    deep = served(f"folder:{tmp_path}?depth=16")
    assert any(np.allclose(image, dim * 255, atol=1e-4) for image in deep)
    assert {image.dtype for image in deep} == {np.dtype(np.float32)}
    assert any(
        "floats from 0 to 1: multiplied by 255" in finding for finding in dataset(f"folder:{tmp_path}").findings()
    )


def test_arrays_in_a_zip_read_as_in_a_folder(tmp_path):
    filled(tmp_path / "data", BANDS, BANDS // 2, BANDS // 3)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in sorted((tmp_path / "data").rglob("*.npy")):
            archive.write(path, path.relative_to(tmp_path / "data"))
        archive.write(tmp_path / "data/a/0.npy", "README.md")
    plain, packed = dataset(f"folder:{tmp_path / 'data'}"), dataset(f"zip:{tmp_path / 'data.zip'}")
    assert packed.fingerprint() == plain.fingerprint()
    assert packed.load("all", "train").inputs[0].shape == (6, 8, 5)


def test_the_axis_of_one_array_in_doubt_is_that_of_the_others(tmp_path):
    filled(tmp_path, BANDS, np.ascontiguousarray(BANDS[:5, :5]), BANDS // 2)
    assert {image.shape for image in served(f"folder:{tmp_path}")} == {(6, 8, 5), (5, 5, 5)}


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (np.moveaxis(BANDS, 2, 0), "seem to come first and those of"),
        (np.dstack([BANDS, BANDS[..., 0]])[:, :, :4], "different numbers of channels: 4 .* and 5"),
        (BANDS.astype(object), "pickled objects, which could run code"),
        (BANDS.astype(np.complex64), "holds complex64, no pixel values"),
        (np.where(BANDS > 3, BANDS, np.nan), "NaN or infinite"),
        (BANDS[0], "different numbers of channels"),
        (BANDS[0, 0], r"has the shape \(5,\)"),
    ],
)
def test_arrays_that_cannot_be_served_with_the_others_are_refused_in_one_line(tmp_path, odd, message):
    filled(tmp_path, BANDS, BANDS // 2)
    np.save(tmp_path / "a/odd.npy", odd)
    with pytest.raises(DataError, match=message) as caught:
        dataset(f"folder:{tmp_path}").findings()
    assert str(caught.value).isprintable()


def test_npz_arrays_of_many_channels_and_of_sixteen_bits(tmp_path):
    images = DRAW.integers(0, 60000, (20, 6, 8, 5), dtype=np.uint16)
    labels = np.arange(20) % 2
    np.savez(tmp_path / "last.npz", X=images, y=labels)
    np.savez(tmp_path / "first.npz", X=np.moveaxis(images, 3, 1), y=labels)
    last, first = dataset(f"npz:{tmp_path}/last.npz?depth=16"), dataset(f"npz:{tmp_path}/first.npz?depth=16")
    assert last.fingerprint() == first.fingerprint() != dataset(f"npz:{tmp_path}/last.npz").fingerprint()
    whole = {image.tobytes() for image in served(f"npz:{tmp_path}/last.npz?depth=16")}
    assert whole == {image.tobytes() for image in images}
    assert served(f"npz:{tmp_path}/last.npz")[0].dtype == np.uint8
    ranged = served(f"npz:{tmp_path}/last.npz?range=0-30000")
    assert ranged[0].dtype == np.float32
    expected = {np.round(np.clip(image / 30000 * 255, 0, 255).sum()) for image in images}
    assert {np.round(image.astype(np.float64).sum()) for image in ranged} == expected


def test_four_channels_of_an_npz_are_an_alpha_at_eight_bits_and_four_bands_otherwise(tmp_path):
    np.savez(tmp_path / "a.npz", X=DRAW.integers(0, 256, (20, 6, 8, 4), dtype=np.uint8), y=np.arange(20) % 2)
    shapes = {option: served(f"npz:{tmp_path}/a.npz{option}")[0].shape for option in ("", "?depth=16", "?range=0-255")}
    assert shapes == {"": (6, 8, 3), "?depth=16": (6, 8, 4), "?range=0-255": (6, 8, 4)}


# ---- through the backbones ---------------------------------------------------------------------------------


def test_each_channel_is_resized_as_a_grey_image_is():
    backbone = find("test_resnet(in_chans=5, input_size=32)")
    grey = find("test_resnet(in_chans=1, input_size=32)")
    encoded = backbone.encode([BANDS])
    assert (encoded.dtype, encoded.shape) == (torch.uint8, (1, 5, 32, 32))
    for channel in range(5):
        assert torch.equal(encoded[0, channel], grey.encode([BANDS[..., channel]])[0, 0])
    assert backbone.encoding.endswith("/5-channels/1")
    assert grey.encoding.endswith("/grey/1")
    assert find("test_resnet(in_chans=3, input_size=32)").encoding == find("test_resnet(input_size=32)").encoding
    with torch.no_grad():
        assert backbone.build(None).eval()(encoded).shape == (1, backbone.feature_dim)


def test_values_of_more_than_eight_bits_keep_their_precision():
    backbone = find("test_resnet(input_size=8, crop_pct=1, interpolation=bilinear)")
    step = np.full((8, 8), 1000, np.uint16)
    step[4:] = 1001
    (wide,) = backbone.encode([step])
    assert wide.dtype == torch.float32
    assert torch.allclose(wide, torch.from_numpy(step / 257).float().expand(3, 8, 8))
    assert len(wide.unique()) == 2  # eight bits would have made them one
    (float_image,) = backbone.encode([(step / np.float32(257)).astype(np.float32)])
    assert torch.equal(float_image, wide)
    beside = backbone.encode([np.full((8, 8), 7, np.uint8), step])
    assert torch.equal(beside[1], wide)
    assert set(beside[0].unique().tolist()) == {7.0}


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_float_and_byte_images_are_resized_and_cropped_by_the_same_geometry(mode, interpolation):
    text = f"input_size=(40,24), crop_pct=0.9, crop_mode={mode}, interpolation={interpolation}, mean=0.5"
    for channels, shape in ((3, (33, 57, 3)), (3, (33, 57)), (1, (33, 57, 3)), (5, (33, 57, 5))):
        image = DRAW.integers(80, 176, shape, dtype=np.uint8)  # nothing is cut off between the axes
        backbone = find(f"test_resnet({text}, in_chans={channels})")
        plain, exact = backbone.encode([image])[0], backbone.encode([image.astype(np.float32)])[0]
        assert exact.dtype == torch.float32
        assert exact.min() >= 0
        assert exact.max() <= 255
        assert (plain.float() - exact).abs().max() <= 2.01  # rounded once for each axis, and once for grey


def test_another_number_of_channels_says_what_to_write(tmp_path):
    with pytest.raises(
        DataError, match=r"^images have 5 channels and the backbone takes 3: write test_resnet\(in_chans=5\)\.$"
    ):
        find("test_resnet").encode([BANDS])
    with pytest.raises(DataError, match=r"have 3 channels .* takes 5: write test_resnet\(in_chans=3, input_size=32\)"):
        find("test_resnet(in_chans=5, input_size=32)").encode([BANDS[..., :3].astype(np.float32)])
    with pytest.raises(DataError, match=r"have 1 channel and the backbone takes 5"):
        find("test_resnet(in_chans=5)").encode([BANDS[..., 0]])
    with pytest.raises(DataError, match=r"write a network of timm, such as resnet18\(in_chans=5\)"):
        Conv4().encode([BANDS])
    settings = Preprocessing(32, 1.0, "bilinear", (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(DataError, match=r"write one of timm's, such as resnet18\(in_chans=5\)"):
        encode_for_torchvision([BANDS], settings)


def test_torchvision_and_conv4_take_images_of_more_than_eight_bits():
    image = DRAW.integers(0, 256, (33, 57, 3), dtype=np.uint8)
    settings = Preprocessing(32, 0.8, "bilinear", (0.5,) * 3, (0.5,) * 3)
    for encode in (
        lambda raw: encode_for_torchvision(raw, settings),
        Conv4(channels=3).encode,
        Conv4().encode,
        Conv4(invert=True).encode,
    ):
        plain, exact = encode([image]), encode([image.astype(np.float32)])
        assert exact.dtype == torch.float32
        assert (plain.float() - exact).abs().max() <= 2.01


@pytest.mark.parametrize("values", [np.full((4, 4), 300, np.float32), np.full((4, 4), np.nan, np.float32)])
def test_floats_beyond_the_range_of_images_are_refused(values):
    with pytest.raises(DataError, match="float images go from 0 to 255"):
        find("test_resnet").encode([values])


def test_mean_and_std_of_other_channels_are_named_or_averaged():
    def shades(text):
        used = find(text).describe()["preprocessing"]
        return used["mean"]

    timm_mean = timm.get_pretrained_cfg("test_resnet").mean
    assert shades("test_resnet(in_chans=5)") == pytest.approx([sum(timm_mean) / 3] * 5)
    assert shades("test_resnet(in_chans=5, mean=0.25)") == [0.25] * 5
    assert shades("test_resnet(in_chans=2, mean=(0.1,0.2))") == [0.1, 0.2]
    with pytest.raises(ParameterError, match="must be one number or 5"):
        find("test_resnet(in_chans=5, mean=(0.1,0.2,0.3))")
    for wrong in ("0", "2.5", "true", "many"):
        with pytest.raises(ParameterError, match=r"'in_chans'.* must be a number of channels"):
            find(f"test_resnet(in_chans={wrong})")


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("channels", [1, 5])
def test_weights_of_three_channels_are_adapted_as_timm_does_and_that_is_said(tmp_path, prefix, channels):
    state = timm.create_model("test_resnet", num_classes=4).state_dict()
    path = tmp_path / "three.safetensors"
    save_file({prefix + name: value for name, value in state.items()}, path)
    backbone = find(f"test_resnet(in_chans={channels})@{path}")
    assert backbone.describe()["weights"]["converted"] == "first convolution by timm adapt_input_conv"
    ours = backbone.build(load_file(path)).model.state_dict()
    expected = timm.models.adapt_input_conv(channels, state["conv1.0.weight"])
    assert torch.equal(ours["conv1.0.weight"], expected)
    assert torch.equal(ours["layer1.0.conv1.weight"], state["layer1.0.conv1.weight"])
    assert "converted" not in find(f"test_resnet@{path}").describe()["weights"]


def test_a_helper_for_plugins_gives_uint8_for_bytes_and_never_touches_them():
    before = BANDS.copy()

    def whole(image, _):
        return torch.from_numpy(np.array(image, dtype=np.uint8))[None]

    encoded = transform_images([BANDS], 5, (6, 8), whole, str)
    assert torch.equal(encoded[0].permute(1, 2, 0), torch.from_numpy(BANDS))
    assert np.array_equal(BANDS, before)


# ---- the shipped backbone's note ---------------------------------------------------------------------------


def test_the_glyph_backbone_notes_colour_and_large_images_and_nothing_else(tmp_path):
    def note(name, image):
        filled(tmp_path / name, image, image // 2, image // 3, name="{}.png")
        return glyphs_backbone().note_on(dataset(f"folder:{tmp_path / name}"))

    grey = DRAW.integers(1, 256, (32, 32), dtype=np.uint8)
    assert note("grey", grey) is None
    assert note("grey-rgb", np.dstack([grey] * 3)[:, :, :1].repeat(3, 2)) is not None  # one changed value is a colour
    colour = note("colour", DRAW.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    assert "these images are in colour: write -b efficientnet_lite0.imagenet, or -b ARCHITECTURE@FILE" in colour
    assert "these images are larger" in note("large", grey.repeat(3, 0).repeat(3, 1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("turned", [None, 3, 6])
def test_a_file_and_a_library_give_the_same_pixels(mode, turned):
    image = Image.fromarray(WIDE) if mode == "I;16" else Image.fromarray(BANDS[..., :3]).convert(mode)
    options = {}
    if turned is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = turned
    file = io.BytesIO()
    image.save(file, "JPEG" if mode == "CMYK" else "PNG", **options)
    pixels = decode_image(file.getvalue())
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == ((8, 6) if turned == 6 else (6, 8))
    np.testing.assert_array_equal(pixels, decode(file.getvalue()))
