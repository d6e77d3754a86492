"""Images in tar archives: read as folders and zips are, in place, and hostile or damaged archives refused."""

import io
import multiprocessing
import os
import pickle
import shutil
import subprocess
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError, Dataset
from tlbench.contract import construct_dataset, split_dataset_spec
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench_datasets.folders import tar_unpacking
from tlbench_datasets.folders.folder import Folder
from tlbench_datasets.folders.tar_archive import Tar
from tlbench_datasets.folders.zip_archive import Zip

OFFERED = {cls.name: cls for cls in (Folder, Tar, Zip)}
MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def dataset(spec: str, cache: Path | None = None) -> Dataset:
    name, place, options = split_dataset_spec(spec)
    data = construct_dataset(OFFERED[name], place, options)
    if cache is not None:
        cache.mkdir(exist_ok=True)
        object.__setattr__(data, "folder", cache)
        data.prepare(cache)
    return data


def png(seed: int, *channels: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, *channels), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def fill(folder: Path, count: int = 6, start: int = 0) -> Path:
    for index, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.png").write_bytes(png(start + 100 * index + number, *[3] * (number == 5)))
    return folder


def packed(folder: Path, archive: Path, inside: str = "", **options: object) -> Path:
    mode = next(mode for suffix, mode in reversed(MODES.items()) if archive.name.endswith(suffix))
    with tarfile.open(archive, mode, **options) as target:
        target.add(folder, inside or ".")
    return archive


def member(name: str, **settings: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in settings.items():
        setattr(info, key, value)
    return info


def with_member(archive: Path, info: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(archive, "a") as target:
        info.size = len(data)
        target.addfile(info, io.BytesIO(data))
    return archive


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return fill(tmp_path / "pets")


@pytest.fixture
def pets_tar(pets: Path) -> Path:
    return packed(pets, pets.with_name("pets.tar"))


# ---- one reading for folders, zips and tars -------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MODES)
@pytest.mark.parametrize("inside", ["", "photos/pets"])
def test_a_tar_a_zip_and_a_folder_of_the_same_images_are_the_same_dataset(pets, tmp_path, suffix, inside):
    archive = packed(pets, tmp_path / f"packed{suffix}", inside)
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as target:
        for path in sorted(pets.rglob("*.png")):
            target.write(path, path.relative_to(pets))
    tar = dataset(f"tar:{archive}", tmp_path / "cache")
    for other in (dataset(f"folder:{pets}"), dataset(f"zip:{tmp_path}/pets.zip")):
        assert tar.fingerprint() == other.fingerprint()
        assert (tar.classes, tar.domains, tar.splits("all")) == (other.classes, other.domains, other.splits("all"))
        for split in ("train", "test"):
            one, two = tar.load("all", split), other.load("all", split)
            assert one.labels.tolist() == two.labels.tolist()
            assert [image.tobytes() for image in one.inputs] == [image.tobytes() for image in two.inputs]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_accented_names_are_read_in_every_form_of_tar(tmp_path, form):
    folder = fill(tmp_path / "pets")
    (folder / "cat").rename(folder / "Kätzchen")
    for path in list((folder / "dog").iterdir()):
        path.rename(path.with_name("n" * 90 + path.name))
    data = dataset(f"tar:{packed(folder, tmp_path / 'pets.tar', format=form)}")
    assert data.classes == ("Kätzchen", "dog")
    assert data.fingerprint() == dataset(f"folder:{folder}").fingerprint()


def test_splits_and_domains_are_those_of_folders(tmp_path):
    for domain, start in (("photo", 0), ("sketch", 1000)):
        fill(tmp_path / "all" / domain / "train", start=start)
        fill(tmp_path / "all" / domain / "test", count=2, start=start + 500)
    data = dataset(f"tar:{packed(tmp_path / 'all', tmp_path / 'all.tar')}?domains")
    assert data.domains == ("photo", "sketch")
    assert [len(data.load("sketch", split)) for split in ("train", "test")] == [12, 4]


def test_hidden_members_are_passed_over_and_named(pets_tar):
    with_member(pets_tar, member("./cat/._0.png"), b"resource fork")
    data = dataset(f"tar:{pets_tar}")
    assert len(data.load("all", "train")) == 8
    assert any("cat/._0.png" in finding for finding in data.findings())


def test_scores_of_a_tar_and_a_folder_are_the_same(tmp_path, toy, run_suite, suite, fresh_resources):
    pets = fill(tmp_path / "pets", count=5)
    scores = []
    for name, spec in (("a", f"folder:{pets}"), ("b", f"tar:{packed(pets, tmp_path / 'pets.tgz')}")):
        store = run_suite(suite(datasets=(spec,)), fresh_resources, out=name)
        scores.append({record.labels["replicate"]: record.scores for record in store.records()})
    assert scores[0]
    assert scores[0] == scores[1]


# ---- compressed archives ---------------------------------------------------------------------------------------


def test_a_compressed_tar_is_unpacked_once_as_one_plain_tar_and_again_when_it_changes(pets, tmp_path):
    archive, cache = packed(pets, tmp_path / "pets.tar.gz"), tmp_path / "cache"
    first = dataset(f"tar:{archive}", cache)
    first.fingerprint()
    made = {path: path.stat().st_mtime_ns for path in cache.glob("*.tar")}
    assert len(made) == 1
    assert dataset(f"tar:{archive}", cache).fingerprint() == first.fingerprint()
    assert {path: path.stat().st_mtime_ns for path in cache.glob("*.tar")} == made
    assert not [path for path in cache.iterdir() if path.suffix not in (".tar", ".lock")]
    (pets / "cat" / "new.png").write_bytes(png(77))
    packed(pets, archive)
    second = dataset(f"tar:{archive}", cache)
    assert len(list(cache.glob("*.tar"))) == 2
    assert second.fingerprint() == dataset(f"folder:{pets}").fingerprint() != first.fingerprint()


def test_the_cache_of_a_run_holds_the_unpacked_tar(pets, tmp_path):
    resources = Resources(Catalog(Host()), Cache(tmp_path / "cache"))
    entry = resources.dataset(f"tar:{packed(pets, tmp_path / 'pets.tgz')}")
    assert len(entry.labels("all", "train")) == 8
    assert len(list((tmp_path / "cache" / "datasets").rglob("*.tar"))) == 1


def test_a_plain_tar_is_not_copied(pets_tar, tmp_path):
    dataset(f"tar:{pets_tar}", tmp_path / "cache").fingerprint()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_compressed_tar_that_was_not_prepared_says_so(pets, tmp_path):
    with pytest.raises(DataError, match=r"is compressed\. Call prepare"):
        _ = dataset(f"tar:{packed(pets, tmp_path / 'pets.tgz')}").classes


def test_a_bomb_is_refused_and_leaves_nothing(pets, tmp_path, monkeypatch):
    monkeypatch.setattr(tar_unpacking, "_BOMB_BYTES", 10_000)
    monkeypatch.setattr(tar_unpacking, "_CHUNK", 4_096)
    (pets / "cat" / "zeros.png").write_bytes(bytes(3_000_000))
    archive = packed(pets, tmp_path / "bomb.tar.xz")
    with pytest.raises(DataError, match=r"looks like a bomb"):
        dataset(f"tar:{archive}", tmp_path / "cache")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] in ([], [".lock"])


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_cut_off_compressed_tar_is_refused_and_leaves_nothing(pets, tmp_path, suffix):
    archive = packed(pets, tmp_path / f"pets{suffix}")
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"damaged or cut off .*Copy it again"):
        dataset(f"tar:{archive}", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.tar"))


def test_what_a_killed_process_left_is_cleared_away(pets, tmp_path):
    archive, cache = packed(pets, tmp_path / "pets.tgz"), tmp_path / "cache"
    dataset(f"tar:{archive}", cache)
    made = next(cache.glob("*.tar"))
    made.rename(cache / f".999999-{made.name}")
    dataset(f"tar:{archive}", cache).fingerprint()
    assert [path.name for path in cache.iterdir() if path.suffix == ".tar"] == [made.name]


# ---- strangers' archives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (member("/etc/cat/0.png"), "points outside"),
        (member("cat/../../0.png"), "points outside"),
        (member("C:/cat/0.png"), "points outside"),
        (member("cat/link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a symbolic link"),
        (member("cat/link.png", type=tarfile.LNKTYPE, linkname="cat/0.png"), "is a hard link"),
        (member("cat/device.png", type=tarfile.CHRTYPE), "is a device"),
        (member("cat/pipe.png", type=tarfile.FIFOTYPE), "is a pipe"),
        (member("./cat/0.png"), "is there twice"),
        (member("cat/" + 70 * "a/" + "0.png"), "folders deep"),
        (member("cat/label.cls"), "Write webdataset:"),
    ],
)
def test_hostile_members_are_refused_in_one_line(pets_tar, info, words):
    with pytest.raises(DataError, match=words) as caught:
        _ = dataset(f"tar:{with_member(pets_tar, info)}").classes
    assert "\n" not in str(caught.value)


def test_a_member_of_negative_size_is_refused_instead_of_read_for_ever(pets_tar):
    data = bytearray(pets_tar.read_bytes())
    at = data.index(b"./cat/1.png") if b"./cat/1.png" in data else data.index(b"cat/1.png")
    data[at + 124 : at + 136] = b"\xff" * 4 + (-1024).to_bytes(8, "big", signed=True)
    checksum = sum(data[at : at + 148]) + 8 * 32 + sum(data[at + 156 : at + 512])
    data[at + 148 : at + 156] = b"%06o\0 " % checksum
    pets_tar.write_bytes(data)
    with pytest.raises(DataError, match=r"impossible size|damaged"):
        _ = dataset(f"tar:{pets_tar}").classes


@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_a_tar_that_is_cut_off_is_never_read_as_a_smaller_one(pets_tar, keep):
    data = pets_tar.read_bytes().rstrip(b"\0")
    for length in (int(len(data) * keep), int(len(data) * keep) // 512 * 512):
        pets_tar.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"cut off|damaged"):
            _ = dataset(f"tar:{pets_tar}").classes


def test_a_damaged_header_in_the_middle_is_seen(pets_tar):
    data = bytearray(pets_tar.read_bytes())
    at = data.index(b"cat/3.png")
    data[at + 100] ^= 0xFF
    pets_tar.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        _ = dataset(f"tar:{pets_tar}").classes


def test_joined_tars_are_refused_where_a_reader_would_stop_at_the_first(pets, pets_tar):
    other = packed(fill(pets.with_name("more"), start=900), pets.with_name("more.tar"))
    pets_tar.write_bytes(pets_tar.read_bytes() + other.read_bytes())
    with pytest.raises(DataError, match="goes on after its end mark"):
        _ = dataset(f"tar:{pets_tar}").classes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no archive at all", "is not a tar archive"),
        (b"", "is not a tar archive"),
        (b"PK\x03\x04" + bytes(600), "is a zip file.*Write zip:"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "is a zstd file.*zstd -d"),
        (b"Rar!" + bytes(600), "is a rar file.*folder:"),
    ],
)
def test_other_files_are_told_apart_by_their_bytes(tmp_path, content, words):
    path = tmp_path / "pets.tar"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        _ = dataset(f"tar:{path}", tmp_path / "cache").classes


def test_a_missing_file_gets_a_near_miss_and_a_folder_its_own_spec(pets_tar, refused):
    assert "Did you mean 'pets.tar'?" in refused("plan", "-d", f"tar:{pets_tar.parent}/pet.tar", "-s", "linear-probe")
    assert "Write folder:" in refused("plan", "-d", f"tar:{pets_tar.parent}", "-s", "linear-probe")


# ---- threads, processes, changes ----------------------------------------------------------------------------------


def _sizes(data: Dataset) -> list[bytes]:
    return [image.tobytes() for image in data.load("all", "train").inputs]


def test_threads_forked_processes_and_pickled_copies_read_the_same(pets_tar, tmp_path, monkeypatch):
    data = dataset(f"tar:{os.path.relpath(pets_tar)}")
    expected = _sizes(data)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(lambda _: _sizes(data), range(8)))
    assert _sizes(pickle.loads(pickle.dumps(data))) == expected
    if "fork" in multiprocessing.get_all_start_methods():
        worker = multiprocessing.get_context("fork").Process(target=_compare, args=(data, expected))
        worker.start()
        worker.join(60)
        assert worker.exitcode == 0


def _compare(data, expected):
    assert _sizes(data) == expected


def test_a_tar_that_changes_while_it_is_read_is_noticed(pets, pets_tar):
    data = dataset(f"tar:{pets_tar}")
    images = data.load("all", "train").inputs
    shutil.rmtree(pets)
    packed(fill(pets, start=50), pets_tar)
    with pytest.raises(DataError, match=r"changed|cut off|decoded"):
        list(images)


@pytest.mark.skipif(shutil.which("tar") is None, reason="needs the program tar")
def test_an_archive_of_the_program_tar_is_read(pets, tmp_path):
    subprocess.run(["tar", "-C", pets.parent, "-czf", tmp_path / "made.tar.gz", "pets"], check=True)
    assert (
        dataset(f"tar:{tmp_path}/made.tar.gz", tmp_path / "cache").fingerprint()
        == dataset(f"folder:{pets}").fingerprint()
    )
