"""What `?skip` leaves out, says of it and does not forgive; and what a dataset answers about each example."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError
from tlbench.contract import check_dataset_class, construct_dataset, split_dataset_spec
from tlbench_datasets.arrays.npz import Npz
from tlbench_datasets.folders.folder import Folder
from tlbench_datasets.folders.zip_archive import Zip


def dataset(spec):
    name, place, options = split_dataset_spec(spec)
    return construct_dataset({cls.name: cls for cls in (Folder, Zip, Npz)}[name], place, options)


def encoded(seed: int, kind: str = "PNG", size: tuple[int, int] = (8, 6)) -> bytes:
    target = io.BytesIO()
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(values).save(target, kind)
    return target.getvalue()


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of eight good images each, in a folder."""
    for offset, name in ((0, "cat"), (100, "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(8):
            (tmp_path / "pets" / name / f"{number}.png").write_bytes(encoded(offset + number))
    return tmp_path / "pets"


@pytest.fixture
def spoilt(pets: Path) -> Path:
    """The same with a file of every kind that is no image among them."""
    whole = encoded(50, "JPEG", (64, 64))
    (pets / "cat/cut.jpg").write_bytes(whole[: len(whole) // 2])  # its header is whole
    (pets / "cat/empty.png").write_bytes(b"")
    (pets / "cat/page.jpg").write_text("<html>")
    (pets / "dog/notes.txt").write_text("the third one is Rex")
    (pets / "dog/gone.png").symlink_to("nowhere")
    np.save(pets / "dog/object.npy", np.array([{}]), allow_pickle=True)
    (pets / "README.md").write_text("pets")
    (pets / ".DS_Store").write_text("")
    return pets


BROKEN = {
    "cat/cut.jpg": "damaged: image file is truncated",
    "cat/empty.png": "zero bytes",
    "cat/page.jpg": "not an image, whatever its name says",
    "dog/gone.png": "is a link to nothing",
    "dog/notes.txt": "no supported image",
    "dog/object.npy": "pickled objects",
}


def packed(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(folder.rglob("*")):
            if path.exists():
                target.write(path, path.relative_to(folder))
    return archive


def test_what_is_left_out_is_counted_named_and_explained(spoilt):
    data = dataset(f"folder:{spoilt}?skip")
    assert sum(len(data.load("all", split)) for split in ("train", "test")) == 16
    over = dict(data.passed_over())
    assert set(over) == {*BROKEN, "README.md", ".DS_Store"}
    for path, reason in BROKEN.items():
        assert reason in over[path]
    assert over["README.md"] == "beside the class folders"
    assert over[".DS_Store"] == "hidden or written by a file manager"
    assert "Left out: 6 files (cat/cut.jpg, cat/empty.png, cat/page.jpg and 3 more)." in data.findings()
    assert all(image.shape == (6, 8, 3) for image in data.load("all", "train").inputs)


def test_what_is_left_out_changes_nothing_of_what_is_kept(spoilt, tmp_path):
    tolerant = dataset(f"folder:{spoilt}?skip")
    clean = tmp_path / "clean"
    for path in spoilt.rglob("[0-9].png"):
        (clean / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, clean / path.parent.name)
    plain = dataset(f"folder:{clean}")
    assert tolerant.fingerprint() == plain.fingerprint()
    assert list(tolerant.digests("all", "test")) == list(plain.digests("all", "test"))
    assert dataset(f"folder:{clean}?skip").fingerprint() == plain.fingerprint()
    assert dataset(f"folder:{clean}?skip").passed_over() == ()


def test_a_zip_is_as_tolerant_as_its_folder(spoilt, tmp_path):
    archive = packed(spoilt, tmp_path / "pets.zip")
    data = bytearray(archive.read_bytes())
    position = data.index(b"IDAT")
    data[position : position + 4] = b"XXXX"  # a member whose checksum fails
    archive.write_bytes(data)
    tolerant = dataset(f"zip:{archive}?skip")
    assert sum(len(tolerant.load("all", split)) for split in ("train", "test")) == 15
    reasons = dict(tolerant.passed_over())
    assert "cannot be unpacked" in reasons["cat/0.png"]
    assert {path for path in BROKEN if path != "dog/gone.png"} < set(reasons)


@pytest.mark.parametrize("path", BROKEN)
def test_without_skip_each_of_them_is_refused_and_skip_is_named(spoilt, path):
    for other in BROKEN:
        if other != path:
            (spoilt / other).unlink()
    data = dataset(f"folder:{spoilt}")
    with pytest.raises(DataError, match=r"\?skip") as caught:
        list(data.load("all", "train").inputs) + list(data.load("all", "test").inputs)
    assert path in str(caught.value)
    tolerant = data.tolerant()
    assert [name for name, _ in tolerant.passed_over()] == [path, ".DS_Store", "README.md"]
    assert tolerant.tolerant() is tolerant
    assert tolerant.label == "folder:pets?skip"


def test_a_class_left_empty_is_still_an_error_that_says_what_was_in_it(spoilt):
    for path in (spoilt / "cat").glob("[0-9].png"):
        path.unlink()
    with pytest.raises(DataError, match="class folder 'cat' holds no images: its 3 files are left out, such as 'cat/"):
        dataset(f"folder:{spoilt}?skip").classes  # noqa: B018
    shutil.rmtree(spoilt / "cat")
    (spoilt / "cat").mkdir()
    with pytest.raises(DataError, match=r"class folder 'cat' holds no images\. Add some"):
        dataset(f"folder:{spoilt}?skip").classes  # noqa: B018


def test_a_class_missing_from_a_split_after_skipping_is_an_error(pets, tmp_path):
    for split in ("train", "test"):
        shutil.copytree(pets, tmp_path / "divided" / split)
    for path in (tmp_path / "divided/test/dog").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(
        DataError, match=r"divided': 'test': class folder 'dog' holds no images: its 8 files are left out"
    ):
        dataset(f"folder:{tmp_path / 'divided'}?skip").classes  # noqa: B018


def test_a_note_beside_nested_classes_makes_no_class_of_its_own(tmp_path):
    for name in ("Greek/alpha", "Greek/beta"):
        (tmp_path / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(encoded(100 * len(name) + number))
    (tmp_path / "Greek/notes.txt").write_text("x")
    data = dataset(f"folder:{tmp_path}?nested&skip")
    assert data.classes == ("Greek/alpha", "Greek/beta")
    assert data.passed_over() == (("Greek/notes.txt", "no supported image"),)


def test_floats_are_left_out_unless_a_range_says_how_to_read_them(pets):
    Image.fromarray(np.random.default_rng(1).random((6, 8), dtype=np.float32)).save(pets / "cat/float.tif")
    assert [path for path, _ in dataset(f"folder:{pets}?skip").passed_over()] == ["cat/float.tif"]
    assert dataset(f"folder:{pets}?skip&range=0-255").passed_over() == ()


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root, or Windows, may read everything")
def test_an_unreadable_file_is_left_out(pets):
    (pets / "cat/0.png").chmod(0)
    assert "Permission denied" in dict(dataset(f"folder:{pets}?skip").passed_over())["cat/0.png"]


# ---- answers about each example ----------------------------------------------------------------------------


def test_sources_and_digests_stand_in_the_order_of_load(pets):
    data = dataset(f"folder:{pets}")
    for split in ("train", "test"):
        part = data.load("all", split)
        sources, digests = data.sources("all", split), data.digests("all", split)
        assert len(part) == len(sources) == len(digests) == len(set(digests))
        for image, label, source in zip(part.inputs, part.labels, sources, strict=True):
            assert np.array_equal(image, np.asarray(Image.open(pets / source)))
            assert source.startswith(data.classes[label])
    assert data.groups("all", "train") is None
    with pytest.raises(DataError, match="has no split 'tset'"):
        data.sources("all", "tset")


def test_copies_share_their_digest(pets):
    shutil.copy(pets / "cat/0.png", pets / "cat/copy.png")
    data = dataset(f"folder:{pets}")
    found = [
        dict(zip(data.sources("all", split), data.digests("all", split), strict=True)) for split in ("train", "test")
    ]
    together = found[0] | found[1]
    assert together["cat/0.png"] == together["cat/copy.png"]
    assert len(set(together.values())) == 16


def test_an_npz_names_rows_and_says_what_it_passes_over_and_in_which_order_its_classes_are(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 5, 6), dtype=np.uint8)
    labels = np.arange(20) % 2
    np.savez(tmp_path / "plain.npz", X=images, y=labels, extra=labels)
    np.savez(tmp_path / "named.npz", X=images, y=labels, classes=np.array(["owl", "ant"]))
    plain, named = dataset(f"npz:{tmp_path}/plain.npz"), dataset(f"npz:{tmp_path}/named.npz")
    for source, digest, image in zip(
        plain.sources("all", "train"), plain.digests("all", "train"), plain.load("all", "train").inputs, strict=True
    ):
        assert np.array_equal(images[int(source.removeprefix("X[").removesuffix("]"))], image)
        assert len(digest) == 64
    assert plain.passed_over() == [("extra", "neither images nor labels by its name")]
    assert (plain.class_order, named.class_order, Npz.class_order) == ("sorted", "fixed", "sorted")
    check_dataset_class(Npz)


@pytest.mark.parametrize("kind", ["folder", "zip", "npz"])
def test_a_card_beside_the_data_gives_name_licence_and_citation(pets, tmp_path, kind):
    place = {"folder": pets, "zip": packed(pets, tmp_path / "pets.zip"), "npz": tmp_path / "pets.npz"}[kind]
    np.savez(tmp_path / "pets.npz", X=np.arange(20 * 12, dtype=np.uint8).reshape(20, 3, 4), y=np.arange(20) % 2)
    before = dataset(f"{kind}:{place}")
    assert (before.license, before.label) == ("as stated by the data's owner", f"{kind}:{place.name}")
    card = place / "dataset-card.toml" if kind == "folder" else place.with_name(f"{place.name}.card.toml")
    card.write_text('name = "Pets"\nlicense = "CC0"\nhazards = ["imagenet-1k"]\n')
    data = dataset(f"{kind}:{place}")
    assert (data.label, data.license, data.card.hazards) == ("Pets", "CC0", ("imagenet-1k",))
    assert data.citation == "as stated by the data's owner"
    assert data.fingerprint() == before.fingerprint()
    assert list(data.passed_over()) == []
    assert not any("dataset-card" in finding for finding in data.findings())
