"""Images that a table lists: which column is what, splits, groups, embedded images, and what is refused."""

import base64
import csv
import gzip
import io
import json
import multiprocessing
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tlbench import DataError, Dataset, ParameterError
from tlbench.contract import check_classes, check_dataset_class, construct_dataset, split_dataset_spec
from tlbench_datasets import tlbench_datasets
from tlbench_datasets.tables.csv_table import Csv
from tlbench_datasets.tables.parquet_table import Parquet

SPLITS = ("train", "test")
OFFERED = {cls.name: cls for cls in tlbench_datasets()}


def dataset(spec: str) -> Dataset:
    name, place, options = split_dataset_spec(spec)
    return construct_dataset(OFFERED[name], place, options)


def picture(seed: int) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(target, "PNG")
    return target.getvalue()


def photos(folder: Path, count: int = 40) -> list[dict[str, str]]:
    """Write images in four groups of two classes each; return their rows."""
    rows = []
    (folder / "img").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / "img" / f"{number}.png").write_bytes(picture(number))
        rows.append(
            {
                "file": f"img/{number}.png",
                "label": ("cat", "dog")[number % 2],
                "split": "train" if number < 0.6 * count else "test",
                "site": ("east", "west")[number // 2 % 2],
                "patient": f"p{number // 4}",
                "sex": "fm"[number // 2 % 2],
            }
        )
    return rows


def write(path: Path, rows: list[dict], *columns: str, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, columns, delimiter=delimiter, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def counts(data: Dataset, domain: str = "all") -> list[int]:
    return [len(data.load(domain, split)) for split in data.splits(domain)]


def refusal(spec: str, act=lambda data: data.fingerprint()) -> str:
    with pytest.raises(DataError) as caught:
        act(dataset(spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    return photos(tmp_path)


# ---- columns -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Csv, Parquet])
def test_both_are_usable_datasets(cls):
    check_dataset_class(cls)


def test_columns_are_known_by_their_names_and_the_findings_say_so(tmp_path, rows):
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'split', 'sex')}")
    assert (data.classes, data.domains, data.splits("all"), counts(data)) == (
        ("cat", "dog"), ("all",), ("train", "test"), [24, 16],
    )  # fmt: skip
    assert "Columns known by their names: image = 'file', label = 'label', split = 'split'." in data.findings()
    assert any("?also=sex" in finding for finding in data.findings())
    assert data.load("all", "train").labels.dtype == np.int64
    assert data.load("all", "train").inputs[0].shape == (6, 8, 3)
    check_classes(data)


def test_columns_are_named_by_options(tmp_path, rows):
    for row in rows:
        row |= {"photo": row["file"], "animal": row["label"], "set": row["split"]}
    path = write(tmp_path / "a.csv", rows, "photo", "animal", "set", "site", "patient", "sex")
    data = dataset(f"csv:{path}?image=photo&label=animal&split=set&domain=site&group=patient+photo&also=sex")
    assert data.domains == ("east", "west")
    assert counts(data, "east") == [12, 8]
    assert list(data.columns("east", "train")) == ["sex"]
    assert not any("known by" in finding for finding in data.findings())


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        (("file", "label"), "?label=lable", "no column 'lable' (?label). Did you mean 'label'? It has: file, label."),
        (("file", "sex"), "", "Write ?label=COLUMN. It has: file, sex."),
        (("sex", "label"), "", "images (paths or bytes)"),
        (("file", "path", "label"), "", "?image=file or ?image=path"),
        (("file", "label", "patient", "subject"), "", "?group=patient or ?group=subject or ?group=none"),
        (("file", "label"), "?also=label", "both ?label and ?also"),
        (("file", "label"), "?also=sex+hue", "no column 'sex' (?also)"),
    ],
)
def test_a_column_that_is_not_there_or_in_doubt_is_refused(tmp_path, rows, columns, options, words):
    for row in rows:
        row |= {"path": row["file"], "subject": row["patient"]}
    assert words in refusal(f"csv:{write(tmp_path / 'a.csv', rows, *columns)}{options}")


def test_a_table_without_a_header_is_told_apart(tmp_path):
    (tmp_path / "a.csv").write_text("img/1.png,cat\nimg/2.png,dog\n")
    assert "first row must name the columns" in refusal(f"csv:{tmp_path / 'a.csv'}")


def test_an_option_without_its_value_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"\?label needs the name of a column"):
        dataset(f"csv:{tmp_path}?label")


def test_none_leaves_a_known_column_out(tmp_path, rows):
    path = write(tmp_path / "a.csv", rows, "file", "label", "split", "patient")
    data = dataset(f"csv:{path}?split=none&group=none")
    assert counts(data) == [28, 12]
    assert data.groups("all", "train") is None


def test_a_column_may_be_called_by_a_number(tmp_path, rows):
    for row in rows:
        row["2024"] = row["label"]
    assert dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', '2024')}?label=2024").classes == ("cat", "dog")


def test_numbers_of_folds_are_no_splits(tmp_path, rows):
    for number, row in enumerate(rows):
        row["fold"] = str(number % 5)
    assert counts(dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'fold')}")) == [28, 12]
    assert "no split" in refusal(f"csv:{tmp_path / 'a.csv'}?split=fold")


# ---- the text of a CSV file --------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiters_and_a_byte_order_mark_are_read(tmp_path, rows, delimiter, encoding):
    for row in rows:
        row["label"] = {"cat": "Kätzchen", "dog": "dog, big; old"}[row["label"]]
    path = write(tmp_path / "a.csv", rows, "file", "label", delimiter=delimiter, encoding=encoding)
    assert dataset(f"csv:{path}").classes == ("Kätzchen", "dog, big; old")


def test_a_packed_table_is_read_in_place(tmp_path, rows):
    plain = write(tmp_path / "a.csv", rows, "file", "label")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert dataset(f"csv:{tmp_path / 'b.csv.gz'}").fingerprint() == dataset(f"csv:{plain}").fingerprint()
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(plain.read_bytes())[:-20])
    assert "cannot be read after row" in refusal(f"csv:{tmp_path / 'b.csv.gz'}")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        ("file,label\na,b\n".encode("utf-16"), "UTF-16"),
        ("file,label\na.png,K\u00e4fer\n".encode("latin-1"), "byte 0xe4"),
        (b"PK\x03\x04rest", "Excel"),
        (b"PAR1rest", "Write parquet:"),
        (b'file,label\n"a.png,b\n', "row 2 cannot be read"),
        (b"file,label\na.png,b,c\n", "1 row has 3 cells where the header has 2: row 2."),
        (b"file,label\n", "no rows"),
        (b"file,label\nimg/1.png,cat\nimg/2.png,cat\n", "one class only, 'cat'"),
        (b"file,label\nimg/1.png,0.25\nimg/2.png,0.5\n", "measurements"),
        (b"file,label\nhttp://x/1.png,a\nimg/2.png,b\n", "web address"),
        (b"file,label\nimg,a\nimg/2.png,b\n", "no regular file"),
    ],
)
def test_what_is_no_table_of_images_is_refused_in_one_line(tmp_path, rows, content, words):
    (tmp_path / "bad.csv").write_bytes(content)
    assert words in refusal(f"csv:{tmp_path / 'bad.csv'}")


def test_a_missing_table_names_a_near_one(tmp_path, rows):
    write(tmp_path / "labels.csv", rows, "file", "label")
    assert "Did you mean 'labels.csv'?" in refusal(f"csv:{tmp_path / 'label.csv'}")
    assert "Write csv:" in refusal(f"parquet:{tmp_path / 'labels.csv'}")


# ---- paths -------------------------------------------------------------------------------------------------


def test_paths_start_at_the_table_or_at_root_and_may_be_absolute(tmp_path, rows, monkeypatch):
    (tmp_path / "lists").mkdir()
    far = write(tmp_path / "lists" / "a.csv", rows, "file", "label")
    assert f"add ?root={tmp_path}." in refusal(f"csv:{far}")
    monkeypatch.chdir(tmp_path / "lists")
    data = dataset("csv:a.csv?root=..")
    images = data.load("all", "train").inputs
    absolute = [{**row, "file": str(tmp_path / row["file"])} for row in rows]
    same = dataset(f"csv:{write(tmp_path / 'lists' / 'b.csv', absolute, 'file', 'label')}")
    monkeypatch.chdir("/")  # what was opened does not depend on the working folder
    assert images[0].shape == (6, 8, 3)
    assert data.fingerprint() == same.fingerprint()
    assert "root" not in data.label
    assert data.identity == same.identity


def test_backslashes_and_missing_endings_are_completed(tmp_path, rows):
    plain = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label')}").fingerprint()
    for row in rows:
        row["file"] = row["file"].replace("/", "\\").removesuffix(".png")
    assert dataset(f"csv:{write(tmp_path / 'b.csv', rows, 'file', 'label')}").fingerprint() == plain


# ---- the same as folders, whatever the order ---------------------------------------------------------------


def test_a_table_serves_what_the_same_images_in_folders_serve(tmp_path, rows):
    for row in rows:
        target = tmp_path / "tree" / row["split"] / row["label"] / Path(row["file"]).name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tmp_path / row["file"]).read_bytes())
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'split')}")
    folder = dataset(f"folder:{tmp_path / 'tree'}")
    assert data.fingerprint() == folder.fingerprint()
    for split in SPLITS:
        one, other = data.load("all", split), folder.load("all", split)
        assert one.labels.tolist() == other.labels.tolist()
        assert all(np.array_equal(a, b) for a, b in zip(one.inputs, other.inputs, strict=True))
        assert data.digests("all", split) == folder.digests("all", split)


def test_neither_the_order_of_rows_nor_the_names_of_files_matter(tmp_path, rows):
    first = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'patient', 'sex')}?also=sex")
    renamed = []
    for number, row in enumerate(random.Random(0).sample(rows, len(rows))):
        (tmp_path / f"{number}.png").write_bytes((tmp_path / row["file"]).read_bytes())
        renamed.append({**row, "file": f"{number}.png"})
    second = dataset(f"csv:{write(tmp_path / 'b.csv', renamed, 'sex', 'patient', 'label', 'file')}?also=sex")
    assert first.fingerprint() == second.fingerprint()
    for split in SPLITS:
        assert first.groups("all", split) == second.groups("all", split)
        assert first.digests("all", split) == second.digests("all", split)
        assert first.load("all", split).labels.tolist() == second.load("all", split).labels.tolist()


@pytest.mark.parametrize("column", ["label", "split", "patient", "sex"])
def test_the_fingerprint_changes_with_every_value_that_is_used(tmp_path, rows, column):
    columns = ("file", "label", "split", "patient", "sex")
    before = dataset(f"csv:{write(tmp_path / 'a.csv', rows, *columns)}?also=sex").fingerprint()
    swap = {"cat": "dog", "dog": "cat", "train": "test", "test": "train", "f": "m", "m": "f"}
    for row in rows[4:8]:  # a whole patient
        row[column] = swap.get(row[column], "p77")
    assert dataset(f"csv:{write(tmp_path / 'b.csv', rows, *columns)}?also=sex").fingerprint() != before


def test_labels_that_are_numbers_are_sorted_by_value(tmp_path, rows):
    for number, row in enumerate(rows):
        row["label"] = str(number % 2 * 10 + number // 20)
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label')}")
    assert data.classes == ("0", "1", "10", "11")
    check_classes(data)


# ---- splits, domains, groups, further labels ---------------------------------------------------------------


def test_usual_spellings_of_splits_are_read(tmp_path, rows):
    for number, row in enumerate(rows):
        row["split"] = ("Training", "TRAIN", "dev", "validation", "testing")[number // 2 % 5]
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'split')}")
    assert data.splits("all") == ("train", "test", "val")
    assert counts(data) == [16, 8, 16]
    rows[5]["split"] = "tset"
    assert "'tset' in row 7, which is no split. Did you mean 'test'?" in refusal(
        f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'split')}"
    )


def test_val_without_test_stays_validation(tmp_path, rows):
    for row in rows:
        row["split"] = row["split"].replace("test", "val")
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'split')}")
    assert dict(zip(data.splits("all"), counts(data), strict=True)) == {"train": 16, "test": 8, "val": 16}
    assert any("val stays validation" in finding for finding in data.findings())


def test_classes_must_be_in_both_splits_and_in_every_domain(tmp_path, rows):
    rows[0]["label"] = "hen"
    path = write(tmp_path / "a.csv", rows, "file", "label", "split")
    assert "class 'hen' is in train (row 2 (img/0.png)) but not in test" in refusal(f"csv:{path}")
    for row, other in zip(rows[1:4], rows[20:23], strict=True):
        row["label"] = other["label"] = "hen"
    path = write(tmp_path / "a.csv", [row for row in rows if (row["label"], row["site"]) != ("hen", "west")],
                 "file", "label", "site")  # fmt: skip
    assert "domain 'east' has the class 'hen', domain 'west' has not" in refusal(f"csv:{path}?domain=site")


def test_a_group_is_never_on_both_sides(tmp_path, rows):
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'patient')}")
    train, test = data.groups("all", "train"), data.groups("all", "test")
    assert not set(train) & set(test)
    assert (len(train), len(test)) == (28, 12)
    owner = {row["file"]: row["patient"] for row in rows}
    assert train == [owner[source] for source in data.sources("all", "train")]
    assert any("whole groups chosen by content" in finding for finding in data.findings())


@pytest.mark.parametrize("split", ["test", "val"])
def test_splits_that_part_a_group_are_refused(tmp_path, rows, split):
    for row in rows:
        row["split"] = row["split"].replace("test", split)
    rows[1]["split"] = split
    path = write(tmp_path / "a.csv", rows, "file", "label", "split", "patient")
    message = refusal(f"csv:{path}", lambda data: data.classes)  # before any image is read
    assert f"group 'p0' of column 'patient' is in train (row 2) and in {split} (row 3)" in message
    assert "?split=none" in message
    assert "?group=none leaves it out" in message


def test_groups_that_share_an_image_are_one(tmp_path, rows):
    (tmp_path / "img" / "4.png").write_bytes((tmp_path / "img" / "0.png").read_bytes())
    path = write(tmp_path / "a.csv", rows, "file", "label", "patient", "split")
    data = dataset(f"csv:{path}?split=none")
    groups = {**_by_source(data, "train"), **_by_source(data, "test")}
    assert {groups[f"img/{number}.png"] for number in range(8)} == {"p0"}
    assert any("Groups that share an image count as one: 10 names, 9 groups." in each for each in data.findings())
    (tmp_path / "img" / "30.png").write_bytes((tmp_path / "img" / "0.png").read_bytes())
    assert "groups 'p0' in train (row 2 (img/0.png)) and 'p7' in test" in refusal(f"csv:{path}")


def _by_source(data: Dataset, split: str) -> dict[str, str]:
    return dict(zip(data.sources("all", split), data.groups("all", split), strict=True))


def test_several_group_columns_keep_both_together(tmp_path, rows):
    for number, row in enumerate(rows):
        row["scanner"] = f"s{number // 6}"
    data = dataset(
        f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'patient', 'scanner')}?group=patient+scanner"
    )
    side = {source: split for split in ("train", "test") for source in data.sources("all", split)}
    for column in ("patient", "scanner"):
        for name in {row[column] for row in rows}:
            assert len({side[row["file"]] for row in rows if row[column] == name}) == 1


def test_a_group_in_two_domains_is_one_group(tmp_path, rows):
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'patient', 'site')}?domain=site")
    of = {
        split: {name for domain in data.domains for name in data.groups(domain, split)} for split in ("train", "test")
    }
    assert not of["train"] & of["test"]
    assert len(of["train"] | of["test"]) == 10


def test_a_class_of_one_group_is_refused_with_the_way_out(tmp_path, rows):
    for row in rows:
        row["patient"] = "a" if row["label"] == "cat" else row["file"]
    message = refusal(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'patient')}")
    assert "class 'cat' has images of one group only" in message
    assert "Column 'patient' was taken by its name; ?group=none leaves it out." in message


def test_further_columns_hold_labels_beside_the_first(tmp_path, rows):
    data = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label', 'sex', 'site')}?also=sex+site")
    columns = data.columns("all", "test")
    assert {name: column.classes for name, column in columns.items()} == {"sex": ("f", "m"), "site": ("east", "west")}
    told = {row["file"]: row["sex"] for row in rows}
    named = [columns["sex"].classes[label] for label in columns["sex"].labels]
    assert named == [told[source] for source in data.sources("all", "test")]
    assert columns["sex"].labels.dtype == np.int64


# ---- what cannot be used -----------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["file", "label", "split", "patient", "sex"])
def test_rows_with_a_missing_value_are_refused_by_number_or_skipped(tmp_path, rows, column):
    rows[3][column] = rows[7][column] = " "
    path = write(tmp_path / "a.csv", rows, "file", "label", "split", "patient", "sex")
    message = refusal(f"csv:{path}?also=sex")
    assert f"2 rows have no value in column '{column}': row 5, row 9." in message
    data = dataset(f"csv:{path}?also=sex&skip")
    assert sum(counts(data)) == 38
    assert list(data.passed_over()) == [(f"row {n}", f"no value in column '{column}'") for n in (5, 9)]


def test_images_that_cannot_be_read_are_refused_or_skipped_with_reasons(tmp_path, rows):
    (tmp_path / "img" / "3.png").write_bytes(b"no image")
    (tmp_path / "img" / "4.png").write_bytes(picture(4)[:100])  # found when it is decoded
    (tmp_path / "img" / "5.png").unlink()
    path = write(tmp_path / "a.csv", rows, "file", "label")
    assert "1 of 40 images cannot be opened: img/5.png (does not exist)" in refusal(f"csv:{path}")
    write(tmp_path / "b.csv", rows[:5] + rows[6:], "file", "label")
    assert "cannot be read as an image: img/3.png" in refusal(f"csv:{tmp_path / 'b.csv'}")
    strict = dataset(f"csv:{path}")
    data = strict.tolerant()
    assert sum(counts(data)) == 37
    left = dict(data.passed_over())
    assert list(left) == ["row 5 (img/3.png)", "row 6 (img/4.png)", "row 7 (img/5.png)"]
    assert "not an image" in left["row 5 (img/3.png)"]
    assert "does not exist" in left["row 7 (img/5.png)"]
    assert any("Rows left out: 3" in finding for finding in data.findings())
    assert data.tolerant() is data


# ---- images within the table -------------------------------------------------------------------------------


def embedded(tmp_path: Path, rows: list[dict], name: str = "a.parquet", **columns: object) -> Path:
    values = {"image": [(tmp_path / row["file"]).read_bytes() for row in rows], "label": [row["label"] for row in rows]}
    parquet.write_table(pa.table({**values, **columns}), tmp_path / name, row_group_size=7)
    return tmp_path / name


def test_every_way_to_hold_images_serves_the_same(tmp_path, rows):
    files = [row["file"] for row in rows]
    data = [(tmp_path / file).read_bytes() for file in files]
    plain = dataset(f"csv:{write(tmp_path / 'a.csv', rows, 'file', 'label')}")
    pair = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds = {
        "bytes": data,
        "large": pa.array(data, pa.large_binary()),
        "dictionary": pa.array(files).dictionary_encode(),
        "paths": files,
        "pairs": pa.array([{"bytes": each, "path": "x.png"} for each in data], pair),
        "links": pa.array([{"bytes": None, "path": file} for file in files], pair),
        "mixed": pa.array(
            [{"bytes": each, "path": None} if n % 3 else {"bytes": None, "path": file}
             for n, (each, file) in enumerate(zip(data, files, strict=True))], pair,
        ),
    }  # fmt: skip
    specs = [f"parquet:{embedded(tmp_path, rows, f'{name}.parquet', image=kind)}" for name, kind in kinds.items()]
    for number, row in enumerate(rows):
        text = base64.b64encode(data[number]).decode()
        row["image"] = f"data:image/png;base64,{text}" if number % 2 else text
    specs.append(f"csv:{write(tmp_path / 'b.csv', rows, 'image', 'label')}")
    for spec in specs:
        other = dataset(spec)
        assert other.fingerprint() == plain.fingerprint(), spec
        for split in SPLITS:
            one, two = plain.load("all", split).inputs, other.load("all", split).inputs
            assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True)), spec
    assert dataset(specs[0]).sources("all", "test")[0].startswith("row ")


def test_names_of_hugging_face_labels_are_used(tmp_path, rows):
    path = embedded(tmp_path, rows, label=[n % 2 for n in range(40)])
    feature = {"info": {"features": {"label": {"names": ["zebra", "ant"], "_type": "ClassLabel"}}}}
    table = parquet.read_table(path).replace_schema_metadata({"huggingface": json.dumps(feature)})
    parquet.write_table(table, path)
    data = dataset(f"parquet:{path}")
    assert data.classes == ("ant", "zebra")
    row = int(data.sources("all", "test")[0].split()[1])
    assert data.classes[data.load("all", "test").labels[0]] == ("zebra", "ant")[row % 2]


def test_whole_numbers_beside_gaps_stay_whole(tmp_path, rows):
    labels = [float(n % 3) if n != 5 else None for n in range(40)]
    path = embedded(tmp_path, rows, label=labels)
    assert "1 row has no value in column 'label': row 5." in refusal(f"parquet:{path}")
    assert dataset(f"parquet:{path}?skip").classes == ("0", "1", "2")


def test_shards_in_a_folder_are_one_table_and_their_names_may_say_the_split(tmp_path, rows):
    (tmp_path / "some").mkdir()
    (tmp_path / "data").mkdir()
    embedded(tmp_path, rows[:20], "some/0.parquet")
    embedded(tmp_path, rows[20:], "some/1.parquet")
    assert counts(dataset(f"parquet:{tmp_path / 'some'}")) == [28, 12]
    embedded(tmp_path, rows[:30], "data/train-00000-of-00001.parquet")
    embedded(tmp_path, rows[30:], "data/validation-00000-of-00001.parquet")
    data = dataset(f"parquet:{tmp_path / 'data'}")
    assert dict(zip(data.splits("all"), counts(data), strict=True)) == {"train": 22, "test": 8, "val": 10}
    assert any("names of the Parquet files" in finding for finding in data.findings())
    assert data.sources("all", "val")[0].startswith("validation-00000-of-00001.parquet row ")
    parquet.write_table(pa.table({"image": [b"x"], "sort": ["a"]}), tmp_path / "some" / "2.parquet")
    assert "'2.parquet' lacks the column 'label'" in refusal(f"parquet:{tmp_path / 'some'}")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image": [[1, 2]] * 40}, "holds list"),
        ({"label": [[1]] * 40}, "not one number or text per row"),
        ({"label": [n / 8 for n in range(40)]}, "measurements"),
        ({"image": [b"x"] * 40}, "40 files cannot be read as an image: row 0"),
    ],
)
def test_parquet_columns_of_no_use_are_refused(tmp_path, rows, columns, words):
    assert words in refusal(f"parquet:{embedded(tmp_path, rows, **columns)}")


def test_a_damaged_parquet_file_is_refused(tmp_path, rows):
    path = embedded(tmp_path, rows)
    path.write_bytes(path.read_bytes()[:-50])
    assert "no Parquet file, or cut off" in refusal(f"parquet:{path}")
    (tmp_path / "empty").mkdir()
    assert "no *.parquet files" in refusal(f"parquet:{tmp_path / 'empty'}")


def test_embedded_images_are_copied_out_once_and_read_in_any_order_by_threads(tmp_path, rows, monkeypatch):
    from tlbench_datasets.tables.parquet_shard import Shard

    passes = []
    whole = Shard.images
    monkeypatch.setattr(Shard, "images", lambda self, image: passes.append(image) or whole(self, image))
    data = dataset(f"parquet:{embedded(tmp_path, rows)}")
    images = data.load("all", "train").inputs
    expected = [image.tobytes() for image in images]
    order = random.Random(0).sample(range(28), 28) * 5
    with ThreadPoolExecutor(8) as pool:
        assert [image.tobytes() for image in pool.map(images.__getitem__, order)] == [expected[at] for at in order]
    assert passes == ["image"]
    assert [image.tobytes() for image in pickle.loads(pickle.dumps(images))] == expected


def _first_bytes(images, target):
    target.put([images[at].tobytes() for at in range(5)])


def test_a_forked_process_reads_the_same_images(tmp_path, rows):
    images = dataset(f"parquet:{embedded(tmp_path, rows)}").load("all", "train").inputs
    expected = [images[at].tobytes() for at in range(5)]
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=_first_bytes, args=(images, answers)) for _ in range(2)]
    for child in children:
        child.start()
    found = [answers.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
    assert found == [expected] * 2


def test_a_table_that_changes_after_it_was_read_is_noticed(tmp_path, rows):
    path = write(tmp_path / "a.csv", rows, "file", "label")
    images = dataset(f"csv:{path}").load("all", "train").inputs
    for row in rows:
        (tmp_path / row["file"]).write_bytes(picture(999))
    with pytest.raises(DataError, match="has changed since it was first read"):
        images[0]


def test_a_long_table_of_paths_opens_without_reading_an_image(tmp_path):
    with (tmp_path / "a.csv").open("w") as file:
        file.write("file,label,split,patient\n")
        for number in range(50_000):
            file.write(f"img/{number}.png,c{number % 10},{'test' if number % 3 == 0 else 'train'},p{number}\n")
    data = dataset(f"csv:{tmp_path / 'a.csv'}")
    assert (len(data.classes), data.splits("all")) == (10, ("train", "test"))


def test_depth_and_range_reach_the_decoder(tmp_path):
    rows = []
    for number in range(8):
        values = np.random.default_rng(number).integers(0, 4096, (6, 6), dtype=np.uint16)
        Image.fromarray(values).save(tmp_path / f"{number}.png")
        rows.append({"file": f"{number}.png", "label": "ab"[number % 2]})
    path = write(tmp_path / "a.csv", rows, "file", "label")
    eight, sixteen, ranged = (dataset(f"csv:{path}{options}") for options in ("", "?depth=16", "?range=0-4095"))
    kinds = [data.load("all", "train").inputs[0].dtype for data in (eight, sixteen, ranged)]
    assert [str(kind) for kind in kinds] == ["uint8", "uint16", "float32"]
    assert len({data.fingerprint() for data in (eight, sixteen, ranged)}) == 3
    with pytest.raises(ParameterError, match="range"):
        dataset(f"csv:{path}?range=9-1")


def test_the_card_beside_a_table_names_it(tmp_path, rows):
    path = write(tmp_path / "a.csv", rows, "file", "label")
    assert dataset(f"csv:{path}").label == "csv:a.csv"
    (tmp_path / "dataset-card.toml").write_text('name = "Zoo"\nlicense = "CC0"')
    assert (dataset(f"csv:{path}").label, dataset(f"csv:{path}").license) == ("Zoo", "CC0")
    (tmp_path / "a.csv.card.toml").write_text('name = "Small zoo"\nhazards = ["imagenet-1k"]')
    assert dataset(f"csv:{path}").card.hazards == ("imagenet-1k",)
    assert dataset(f"csv:{path}").label == "Small zoo"


def test_a_table_of_real_flowers_serves_what_their_folder_serves(tmp_path, real_data):
    import zipfile

    with zipfile.ZipFile(real_data / "flowers12" / "flowers12.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::6]
        archive.extractall(tmp_path, names)
    rows = [dict(zip(("split", "label"), name.split("/")[:2], strict=True)) | {"file": name} for name in names]
    data = dataset(f"csv:{write(tmp_path / 'flowers.csv', rows, 'file', 'split', 'label')}")
    (tmp_path / "flowers.csv").rename(tmp_path.parent / "flowers.csv")
    moved = dataset(f"csv:{tmp_path.parent / 'flowers.csv'}?root={tmp_path}")
    assert moved.fingerprint() == dataset(f"folder:{tmp_path}").fingerprint()
    assert data.label == "csv:flowers.csv"
