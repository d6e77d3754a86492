"""Images in WebDataset shards: how samples, labels, classes and splits are read, and what is refused."""

import io
import json
import multiprocessing
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError, Dataset
from tlbench.contract import construct_dataset, split_dataset_spec
from tlbench_datasets.folders.folder import Folder
from tlbench_datasets.shards.webdataset import WebDataset


def dataset(spec: object) -> Dataset:
    _, place, options = split_dataset_spec(f"webdataset:{spec}")
    return construct_dataset(WebDataset, place, options)


def encoded(seed: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def pack(path: Path, *members: tuple[str, object]) -> Path:
    """Write a shard of files given by name and content: bytes, text, or what becomes JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as shard:
        for name, content in members:
            text = content if isinstance(content, (bytes, str)) else json.dumps(content)
            data = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    return path


def samples(numbers: range, classes: int = 2, **fields: object) -> list[tuple[str, object]]:
    """Return samples whose class is their number modulo `classes`; fields are functions of the number."""
    members: list[tuple[str, object]] = []
    for number in numbers:
        members.append((f"{number:04}.png", encoded(number)))
        if fields:
            members.append((f"{number:04}.json", {name: value(number) for name, value in fields.items()}))
        else:
            members.append((f"{number:04}.cls", str(number % classes)))
    return members


def contents(data: Dataset, domain: str = "all") -> dict[str, list[tuple[bytes, str]]]:
    parts = {split: data.load(domain, split) for split in data.splits(domain)}
    return {
        split: [(image.tobytes(), data.classes[label]) for image, label in zip(part.inputs, part.labels, strict=True)]
        for split, part in parts.items()
    }


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for part in range(3):
        pack(tmp_path / "digits" / f"part-{part:06}.tar", *samples(range(10 * part, 10 * part + 10)))
    return tmp_path / "digits"


# ---- which shards --------------------------------------------------------------------------------------------


def test_a_shard_a_folder_and_patterns_name_shards(shards):
    assert len(dataset(shards / "part-000000.tar").load("all", "train")) == 6
    whole = dataset(shards)
    assert [len(whole.load("all", split)) for split in ("train", "test")] == [22, 8]
    for pattern in (
        "part-{000000..000002}.tar",
        "part-00000*.tar",
        "part-00000[0-2].tar",
        "part-{000000,000001,000002}.tar",
    ):
        assert contents(dataset(shards / pattern)) == contents(whole)
    assert len(dataset(shards / "part-{000001..000002}.tar").load("all", "train")) == 14


def test_how_samples_are_packed_into_shards_changes_nothing(shards, tmp_path):
    one = pack(tmp_path / "whole.tar", *reversed(samples(range(30))))
    assert dataset(one).fingerprint() == dataset(shards).fingerprint()
    assert contents(dataset(one)) == contents(dataset(shards))


def test_shards_and_a_folder_of_the_same_images_are_the_same_dataset(tmp_path):
    members = samples(range(20), species=lambda number: ("cat", "dog")[number % 2])
    for number in range(20):
        (tmp_path / "pets" / ("cat", "dog")[number % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}.png").write_bytes(encoded(number))
    one, other = dataset(f"{pack(tmp_path / 'a.tar', *members)}?label=species"), Folder(tmp_path / "pets")
    assert one.classes == ("cat", "dog")
    assert one.fingerprint() == other.fingerprint()
    assert contents(one) == contents(other)


@pytest.mark.parametrize(
    "names",
    [
        ("train-000.tar", "validation-000.tar", "test-000.tar"),
        ("train/0.tar", "val/0.tar", "test/0.tar"),
        ("imagenet-train-0.tar", "imagenet-valid-0.tar", "imagenet-testing-0.tar"),
    ],
)
def test_splits_come_from_the_names_of_shards_or_of_their_folders(tmp_path, names):
    for name, numbers in zip(names, (range(8), range(20, 24), range(30, 36)), strict=True):
        pack(tmp_path / name, *samples(numbers))
    data = dataset(tmp_path)
    assert data.splits("all") == ("train", "test", "val")
    assert [len(data.load("all", split)) for split in data.splits("all")] == [8, 6, 4]
    assert data.findings() == ()


def test_val_without_test_stays_validation_and_test_is_taken_from_train(tmp_path):
    pack(tmp_path / "train-0.tar", *samples(range(20)))
    pack(tmp_path / "val-0.tar", *samples(range(20, 24)))
    data = dataset(tmp_path)
    assert [len(data.load("all", split)) for split in ("train", "test", "val")] == [14, 6, 4]
    assert any("chosen by content" in finding for finding in data.findings())


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("part-{000000..000005}.tar", "3 shards of 6 missing: part-000003.tar"),
        ("part-{000005..000001}.tar", "Write the lower number first"),
        ("part-{a..c}.tar", "Write a range such as"),
        ("none-*.tar", "nothing matches"),
        ("part-00000.tar", "Did you mean 'part-00000[0-2].tar'"),
        ("part-{0..99999}{0..99999}.tar", "Narrow the range"),
    ],
)
def test_a_pattern_that_names_too_little_or_too_much_is_refused(shards, spec, words):
    with pytest.raises(DataError, match=words) as caught:
        _ = dataset(shards / spec).classes
    assert "\n" not in str(caught.value)


def test_web_addresses_are_refused(refused):
    assert "Fetch the shards" in refused("plan", "-d", "webdataset:https://example.org/a-{0..3}.tar", "-s", "scratch")


def test_compressed_shards_are_refused_with_the_mend(shards, tmp_path):
    (shards / "part-000003.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DataError, match=r"'part-000003\.tar\.gz' is compressed.*Unpack it to \.tar"):
        _ = dataset(shards).classes
    (shards / "part-000003.tar.gz").rename(shards / "part-000003.tar")
    with pytest.raises(DataError, match=r"shard 'part-000003\.tar' is a gzip file.*Unpack"):
        _ = dataset(shards).classes


def test_shards_that_tell_a_split_beside_shards_that_do_not_are_refused(shards):
    pack(shards / "test-000000.tar", *samples(range(50, 54)))
    with pytest.raises(DataError, match=r"'part-000000\.tar' tells no split by its name, and 'test-000000\.tar' does"):
        _ = dataset(shards).classes
    with pytest.raises(DataError, match=r"shards of test only\. Name those of train too"):
        _ = dataset(shards / "test-000000.tar").classes


# ---- labels and classes ------------------------------------------------------------------------------------------


def test_whole_numbers_are_classes_by_value(tmp_path):
    data = dataset(pack(tmp_path / "a.tar", *samples(range(48), classes=12)))
    assert data.classes == tuple(map(str, range(12)))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("classes.txt", "cat\ndog\nunused\n"),
        ("classnames.txt", "cat\r\ndog\r\nunused\r\n"),
        ("classes.json", '["cat", "dog", "unused"]'),
        ("dataset.json", '{"about": 1, "classes": ["cat", "dog", "unused"]}'),
        ("classes.json", '{"cat": 0, "unused": 2, "dog": 1}'),
        ("classes.json", '{"2": "unused", "0": "cat", "1": "dog"}'),
    ],
)
def test_a_file_beside_the_shards_names_the_classes(shards, file, text):
    (shards / file).write_text(text)
    data = dataset(shards)
    assert data.classes == ("cat", "dog")
    assert any("without a sample left out: 1 (unused)" in finding for finding in data.findings())
    image, name = contents(data)["test"][0]
    at = [Image.open(io.BytesIO(encoded(number))).tobytes() for number in range(30)].index(image)
    assert name == ("cat", "dog")[at % 2]


def test_the_order_of_the_classes_file_is_kept_and_its_place_is_no_identity(shards, tmp_path):
    (tmp_path / "names.txt").write_text("zebra\nant\n")
    data = dataset(f"{shards}?classes={tmp_path}/names.txt")
    assert (data.classes, data.class_order) == (("zebra", "ant"), "fixed")
    assert str(tmp_path) not in str(data.identity)
    assert data.fingerprint() != dataset(shards).fingerprint()


def test_a_dataset_json_about_other_things_is_no_classes_file(shards):
    (shards / "dataset.json").write_text('{"shards": 3}')
    assert dataset(shards).classes == ("0", "1")


def test_labels_are_texts_or_fields_of_json_or_other_files(tmp_path):
    texts = [
        (f"{n}.{kind}", encoded(n) if kind == "png" else ("oak", "elm")[n % 2])
        for n in range(8)
        for kind in ("png", "cls")
    ]
    assert dataset(pack(tmp_path / "a.tar", *texts)).classes == ("elm", "oak")
    fields = samples(range(8), kind=lambda number: number % 2, tree=lambda number: ("oak", "elm")[number % 2])
    data = pack(tmp_path / "b.tar", *fields)
    assert dataset(f"{data}?label=tree").classes == ("elm", "oak")
    assert dataset(f"{data}?label=kind").classes == ("0", "1")
    other = [(name.replace(".cls", ".name.txt"), content) for name, content in texts]
    assert dataset(f"{pack(tmp_path / 'c.tar', *other)}?label=name.txt").classes == ("elm", "oak")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("?label=tre", "no field 'tre'. Did you mean 'tree'"),
        ("", r"has no \.cls\. Write \?label=FIELD; its \.json has: long, tree"),
        ("?label=long", "holds a list, no text"),
    ],
)
def test_a_wrong_field_is_one_line_with_what_there_is(tmp_path, label, words):
    fields = samples(range(8), tree=lambda number: "oak", long=lambda number: [1, 2])
    with pytest.raises(DataError, match=words) as caught:
        _ = dataset(f"{pack(tmp_path / 'b.tar', *fields)}{label}").classes
    assert "\n" not in str(caught.value)
    assert "a.tar" in str(caught.value) or "b.tar" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat\n", "class 1 is beyond classes.txt, which names 1"),
        ("cat\ncat\n", "names a class twice"),
        ("cat\n\ndog\n", "line 2"),
        ("", "holds no names"),
        ("\xff", "is not UTF-8"),
    ],
)
def test_a_bad_classes_file_is_refused(shards, text, words):
    (shards / "classes.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=words):
        _ = dataset(shards).classes


def test_numbers_that_are_names_of_the_classes_file_are_those(tmp_path):
    (tmp_path / "classes.txt").write_text("1\n2\n")
    members = [
        (f"{n}.{kind}", encoded(n) if kind == "png" else str(n % 2 + 1)) for n in range(8) for kind in ("png", "cls")
    ]
    assert dataset(pack(tmp_path / "a.tar", *members)).classes == ("1", "2")


# ---- fields: split, domain, group -------------------------------------------------------------------------------


def test_split_domain_and_group_are_fields_of_json(tmp_path):
    members = samples(
        range(48),
        label=lambda n: n % 2,
        part=lambda n: ("train", "valid", "Test")[n % 8 // 3],
        site=lambda n: ("north", "south")[n >= 24],
        patient=lambda n: n // 4,
    )
    data = dataset(f"{pack(tmp_path / 'a.tar', *members)}?label=label&split=part&domain=site&group=patient")
    assert data.domains == ("north", "south")
    assert data.splits("north") == ("train", "test", "val")
    assert [len(data.load("south", split)) for split in data.splits("south")] == [9, 6, 9]
    assert set(data.groups("north", "train")) <= set(map(str, range(6)))
    assert any("Groups with samples in several splits: 12" in finding for finding in data.findings())


def test_a_group_is_never_parted_by_the_split_that_is_chosen(tmp_path):
    members = samples(range(60), label=lambda n: n % 2, patient=lambda n: f"p{n // 6}")
    archive = pack(tmp_path / "a.tar", *members)
    data = dataset(f"{archive}?label=label&group=patient")
    train, test = (data.groups("all", split) for split in ("train", "test"))
    assert len(train) + len(test) == 60
    assert len(test) == 18
    assert not set(train) & set(test)
    parted = dataset(f"{archive}?label=label")
    assert parted.groups("all", "train") is None
    # The same split without groups would part most of them: the rule above is what keeps them whole.
    patients = {
        digest: group
        for split in ("train", "test")
        for digest, group in zip(data.digests("all", split), data.groups("all", split), strict=True)
    }
    assert {patients[d] for d in parted.digests("all", "train")} & {patients[d] for d in parted.digests("all", "test")}


# ---- samples --------------------------------------------------------------------------------------------------


def test_images_of_several_kinds_and_folders_within_shards(tmp_path):
    kinds = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "PPM": "PPM", "tif": "TIFF"}
    members = []
    for number, (extension, kind) in enumerate(kinds.items()):
        for copy in range(2):
            members += [
                (f"deep/{number}/x{copy}.{extension}", encoded(10 * number + copy, kind)),
                (f"deep/{number}/x{copy}.cls", str(number % 2)),
            ]
    file = io.BytesIO()
    np.save(file, np.zeros((8, 8), np.uint8))
    members += [("a.npy", file.getvalue()), ("a.cls", "0")]
    data = dataset(pack(tmp_path / "a.tar", *members))
    assert sum(len(data.load("all", split)) for split in ("train", "test")) == 13
    assert "a.tar: deep/0/x0.jpg" in [*data.sources("all", "train"), *data.sources("all", "test")]


def test_what_is_done_with_sixteen_bits_is_said_as_for_a_folder(tmp_path):
    members: list[tuple[str, object]] = []
    for number in range(8):
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(number).integers(0, 65536, (8, 8), dtype=np.uint16)).save(file, "PNG")
        members += [(f"{number}.png", file.getvalue()), (f"{number}.cls", str(number % 2))]
    shard = pack(tmp_path / "deep.tar", *members)
    said = {option: " ".join(dataset(f"{shard}{option}").findings()) for option in ("", "?depth=16", "?range=0-4095")}
    assert "16-bit values scaled to 8 from the full range: 8 images" in said[""]
    assert "Values kept at full precision, as uint16." in said["?depth=16"]
    assert "All images hold values from 0 to 4095" in said["?range=0-4095"]
    assert all("scaled to 8" not in said[option] for option in ("?depth=16", "?range=0-4095"))


def test_which_of_several_images_is_meant_is_asked(tmp_path):
    members = [
        (f"{n}.{kind}", encoded(n + (kind == "mask.png") * 100) if "png" in kind or kind == "jpg" else str(n % 2))
        for n in range(8)
        for kind in ("png", "jpg", "mask.png", "cls")
    ]
    archive = pack(tmp_path / "a.tar", *members)
    with pytest.raises(DataError, match=r"several images \(\.jpg, \.png\); write \?image=png"):
        _ = dataset(archive).classes
    plain, mask = dataset(f"{archive}?image=png"), dataset(f"{archive}?image=mask.png")
    assert not set(plain.digests("all", "train")) & set(mask.digests("all", "train"))


def test_hidden_and_nameless_files_are_passed_over_and_named(tmp_path):
    members = [*samples(range(8)), ("README", "text"), ("__meta.json", "{}"), ("._0001.png", "fork")]
    data = dataset(pack(tmp_path / "a.tar", *members))
    assert len(data.load("all", "train")) == 6
    assert [name for name, _ in data.passed_over()] == ["a.tar: README", "a.tar: __meta.json", "a.tar: ._0001.png"]


BROKEN = [
    (("x.png", encoded(900)), "it has no label"),
    (("x.cls", "1"), r"it holds no image, only \.cls"),
    (("x.png", b"no image", "x.cls", "1"), "cannot be read as an image"),
    (("x.png", b"", "x.cls", "1"), r"its \.png has 0 bytes"),
    (("x.png", encoded(900), "x.cls", ""), r"its \.cls is empty"),
    (("x.png", encoded(900), "x.cls", b"\xff\xff"), r"its \.cls is not UTF-8"),
]


@pytest.mark.parametrize(("members", "words"), BROKEN)
def test_a_bad_sample_is_named_with_its_shard_and_left_out_with_skip(tmp_path, members, words):
    bad = list(zip(members[::2], members[1::2], strict=True))
    archive = pack(tmp_path / "part-0.tar", *samples(range(20)), *bad)
    with pytest.raises(DataError, match=words) as caught:
        dataset(archive).fingerprint()
    assert "part-0.tar: x" in str(caught.value)
    assert "?skip" in str(caught.value)
    assert "\n" not in str(caught.value)
    tolerant = dataset(f"{archive}?skip")
    assert len(tolerant.load("all", "train")) == 14
    assert len(tolerant.passed_over()) == 1
    assert tolerant.passed_over()[0][0].startswith("part-0.tar: x")
    assert dataset(archive).tolerant().fingerprint() == tolerant.fingerprint()


def test_a_shard_that_is_cut_off_is_named_and_left_out_with_skip(shards):
    path = shards / "part-000001.tar"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"shard 'part-000001\.tar'.*cut off"):
        dataset(shards).fingerprint()
    tolerant = dataset(f"{shards}?skip")
    assert sum(len(tolerant.load("all", split)) for split in ("train", "test")) == 20
    assert [name for name, _ in tolerant.passed_over()] == ["part-000001.tar"]


def test_one_class_or_a_class_missing_from_a_split_is_refused(tmp_path):
    with pytest.raises(DataError, match="one class only, '0'"):
        _ = dataset(pack(tmp_path / "a.tar", *samples(range(4), classes=1))).classes
    pack(tmp_path / "b" / "train-0.tar", *samples(range(9), classes=3))
    pack(tmp_path / "b" / "test-0.tar", *samples(range(20, 24), classes=2))
    with pytest.raises(DataError, match="1 class of 3 without a test sample: 2"):
        _ = dataset(tmp_path / "b").classes


def test_the_card_beside_the_shards_is_read(shards):
    (shards / "dataset-card.toml").write_text('name = "Two digits"\nlicense = "CC0"\n')
    data = dataset(shards)
    assert (data.label, data.license) == ("Two digits", "CC0")


# ---- threads, processes, runs ------------------------------------------------------------------------------------


def _all(inputs: object) -> list[bytes]:
    return [image.tobytes() for image in inputs]


def test_threads_forks_and_pickled_copies_read_the_same(shards):
    inputs = dataset(shards).load("all", "train").inputs
    expected = _all(inputs)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(_all, [inputs] * 8))
    assert _all(pickle.loads(pickle.dumps(inputs))) == expected
    if "fork" in multiprocessing.get_all_start_methods():
        worker = multiprocessing.get_context("fork").Process(target=_compare, args=(inputs, expected))
        worker.start()
        worker.join(60)
        assert worker.exitcode == 0


def _compare(inputs, expected):
    assert _all(inputs) == expected


def test_indexing_reads_no_image(shards, monkeypatch):
    from tlbench_datasets.shards import samples as module

    read = []
    original = module.read_member
    monkeypatch.setattr(module, "read_member", lambda *args: read.append(args[2]) or original(*args))
    data = dataset(shards)
    assert len(data._told[0]) == 30
    assert {Path(name).suffix for name in read} == {".cls"}


def test_shards_run_to_the_scores_of_the_folder_with_the_same_images(tmp_path, toy, run_suite, suite, fresh_resources):
    (tmp_path / "blobs").mkdir()
    for number in range(20):
        (tmp_path / "blobs" / str(number % 2)).mkdir(exist_ok=True)
        (tmp_path / "blobs" / str(number % 2) / f"{number}.png").write_bytes(encoded(number))
    archive = pack(tmp_path / "shard.tar", *samples(range(20)))
    scores = []
    for name, spec in (("a", f"folder:{tmp_path}/blobs"), ("b", f"webdataset:{archive}")):
        store = run_suite(suite(datasets=(spec,)), fresh_resources, out=name)
        scores.append({record.labels["replicate"]: record.scores for record in store.records()})
    assert scores[0]
    assert scores[0] == scores[1]
