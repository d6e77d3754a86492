"""Datasets in the forms of the Hugging Face library: local folders of three kinds, and the hub out of reach."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError, Dataset
from tlbench.contract import construct_dataset, split_dataset_spec
from tlbench_datasets.folders.folder import Folder
from tlbench_hf.dataset import HuggingFace

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    """Keep the library from the network, from the user's cache and from drawing bars."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    datasets.disable_progress_bars()


def dataset(spec: object, cache: Path | None = None) -> Dataset:
    _, place, options = split_dataset_spec(f"hf:{spec}")
    data = construct_dataset(HuggingFace, place, options)
    if cache is not None:
        cache.mkdir(exist_ok=True)
        object.__setattr__(data, "folder", cache)
        data.prepare(cache)
    return data


def encoded(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def fill(folder: Path, numbers: range) -> Path:
    for number in numbers:
        path = folder / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(number))
    return folder


def table(numbers: range, **columns: object) -> "datasets.Dataset":
    """Return a table of embedded images with a ClassLabel in an order that is not the alphabet's."""
    rows = {
        "image": [{"bytes": encoded(number), "path": None} for number in numbers],
        "label": [number % 2 for number in numbers],
        **{name: [value(number) for number in numbers] for name, value in columns.items()},
    }
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["dog", "cat", "unused"])}
    made = datasets.Dataset.from_dict(rows)
    return made.cast(datasets.Features({**made.features, **kinds}))


def pixels(data: Dataset, domain: str = "all") -> dict[str, list[tuple[bytes, str]]]:
    parts = {split: data.load(domain, split) for split in data.splits(domain)}
    return {
        split: [(image.tobytes(), data.classes[label]) for image, label in zip(part.inputs, part.labels, strict=True)]
        for split, part in parts.items()
    }


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Shards of Parquet, named as the hub names them."""
    folder = tmp_path / "parquet" / "data"
    folder.mkdir(parents=True)
    for split, numbers in (("train", range(20)), ("test", range(30, 36)), ("validation", range(40, 44))):
        table(numbers).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder.parent


# ---- three kinds of folders -----------------------------------------------------------------------------------


def test_an_image_folder_is_the_dataset_that_folder_reads(tmp_path):
    fill(tmp_path / "pets" / "train", range(20))
    fill(tmp_path / "pets" / "test", range(30, 40))
    data, folder = dataset(tmp_path / "pets", tmp_path / "cache"), Folder(tmp_path / "pets")
    assert (data.classes, data.splits("all")) == (("cat", "dog"), ("train", "test"))
    assert data.fingerprint() == folder.fingerprint()
    assert pixels(data) == pixels(folder)


def test_without_a_test_split_the_same_images_are_taken_as_of_a_folder(tmp_path):
    data, folder = dataset(fill(tmp_path / "pets", range(20)), tmp_path / "cache"), Folder(tmp_path / "pets")
    assert [len(data.load("all", split)) for split in ("train", "test")] == [14, 6]
    assert data.fingerprint() == folder.fingerprint()
    assert pixels(data) == pixels(folder)
    assert any("chosen by content" in finding for finding in data.findings())


def test_parquet_shards_keep_their_splits_and_the_order_of_their_classes(parquet, tmp_path):
    data = dataset(parquet, tmp_path / "cache")
    assert (data.classes, data.class_order) == (("dog", "cat"), "fixed")
    assert data.splits("all") == ("train", "test", "val")
    assert [len(data.load("all", split)) for split in data.splits("all")] == [20, 6, 4]
    assert any("without an image left out: 1 (unused)" in finding for finding in data.findings())
    for image, label, source in zip(*vars(data.load("all", "test")).values(), data.sources("all", "test"), strict=True):
        number = 30 + int(source.removeprefix("test[").removesuffix("]"))
        assert label == number % 2
        assert image.tobytes() == Image.open(io.BytesIO(encoded(number))).tobytes()


def test_what_save_to_disk_writes_is_read_with_splits_and_without(tmp_path):
    datasets.DatasetDict(train=table(range(20)), test=table(range(30, 36))).save_to_disk(tmp_path / "both")
    table(range(20)).save_to_disk(tmp_path / "one")
    both, one = dataset(tmp_path / "both"), dataset(tmp_path / "one")
    assert [len(both.load("all", split)) for split in ("train", "test")] == [20, 6]
    assert [len(one.load("all", split)) for split in ("train", "test")] == [14, 6]
    assert both.label == "hf:both"
    assert str(tmp_path) not in str(both.identity)


def test_the_form_does_not_change_the_fingerprint_and_a_pixel_does(parquet, tmp_path):
    splits = {"train": range(20), "test": range(30, 36), "validation": range(40, 44)}
    datasets.DatasetDict({name: table(numbers) for name, numbers in splits.items()}).save_to_disk(tmp_path / "saved")
    assert dataset(tmp_path / "saved").fingerprint() == dataset(parquet, tmp_path / "cache").fingerprint()
    table(range(1, 21)).to_parquet(parquet / "data" / "train-00000-of-00001.parquet")
    assert dataset(tmp_path / "saved").fingerprint() != dataset(parquet, tmp_path / "cache").fingerprint()


def test_bytes_without_a_declared_feature_and_labels_as_texts_or_numbers_are_read(tmp_path):
    import pyarrow
    import pyarrow.parquet

    plain = {
        "img": [{"bytes": encoded(number), "path": f"{number}.png"} for number in range(24)],
        "label": [("oak", "elm")[number % 2] for number in range(24)],
        "size": [number % 12 for number in range(24)],
    }
    (tmp_path / "plain").mkdir()
    pyarrow.parquet.write_table(pyarrow.table(plain), tmp_path / "plain" / "train.parquet")
    assert dataset(tmp_path / "plain", tmp_path / "cache").classes == ("elm", "oak")
    assert dataset(f"{tmp_path / 'plain'}?label=size", tmp_path / "cache").classes == tuple(map(str, range(12)))


# ---- options -----------------------------------------------------------------------------------------------------


def test_splits_are_named_by_the_user_where_they_have_other_names(tmp_path):
    splits = {"train": range(20), "validation": range(30, 36), "extra": range(40, 44)}
    datasets.DatasetDict({name: table(numbers) for name, numbers in splits.items()}).save_to_disk(tmp_path / "d")
    plain, told = dataset(tmp_path / "d"), dataset(f"{tmp_path / 'd'}?test=validation")
    assert [len(plain.load("all", split)) for split in plain.splits("all")] == [14, 6, 6]
    assert told.splits("all") == ("train", "test")
    assert len(told.load("all", "test")) == 6
    assert len(dataset(f"{tmp_path / 'd'}?train=extra&test=train").load("all", "train")) == 4
    assert ("extra", "a split that is not used") in told.passed_over()
    with pytest.raises(DataError, match=r"no split 'validatoin'\. Did you mean 'validation'\?"):
        _ = dataset(f"{tmp_path / 'd'}?test=validatoin").classes


def test_groups_domains_and_further_labels_are_columns(tmp_path):
    made = table(
        range(48),
        patient=lambda number: f"p{number // 4}",
        site=lambda number: ("north", "south")[number >= 24],
        age=lambda number: 10 * (number % 3),
    )
    made.save_to_disk(tmp_path / "d")
    data = dataset(f"{tmp_path / 'd'}?group=patient&domain=site&also=age")
    assert data.domains == ("north", "south")
    train, test = data.groups("north", "train"), data.groups("north", "test")
    assert (len(train) + len(test), set(train) & set(test)) == (24, set())
    column = data.columns("south", "test")["age"]
    assert column.classes == ("0", "10", "20")
    rows = [int(source.removeprefix("train[").removesuffix("]")) for source in data.sources("south", "test")]
    assert column.labels.tolist() == [row % 3 for row in rows]
    assert dataset(tmp_path / "d").groups("all", "train") is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("?image=imgae", r"no column 'imgae' \(\?image\). Did you mean 'image'"),
        ("?image=name", r"holds no images but string\. It has: image \(Image\)"),
        ("?label=labl", "Did you mean 'label'"),
        ("?group=nobody", r"\(\?group\)"),
        ("?label=score", "holds float, no texts or whole numbers"),
        ("?train=nothing", "has no split 'nothing'"),
    ],
)
def test_a_wrong_column_is_one_line_with_what_there_is(tmp_path, options, words):
    table(range(8), name=str, score=lambda number: number + 0.5).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match=words) as caught:
        _ = dataset(f"{tmp_path / 'd'}{options}").classes
    assert "\n" not in str(caught.value)


def test_what_is_in_doubt_is_asked(tmp_path):
    made = table(range(8)).rename_column("label", "fine")
    made = made.add_column("coarse", [0, 1] * 4).cast_column("coarse", datasets.ClassLabel(names=["a", "b"]))
    made.save_to_disk(tmp_path / "d")
    with pytest.raises(
        DataError, match=r"several columns that could be the label\. Write \?label=fine or \?label=coarse"
    ):
        _ = dataset(tmp_path / "d").classes
    assert dataset(f"{tmp_path / 'd'}?label=coarse").classes == ("a", "b")
    made.remove_columns(["fine", "coarse"]).save_to_disk(tmp_path / "none")
    with pytest.raises(DataError, match="no column that is plainly the label"):
        _ = dataset(tmp_path / "none").classes


# ---- rows that cannot be used ----------------------------------------------------------------------------------------


def test_rows_that_cannot_be_used_are_named_and_left_out_with_skip(tmp_path):
    rows = [encoded(number) for number in range(20)] + [b"no image", encoded(50)[:80], encoded(51), None]
    labels = [*(number % 2 for number in range(20)), 0, 1, -1, 1]
    made = datasets.Dataset.from_dict(
        {"image": [row and {"bytes": row, "path": None} for row in rows], "label": labels}
    )
    kinds = datasets.Features({"image": datasets.Image(decode=False), "label": datasets.ClassLabel(names=["a", "b"])})
    made.cast(kinds).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match=r"3 rows cannot be used. The first, train\[20\]: it is no image.*\?skip"):
        dataset(tmp_path / "d").fingerprint()
    tolerant = dataset(f"{tmp_path / 'd'}?skip")
    assert sum(len(tolerant.load("all", split)) for split in ("train", "test")) == 20
    assert [name for name, _ in tolerant.passed_over()] == [f"train[{row}]" for row in (20, 21, 22, 23)]
    assert dataset(tmp_path / "d").tolerant().fingerprint() == tolerant.fingerprint()
    assert any("Rows left out: 4" in finding for finding in tolerant.findings())


def test_a_test_split_with_hidden_labels_is_refused_with_the_way_to_name_another(tmp_path):
    hidden = table(range(30, 34)).remove_columns("label").add_column("label", [-1] * 4)
    hidden = hidden.cast(table(range(2)).features)
    splits = datasets.DatasetDict(train=table(range(20)), validation=table(range(40, 46)), test=hidden)
    splits.save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match=r"test\[0\]: it has no label\. Write \?test=SPLIT"):
        dataset(tmp_path / "d").fingerprint()
    assert len(dataset(f"{tmp_path / 'd'}?test=validation").load("all", "test")) == 6


def test_a_class_that_a_split_lacks_is_named(tmp_path):
    datasets.DatasetDict(train=table(range(8)), test=table(range(30, 36, 2))).save_to_disk(tmp_path / "d")
    with pytest.raises(DataError, match="1 class of 2 without an image in its test split: cat"):
        _ = dataset(tmp_path / "d").classes


# ---- places ------------------------------------------------------------------------------------------------------


def test_a_script_that_comes_with_a_folder_is_never_run(tmp_path):
    folder = fill(tmp_path / "pets", range(8))
    (folder / "pets.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    with contextlib.suppress(DataError):  # which a version of the library that could run it leads to
        dataset(folder, tmp_path / "cache").fingerprint()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("./pest", "is no folder of this machine. Did you mean 'pets'"),
        ("./pets/cat/0.png", "is a file; a folder is needed"),
        ("./empty", "holds no data files"),
        ("a/b/c", "is no folder of this machine.*OWNER/NAME"),
    ],
)
def test_a_wrong_place_is_one_line(tmp_path, monkeypatch, refused, place, words):
    import re

    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "pets", range(8))
    (tmp_path / "empty").mkdir()
    assert re.search(words, refused("plan", "-d", f"hf:{place}", "-s", "linear-probe"))


def test_the_hub_out_of_reach_is_one_line_that_says_how_to_go_on(refused):
    line = refused("plan", "-d", "hf:somebody/flowers", "-s", "linear-probe")
    assert "the hub cannot be reached" in line
    assert "hf download --repo-type dataset somebody/flowers --local-dir DIR; then write hf:DIR" in line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RepositoryNotFoundError", "the hub has no dataset 'somebody/flowers', or it is private"),
        ("GatedRepoError", "asks for an agreement"),
        ("RevisionNotFoundError", "has no revision 'v9'"),
    ],
)
def test_what_the_hub_refuses_is_said_in_one_line(monkeypatch, name, words):
    from huggingface_hub import HfApi, errors

    class Refusal(getattr(errors, name)):
        def __init__(self):
            Exception.__init__(self, "no")

    def refuse(*_, **__):
        raise Refusal

    monkeypatch.setattr(HfApi, "dataset_info", refuse)
    with pytest.raises(DataError, match=words):
        _ = dataset("somebody/flowers?revision=v9").classes


def test_without_the_library_one_line_says_what_to_install(monkeypatch, refused, tmp_path):
    fill(tmp_path / "pets", range(8))
    monkeypatch.setitem(sys.modules, "datasets", None)
    line = refused("plan", "-d", f"hf:{tmp_path / 'pets'}", "-s", "linear-probe")
    assert "pip install 'tlbench[hf]'" in line


def test_a_folder_with_several_configurations_asks_for_one(tmp_path, refused):
    configs = [{"config_name": name, "data_dir": name} for name in ("first", "second")]
    for name in ("first", "second"):
        fill(tmp_path / "pets" / name, range(8))
    (tmp_path / "pets" / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\n")
    line = refused("plan", "-d", f"hf:{tmp_path / 'pets'}", "-s", "linear-probe")
    assert "write ?config=NAME" in line
    assert "first" in line
    assert dataset(f"{tmp_path / 'pets'}?config=second", tmp_path / "cache").classes == ("cat", "dog")


def test_a_run_gives_the_scores_of_the_folder_with_the_same_images(tmp_path, toy, run_suite, suite, fresh_resources):
    fill(tmp_path / "pets", range(20))
    scores = []
    for name in ("folder", "hf"):
        store = run_suite(suite(datasets=(f"{name}:{tmp_path}/pets",)), fresh_resources, out=name)
        scores.append({record.labels["replicate"]: record.scores for record in store.records()})
    assert scores[0]
    assert scores[0] == scores[1]
