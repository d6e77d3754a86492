"""A user's own images, in folders, zip archives and numpy archives: how they are read, split, converted and refused."""

import io
import multiprocessing
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError, Dataset, ParameterError
from tlbench.contract import check_dataset_class, construct_dataset, split_dataset_spec
from tlbench_datasets import tlbench_datasets
from tlbench_datasets.arrays.npz import Npz
from tlbench_datasets.folders.folder import Folder
from tlbench_datasets.folders.zip_archive import Zip

OFFERED = {cls.name: cls for cls in (Folder, Zip, Npz)}


def dataset(spec: str) -> Dataset:
    name, place, options = split_dataset_spec(spec)
    return construct_dataset(OFFERED[name], place, options)


def picture(seed: int, mode: str = "RGB", size: tuple[int, int] = (8, 6)) -> Image.Image:
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def write(path: Path, seed: int, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed, **options).save(path)
    return path


def fill(folder: Path, *classes: str, count: int = 10, start: int = 0) -> Path:
    for index, name in enumerate(classes):
        for number in range(count):
            write(folder / name / f"{number}.png", start + 100 * index + number)
    return folder


def packed(folder: Path, archive: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, inside + str(path.relative_to(folder)))
    return archive


def contents(data: Dataset, domain: str = "all") -> dict[str, list[tuple[bytes, str]]]:
    parts = {split: data.load(domain, split) for split in data.splits(domain)}
    return {
        split: [(image.tobytes(), data.classes[label]) for image, label in zip(part.inputs, part.labels, strict=True)]
        for split, part in parts.items()
    }


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return fill(tmp_path / "pets", "cat", "dog")


@pytest.fixture
def divided_pets(tmp_path: Path) -> Path:
    fill(tmp_path / "pets" / "train", "cat", "dog")
    fill(tmp_path / "pets" / "test", "cat", "dog", count=4, start=1000)
    return tmp_path / "pets"


# ---- what is offered ---------------------------------------------------------------------------------------


def test_the_hook_offers_usable_datasets():
    offered = list(tlbench_datasets())
    assert {"digits", "folder", "glyphs", "npz", "zip"} <= {cls.name for cls in offered}
    for cls in offered:
        check_dataset_class(cls)


def test_the_label_and_the_identity_hold_no_path(pets):
    data = dataset(f"folder:{pets}?nested")
    assert data.label == "folder:pets?nested"
    assert str(pets.parent) not in str(data.identity)


# ---- layouts -----------------------------------------------------------------------------------------------


def test_class_folders_become_classes_with_thirty_percent_of_each_as_test(pets):
    data = dataset(f"folder:{pets}")
    assert (data.classes, data.domains, data.splits("all")) == (("cat", "dog"), ("all",), ("train", "test"))
    train, test = data.load("all", "train"), data.load("all", "test")
    assert np.bincount(train.labels).tolist() == [7, 7]
    assert np.bincount(test.labels).tolist() == [3, 3]
    assert train.labels.dtype == np.int64
    assert train.inputs[0].shape == (6, 8, 3)
    assert train.inputs[0].dtype == np.uint8
    assert len(train.inputs[2:5]) == 3
    assert any("chosen by content" in finding for finding in data.findings())


def test_split_folders_are_kept_under_any_of_their_names(divided_pets):
    fill(divided_pets / "Validation", "cat", "dog", count=2, start=2000)
    (divided_pets / "train").rename(divided_pets / "Training")
    data = dataset(f"folder:{divided_pets}")
    assert data.splits("all") == ("train", "test", "val")
    assert [len(data.load("all", split)) for split in data.splits("all")] == [20, 8, 4]
    assert data.findings() == ()


def test_val_without_test_stays_validation_and_test_is_taken_from_train(divided_pets):
    (divided_pets / "test").rename(divided_pets / "val")
    data = dataset(f"folder:{divided_pets}")
    assert [len(data.load("all", split)) for split in ("train", "test", "val")] == [14, 6, 8]
    assert any("val stays validation" in finding for finding in data.findings())


def test_domains_hold_classes_or_splits(tmp_path):
    fill(tmp_path / "photo", "cat", "dog")
    fill(tmp_path / "sketch" / "train", "cat", "dog", count=3, start=3000)
    fill(tmp_path / "sketch" / "test", "cat", "dog", count=2, start=4000)
    data = dataset(f"folder:{tmp_path}?domains")
    assert (data.domains, data.classes) == (("photo", "sketch"), ("cat", "dog"))
    assert [len(data.load("photo", split)) for split in ("train", "test")] == [14, 6]
    assert [len(data.load("sketch", split)) for split in ("train", "test")] == [6, 4]


def test_folders_below_a_class_belong_to_it_and_nested_makes_them_classes(tmp_path):
    fill(tmp_path / "Greek", "alpha", "beta", count=3)
    fill(tmp_path / "Latin", "a", "b", "c", count=3, start=500)
    assert dataset(f"folder:{tmp_path}").classes == ("Greek", "Latin")
    assert dataset(f"folder:{tmp_path}?nested").classes == (
        "Greek/alpha",
        "Greek/beta",
        "Latin/a",
        "Latin/b",
        "Latin/c",
    )


def test_a_class_called_train_is_a_class(tmp_path):
    assert dataset(f"folder:{fill(tmp_path, 'bus', 'car', 'train')}").classes == ("bus", "car", "train")


def test_a_zip_reads_as_its_folder_does_also_with_a_folder_around_everything(divided_pets, tmp_path):
    plain = dataset(f"folder:{divided_pets}")
    for inside in ("", "download/pets/"):
        archived = dataset(f"zip:{packed(divided_pets, tmp_path / 'pets.zip', inside)}")
        assert archived.fingerprint() == plain.fingerprint()
        assert contents(archived) == contents(plain)


def test_hidden_system_and_stray_files_are_passed_over_and_counted(pets):
    for stray in ("README.md", ".hidden", "cat/Thumbs.db", "dog/.DS_Store", "__MACOSX/cat/._0.png"):
        (pets / stray).parent.mkdir(parents=True, exist_ok=True)
        (pets / stray).write_text("not an image")
    (pets / ".ipynb_checkpoints").mkdir()
    findings = " ".join(dataset(f"folder:{pets}").findings())
    assert "Hidden and system files ignored: 5" in findings
    assert "Files beside class folders ignored: 1 (README.md)" in findings


def test_two_folders_that_may_be_domains_are_pointed_out(tmp_path):
    fill(tmp_path / "photo", "cat", "dog")
    fill(tmp_path / "sketch", "cat", "dog", start=3000)
    assert any("write ?domains" in finding for finding in dataset(f"folder:{tmp_path}").findings())


# ---- what split, order and fingerprint depend on -----------------------------------------------------------


def test_other_file_names_places_times_and_orders_change_nothing(pets, tmp_path):
    other = tmp_path / "elsewhere"
    for path in sorted(pets.rglob("*.png"), reverse=True):
        target = other / path.parent.name / "deeper" / f"x{zlib.crc32(path.read_bytes())}.PNG"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        os.utime(target, (1, 1))
    one, two = dataset(f"folder:{pets}"), dataset(f"folder:{other}")
    assert one.fingerprint() == two.fingerprint()
    assert contents(one) == contents(two)


def test_the_fingerprint_changes_with_a_byte_a_label_a_split_and_a_copy(divided_pets):
    def now() -> str:
        return dataset(f"folder:{divided_pets}").fingerprint()

    seen = [now()]
    write(divided_pets / "train/cat/0.png", 77)
    seen.append(now())
    (divided_pets / "train/cat/1.png").rename(divided_pets / "train/dog/one.png")
    seen.append(now())
    (divided_pets / "train/cat/2.png").rename(divided_pets / "test/cat/two.png")
    seen.append(now())
    shutil.copy(divided_pets / "train/cat/3.png", divided_pets / "train/cat/copy.png")
    seen.append(now())
    assert len(set(seen)) == 5


def test_copies_fall_on_the_same_side_of_a_chosen_split_across_classes_and_domains(tmp_path):
    for domain, start in (("photo", 0), ("sketch", 50)):
        fill(tmp_path / domain, "cat", "dog", start=start)
    for number in range(8):
        shutil.copy(tmp_path / f"photo/cat/{number}.png", tmp_path / f"photo/cat/copy{number}.png")
        shutil.copy(tmp_path / f"photo/cat/{number}.png", tmp_path / f"photo/dog/copy{number}.png")
        shutil.copy(tmp_path / f"photo/cat/{number}.png", tmp_path / f"sketch/cat/copy{number}.png")
    data = dataset(f"folder:{tmp_path}?domains")
    sides = {"train": set(), "test": set()}
    for domain in data.domains:
        for split, examples in contents(data, domain).items():
            sides[split] |= {image for image, _ in examples}
    assert not sides["train"] & sides["test"]
    assert any("32 images are copies of images of another label" in finding for finding in data.findings())


def test_copies_of_training_images_in_the_test_split_are_named(divided_pets):
    shutil.copy(divided_pets / "train/cat/0.png", divided_pets / "test/cat/copied.png")
    findings = dataset(f"folder:{divided_pets}").findings()
    assert findings == (
        "1 test image is a copy of training images, byte for byte: test/cat/copied.png = train/cat/0.png.",
    )


def test_unequal_classes_are_pointed_out(pets):
    fill(pets, "cat", count=60)
    for number in range(4, 10):
        (pets / f"dog/{number}.png").unlink()
    assert any("classes are unequal" in finding for finding in dataset(f"folder:{pets}").findings())


def test_files_are_read_once_per_process_for_any_number_of_instances(pets, monkeypatch):
    first = dataset(f"folder:{pets}").fingerprint()
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"read {path} again"))
    assert dataset(f"folder:{pets}").fingerprint() == first


def test_a_file_that_changes_under_way_is_refused(pets):
    train = dataset(f"folder:{pets}").load("all", "train")
    for path in pets.rglob("*.png"):
        write(path, 4242)
    with pytest.raises(DataError, match="has changed since it was first read"):
        train.inputs[0]


# ---- decoding ----------------------------------------------------------------------------------------------


def served(folder: Path, image: Image.Image, name: str, **options: object) -> tuple[np.ndarray, str]:
    """Return an image as served from a dataset of two classes, and the findings."""
    for label, number in (("odd", 2), ("plain", 4)):
        for split in ("train", "test"):
            write(folder / split / label / "0.png", number + len(split))
    shutil.rmtree(folder / "test" / "odd")
    (folder / "test" / "odd").mkdir()
    image.save(folder / "test" / "odd" / name, **options)
    data = dataset(f"folder:{folder}")
    part = data.load("all", "test")
    (found,) = [example for example, label in zip(part.inputs, part.labels, strict=True) if label == 0]
    return found, " ".join(data.findings())


def test_grey_stays_grey(tmp_path):
    image, findings = served(tmp_path, picture(1, "L"), "a.jpg")
    assert image.shape == (6, 8)
    assert findings == ""


def test_sixteen_bits_are_scaled_from_the_full_range(tmp_path):
    values = np.array([[0, 128, 129, 257], [0x8000, 65407, 65408, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif", "a.pgm"):
        image, findings = served(tmp_path / name, Image.fromarray(values), name)
        assert image.tolist() == [[0, 0, 1, 1], [128, 255, 255, 255]]
        assert findings.endswith(f"16-bit values scaled to 8 from the full range: 1 image (test/odd/{name}).")


def test_transparent_parts_are_laid_on_white_and_grey_with_alpha_stays_grey(tmp_path):
    colour = Image.fromarray(np.array([[[200, 0, 0, 255], [200, 0, 0, 0]]], dtype=np.uint8))
    image, findings = served(tmp_path / "rgba", colour, "a.png")
    assert image.tolist() == [[[200, 0, 0], [255, 255, 255]]]
    assert "laid on white" in findings
    image, _ = served(tmp_path / "la", Image.fromarray(np.array([[[9, 255], [9, 0]]], dtype=np.uint8)), "a.png")
    assert image.tolist() == [[9, 255]]
    image, findings = served(tmp_path / "key", Image.new("L", (2, 2), 7), "a.png", transparency=7)
    assert image.tolist() == [[255, 255], [255, 255]]


@pytest.mark.parametrize(
    ("mode", "name", "shape", "finding"),
    [
        ("1", "a.png", (6, 8), "1-bit images read as grey"),
        ("P", "a.gif", (6, 8, 3), "Palette images"),
        ("P", "a.png", (6, 8, 3), "Palette images"),
        ("CMYK", "a.jpg", (6, 8, 3), "CMYK images"),
        ("RGB", "a.webp", (6, 8, 3), ""),
        ("RGB", "a.bmp", (6, 8, 3), ""),
        ("RGB", "a.ppm", (6, 8, 3), ""),
        ("RGB", "A.TIFF", (6, 8, 3), ""),
        ("RGB", "a.JPEG", (6, 8, 3), ""),
    ],
)
def test_every_kind_of_image_is_served_as_grey_or_rgb(tmp_path, mode, name, shape, finding):
    image, findings = served(tmp_path, picture(3).convert(mode), name)
    assert (image.shape, image.dtype) == (shape, np.uint8)
    assert finding in findings
    assert bool(findings) == bool(finding)


def test_the_first_frame_of_an_animation_is_served(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    image, findings = served(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert image[0, 0].tolist() == [255, 0, 0]
    assert "first frame or page" in findings


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_exif_orientation_is_applied_once(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    image, findings = served(tmp_path, picture(5), name, exif=exif)
    assert image.shape == (8, 6, 3)
    assert "EXIF orientation applied" in findings


def test_a_header_of_the_wrong_extension_is_read_for_what_it_is(tmp_path):
    image, _ = served(tmp_path, picture(6), "a.jpg", format="PNG")
    assert np.array_equal(image, np.asarray(picture(6)))


def test_a_damaged_exif_block_does_not_matter(tmp_path):
    image, _ = served(tmp_path, picture(7), "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\0\1")
    assert image.shape == (6, 8, 3)


# ---- reading from threads and processes --------------------------------------------------------------------


def test_a_zip_is_read_by_threads_and_forked_processes_at_once(pets, tmp_path):
    inputs = dataset(f"zip:{packed(pets, tmp_path / 'pets.zip')}").load("all", "train").inputs
    expected = [image.tobytes() for image in inputs]
    with ThreadPoolExecutor(4) as pool:
        assert [image.tobytes() for image in pool.map(inputs.__getitem__, [*range(14)] * 5)] == expected * 5
    assert [image.tobytes() for image in pickle.loads(pickle.dumps(inputs))] == expected
    if "fork" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=_compare, args=(inputs, expected)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0, 0]


def _compare(inputs, expected):
    for _ in range(5):
        assert [image.tobytes() for image in inputs] == expected


# ---- what is refused ---------------------------------------------------------------------------------------


def complaint(spec: str) -> str:
    """Return the one line with which a dataset is refused, or nothing where every example can be read."""
    try:
        data = dataset(spec)
        data.fingerprint()
        for domain in data.domains:
            for split in data.splits(domain):
                list(data.load(domain, split).inputs)
    except DataError as error:
        return str(error)
    return ""


def refused(spec: str) -> str:
    line = complaint(spec)
    assert line
    assert line.isprintable()
    return line


def test_a_missing_path_names_a_near_one(pets):
    assert "does not exist. Did you mean 'pets'?" in refused(f"folder:{pets.parent}/pet")
    assert "parent" in refused(f"folder:{pets.parent}/nowhere/pets")


def test_a_path_of_another_kind_says_what_to_write(pets, tmp_path):
    archive = packed(pets, tmp_path / "pets.zip")
    assert f"Write zip:{archive}" in refused(f"folder:{archive}")
    assert f"Write folder:{pets}" in refused(f"zip:{pets}")
    assert "write zip:PATH" in refused(f"npz:{archive}")
    np.savez(tmp_path / "a.npz", X=np.zeros(1))
    assert "Write npz:" in refused(f"zip:{tmp_path / 'a.npz'}")


def _remove_classes(pets: Path) -> None:
    shutil.rmtree(pets / "train/dog")
    shutil.rmtree(pets / "test/dog")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda pets: shutil.rmtree(pets / "train") or shutil.rmtree(pets / "test"), "is empty"),
        (_remove_classes, "holds one class folder only, 'cat'"),
        (lambda pets: shutil.rmtree(pets / "train"), "no train folder beside test/"),
        (lambda pets: fill(pets / "test", "cow", count=1), "class 'cow' is in test (with 'test/cow/0.png') but not in"),
        (lambda pets: fill(pets / "train", "cow", count=1), "class 'cow' is in train"),
        (lambda pets: fill(pets / "val", "cow", "dog", count=1), "class 'cow' is in val"),
        (lambda pets: (pets / "train/cow").mkdir(), "class folder 'cow' holds no images"),
        (lambda pets: fill(pets, "cow"), "folder 'cow' stands beside split folders (test/, train/)"),
        (lambda pets: fill(pets / "Training", "cat", "dog"), "two folders for one split"),
        (lambda pets: (pets / "train/cat/notes.txt").write_text("x"), "no supported image: train/cat/notes.txt"),
        (lambda pets: (pets / "train/cat/a.jpg").write_bytes(b""), "zero bytes: train/cat/a.jpg"),
        (lambda pets: (pets / "train/cat/a.jpg").write_text("<html>"), "train/cat/a.jpg (not an image"),
        (lambda pets: (pets / "train/cat/a.jpg").symlink_to("nowhere"), "'train/cat/a.jpg' is a link to nothing"),
        (lambda pets: (pets / "train/cat/loop").symlink_to(pets / "train"), "'train/cat/loop' leads back"),
        (lambda pets: os.mkfifo(pets / "train/cat/a.png"), "'train/cat/a.png' is no regular file"),
        (lambda pets: (pets / "train/a\nb").mkdir() or write(pets / "train/a\nb/0.png", 1), "cannot be printed"),
    ],
)
def test_a_folder_that_is_no_dataset_is_refused_in_one_line(divided_pets, spoil, message):
    spoil(divided_pets)
    assert message in refused(f"folder:{divided_pets}")


def test_images_without_class_folders_are_refused(tmp_path):
    write(tmp_path / "0.png", 1)
    assert "holds 1 image but no class folders" in refused(f"folder:{tmp_path}")


def test_a_class_of_one_image_cannot_be_split(pets):
    write(pets / "cow" / "0.png", 1)
    assert "class 'cow' has one distinct image only" in refused(f"folder:{pets}")


def test_domains_that_are_none_or_were_forgotten_are_refused(pets, divided_pets, tmp_path):
    assert "'cat' has no class folders, so it is no domain" in refused(f"folder:{fill(tmp_path / 'p', 'cat')}?domains")
    shutil.rmtree(pets / "cat")
    shutil.rmtree(pets / "dog")
    assert "Leave ?domains away" in refused(f"folder:{divided_pets}?domains")
    shutil.copytree(divided_pets, tmp_path / "art" / "photo")
    shutil.copytree(divided_pets, tmp_path / "art" / "sketch")
    assert "'photo' holds train and test folders, so it is a domain" in refused(f"folder:{tmp_path / 'art'}")


def test_domains_must_agree_in_their_classes(tmp_path):
    fill(tmp_path / "photo", "cat", "dog")
    fill(tmp_path / "sketch", "cat", "Dog")
    text = refused(f"folder:{tmp_path}?domains")
    assert "domain 'photo' has the class 'dog' and domain 'sketch' has not. Did you mean 'Dog'?" in text


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif", "a.bmp", "a.ppm"])
def test_a_truncated_image_is_refused_by_name_wherever_it_was_cut(divided_pets, name):
    path = write(divided_pets / "test/dog" / name, 9, size=(40, 30))
    whole = path.read_bytes()
    for kept in (3, 20, len(whole) // 4, len(whole) // 2, len(whole) * 9 // 10):
        path.write_bytes(whole[:kept])
        assert f"test/dog/{name}" in refused(f"folder:{divided_pets}")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.webp", "a.tif", "a.bmp", "a.pgm"])
def test_damaged_bytes_give_an_image_or_a_data_error_and_nothing_else(divided_pets, name):
    path = write(divided_pets / "test/dog" / name, 9, mode="L", size=(20, 20))
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(whole)
        for position in generator.integers(0, min(len(whole), 200), 4):
            damaged[position] = generator.integers(256)
        path.write_bytes(damaged)
        line = complaint(f"folder:{divided_pets}")
        assert not line or f"test/dog/{name}" in line


def test_absurdly_large_images_are_refused_before_they_are_decoded(divided_pets):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    (divided_pets / "test/dog/a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    assert "test/dog/a.png (more than 178,956,970 pixels)" in refused(f"folder:{divided_pets}")


def test_values_without_a_known_range_are_refused(divided_pets):
    Image.fromarray(np.ones((4, 4), dtype=np.float32)).save(divided_pets / "test/dog/a.tif")
    assert "floating-point" in refused(f"folder:{divided_pets}")


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root, or Windows, may read everything")
def test_an_unreadable_file_is_refused_by_name(pets):
    (pets / "cat/0.png").chmod(0)
    assert "cannot read 'cat/0.png': Permission denied" in refused(f"folder:{pets}")


# ---- archives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/etc/a.png", "../a.png", "cat/../../a.png", "..\\a.png", "C:\\a.png"])
def test_a_member_that_points_outside_is_refused(pets, tmp_path, name):
    archive = packed(pets, tmp_path / "pets.zip")
    with zipfile.ZipFile(archive, "a") as target:
        target.writestr(name, b"x")
    assert "points outside of the archive" in refused(f"zip:{archive}")


def test_damaged_encrypted_linked_and_exploding_archives_are_refused(pets, tmp_path):
    archive = packed(pets, tmp_path / "pets.zip")
    whole = archive.read_bytes()
    spoilt = tmp_path / "spoilt.zip"

    def text(data: bytes) -> str:
        spoilt.write_bytes(data)
        return refused(f"zip:{spoilt}")

    assert "is not a zip archive, or cut off" in text(whole[: len(whole) // 2])
    assert "is not a zip archive" in text(b"hello")
    position = whole.index(b"IDAT")
    assert "cannot be unpacked" in text(whole[:position] + b"XXXX" + whole[position + 4 :])
    central = whole.index(b"PK\x01\x02")
    assert "is encrypted" in text(whole[: central + 8] + b"\x01" + whole[central + 9 :])
    with zipfile.ZipFile(spoilt, "w") as target:
        link = zipfile.ZipInfo("cat/0.png")
        link.external_attr = 0o120777 << 16
        target.writestr(link, "/etc/passwd")
    assert "is a symbolic link" in refused(f"zip:{spoilt}")
    start = whole.rindex(b"PK\x01\x02")
    claimed = whole[: start + 24] + struct.pack("<I", 2**32 - 2) + whole[start + 28 :]
    assert "zip bomb" in text(claimed)


# ---- numpy archives ----------------------------------------------------------------------------------------


IMAGES = np.random.default_rng(0).integers(0, 256, (40, 5, 6), dtype=np.uint8)
LABELS = np.tile([3, 7], 20)


def saved(path: Path, **arrays: object) -> str:
    np.savez(path / "a.npz", **arrays)
    return f"npz:{path / 'a.npz'}"


def test_arrays_with_splits_keep_them(tmp_path):
    spec = saved(
        tmp_path, x_train=IMAGES[:20], y_train=LABELS[:20], X_test=IMAGES[20:30], Y_test=LABELS[20:30],
        x_val=IMAGES[30:], y_val=LABELS[30:, None], extra=np.zeros(3),
    )  # fmt: skip
    data = dataset(spec)
    assert (data.classes, data.splits("all")) == (("3", "7"), ("train", "test", "val"))
    assert [len(data.load("all", split)) for split in data.splits("all")] == [20, 10, 10]
    assert sorted(contents(data)["test"]) == sorted(
        (image.tobytes(), str(label)) for image, label in zip(IMAGES[20:30], LABELS[20:30], strict=True)
    )
    assert data.findings() == ("Arrays passed over: 1 (extra).",)
    with pytest.raises(ParameterError, match="has no parameter 'domains'"):
        dataset(spec + "?domains")


@pytest.mark.parametrize("keys", ["X y", "images labels", "data labels", "data target"])
def test_arrays_without_splits_are_split_by_content_in_any_order(tmp_path, keys):
    image, label = keys.split()
    one = dataset(saved(tmp_path, **{image: IMAGES, label: LABELS}))
    order = np.random.default_rng(1).permutation(40)
    (tmp_path / "b").mkdir()
    two = dataset(saved(tmp_path / "b", **{image: IMAGES[order], label: LABELS[order]}))
    assert [len(one.load("all", split)) for split in ("train", "test")] == [28, 12]
    assert contents(one) == contents(two)
    assert one.fingerprint() == two.fingerprint()


@pytest.mark.parametrize("names", [np.array(["owl", "ant"]), np.array([b"owl", b"ant"])])
def test_names_give_the_order_of_classes_to_integers_and_strings(tmp_path, names):
    for labels in (LABELS // 7, np.array(["owl", "ant"])[LABELS // 7]):
        data = dataset(saved(tmp_path, X=IMAGES, y=labels, class_names=names))
        assert data.classes == ("owl", "ant")
        assert (IMAGES[0].tobytes(), "owl") in [example for part in contents(data).values() for example in part]
    assert dataset(saved(tmp_path, X=IMAGES, y=np.array(["owl", "ant"])[LABELS // 7])).classes == ("ant", "owl")


@pytest.mark.parametrize(
    ("images", "expected", "finding"),
    [
        (IMAGES.astype(np.int64), IMAGES, ""),
        (IMAGES[..., None], IMAGES, ""),
        (IMAGES[:, None], IMAGES, ""),
        (np.stack([IMAGES] * 3, 1), np.stack([IMAGES] * 3, -1), ""),
        (IMAGES / 255, IMAGES, "floats from 0 to 1"),
        (IMAGES / np.float32(127.5) - 1, IMAGES, "floats from -1 to 1"),
        (IMAGES.astype(np.float16), IMAGES, "floats from 0 to 255"),
        (IMAGES.astype(np.uint16) * 257, IMAGES, "16-bit"),
        (IMAGES * 0.031 - 3, IMAGES, "stretched"),
        (IMAGES > 127, (IMAGES > 127) * np.uint8(255), "booleans"),
        (np.stack([IMAGES] * 3 + [np.full_like(IMAGES, 255)], -1), np.stack([IMAGES] * 3, -1), "alpha"),
    ],
)
def test_arrays_of_other_types_and_shapes_are_converted_as_documented(tmp_path, images, expected, finding):
    data = dataset(saved(tmp_path, x_train=images, y_train=LABELS, x_test=images[:4], y_test=LABELS[:4]))
    train = {image.tobytes() for image in data.load("all", "train").inputs}
    assert train == {image.tobytes() for image in expected}
    assert finding in " ".join(data.findings())


def test_dark_arrays_are_pointed_out(tmp_path):
    assert any("are dark" in text for text in dataset(saved(tmp_path, X=IMAGES // 16, y=LABELS)).findings())


NAN = np.where(np.arange(40) == 3, np.nan, LABELS)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": IMAGES}, "has no training images among its arrays (a)"),
        ({"x_train": IMAGES}, "has 'x_train' but no 'y_train'"),
        ({"x_test": IMAGES, "y_test": LABELS}, "has no training images"),
        ({"X": IMAGES, "y": LABELS[:-1]}, "lengths differ"),
        ({"X": IMAGES.reshape(40, 30), "y": LABELS}, "has the shape (40, 30). Reshape it to (N, H, W)"),
        ({"X": np.zeros((40, 3, 9, 3)), "y": LABELS}, "which axis is that of the channels cannot be told"),
        ({"X": np.zeros((40, 9, 9, 9)), "y": LABELS}, "which axis is that of the channels cannot be told"),
        ({"X": IMAGES[:0], "y": LABELS[:0]}, "no image"),
        ({"X": IMAGES * np.nan, "y": LABELS}, "'X' holds NaN or infinite values"),
        ({"X": IMAGES.astype(str), "y": LABELS}, "no pixel values"),
        ({"X": IMAGES, "y": NAN}, "'y' holds floats with NaN"),
        ({"X": IMAGES, "y": LABELS.astype(float)}, "'y' holds floats, and labels are integers"),
        ({"X": IMAGES, "y": np.eye(2)[LABELS // 7]}, "argmax"),
        ({"X": IMAGES, "y": LABELS * 0}, "has one class only, '0'"),
        ({"X": IMAGES, "y": LABELS.astype(object)}, "'y' holds pickled objects, which could run code"),
        ({"X": IMAGES, "y": LABELS, "classes": np.array(["a", "b"])}, "labels must be 0 to 1"),
        ({"X": IMAGES, "y": LABELS // 7, "classes": np.array(["a", "b", "c"])}, "class 'c' has no images"),
        ({"X": IMAGES, "y": LABELS // 7, "classes": np.array(["a", "a"])}, "stands twice"),
        ({"X": IMAGES, "y": LABELS, "x_train": IMAGES, "y_train": LABELS}, "images both in 'X' and in 'x_train'"),
        ({"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS + 1}, "class '4' is in test"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_dataset_are_refused_in_one_line(tmp_path, arrays, message):
    assert message in refused(saved(tmp_path, **arrays))


def test_a_damaged_numpy_archive_is_refused(tmp_path):
    spec = saved(tmp_path, X=IMAGES, y=LABELS)
    whole = (tmp_path / "a.npz").read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[int(generator.integers(0, 200))] = int(generator.integers(256))
        damaged[int(generator.integers(len(whole) - 200, len(whole)))] = int(generator.integers(256))
        (tmp_path / "a.npz").write_bytes(damaged)
        assert "\n" not in complaint(spec)
    stored = io.BytesIO()
    np.save(stored, IMAGES)
    (tmp_path / "a.npz").write_bytes(stored.getvalue())
    assert "is not a zip archive" in refused(spec)


def test_results_do_not_go_into_the_data(refused, tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(4):
            image = np.full((8, 8), 10 * number + (name == "dog"), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "pets" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path / "pets")
    line = refused("run", "-d", "folder:.", "-s", "nearest-mean", "--budget", "1-shot")
    assert "lies inside the data 'folder:.'" in line
    assert sorted(path.name for path in Path().iterdir()) == ["cat", "dog"]
