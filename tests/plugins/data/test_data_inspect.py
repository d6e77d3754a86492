"""`tlbench data inspect`: what it counts, names and draws, and that a second time gives the same bytes."""

import csv
import io
import re
import threading

import numpy as np
import pytest
from PIL import Image

from tlbench.host import Catalog, Host

HEAD = """
from dataclasses import dataclass
import numpy as np
from tlbench import DataError, Dataset, Labelled, hookimpl
from tlbench.contract.dataset import Card, Column

def noise(*shape, seed=0, dtype=np.uint8, high=255):
    return np.random.default_rng(seed).integers(0, high, shape).astype(dtype)

class Base(Dataset):
    name = "mine"
    classes = ("a", "b")
    each = 6

    def load(self, domain, split):
        labels = np.arange(self.each * len(self.classes)) % len(self.classes)
        return Labelled([self.image(split, row) for row in range(len(labels))], labels)

    def image(self, split, row):
        return noise(16, 20, 3, seed=[row, split == "train"])
"""
TAIL = """

@hookimpl
def tlbench_datasets():
    return [Mine]
"""


@pytest.fixture
def inspected(cli, plugin_file, tmp_path, monkeypatch):
    """Inspect a dataset class written as a plugin file, in an empty folder; return text, page and rows."""

    def inspect(body, *options, spec="mine"):
        monkeypatch.chdir(tmp_path)
        plugin = plugin_file(HEAD + body + TAIL)
        result = cli("data", "inspect", spec, "-p", plugin, "--out", tmp_path / "out", *options)
        assert result.exit_code == 0
        return Inspected(result, tmp_path / "out")

    return inspect


class Inspected:
    def __init__(self, result, folder):
        self.text, self.stderr, self.folder = result.stdout, result.stderr, folder
        self.page = (folder / "index.html").read_text(encoding="utf-8")
        self.rows = list(csv.DictReader(io.StringIO((folder / "examples.csv").read_text(encoding="utf-8"))))

    @property
    def said(self):
        """The text without its line breaks."""
        return " ".join(self.text.split())

    @property
    def sheet(self):
        return np.asarray(Image.open(self.folder / "contact-sheet.png"))


def line_of(text, start):
    return next(line.split() for line in text.splitlines() if line.split()[: len(start.split())] == start.split())


# ---- what is counted ---------------------------------------------------------------------------------------


def test_every_example_is_counted_by_class_split_and_domain(cli, toy, tmp_path):
    result = cli("data", "inspect", "blobs", "-p", toy, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == str(tmp_path / "out" / "index.html")
    assert "240 examples, 4 classes, 2 domains" in result.stdout
    assert line_of(result.stdout, "day")[:4] == ["day", "80", "40", "1:1"]
    assert line_of(result.stdout, "north-west")[:3] == ["north-west", "20", "10"]
    found = Inspected(result, tmp_path / "out")
    assert len(found.rows) == 240
    assert sum(row["domain"] == "night" and row["split"] == "test" for row in found.rows) == 40
    assert {row["size"] for row in found.rows} == {"8x8"}


def test_the_list_holds_the_digests_that_the_dataset_gives(inspected, plugin_file):
    found = inspected("class Mine(Base): pass")
    dataset = Catalog(Host([plugin_file(HEAD + "class Mine(Base): pass" + TAIL)])).dataset("mine")[0]
    assert [row["digest"] for row in found.rows] == [*dataset.digests("all", "train"), *dataset.digests("all", "test")]
    assert [row["source"] for row in found.rows][:2] == ["all/train[0]", "all/train[1]"]


def test_a_second_inspection_writes_the_same_bytes(inspected):
    files = ("examples.csv", "contact-sheet.png", "index.html")
    first = inspected("class Mine(Base): pass")
    before = [(first.folder / name).read_bytes() for name in files]
    second = inspected("class Mine(Base): pass")
    assert [(second.folder / name).read_bytes() for name in files] == before


def test_unequal_and_empty_classes_are_told(inspected):
    found = inspected("""
class Mine(Base):
    classes = ("a", "b", "c")
    def load(self, domain, split):
        labels = np.array([0] * 40 + [1] * 2 + ([2] if split == "train" else []))
        return Labelled([noise(8, 8, seed=[i, split == "test"]) for i in range(len(labels))], labels)
""")
    assert "The classes are unequal in train: 40 of a, 1 of c." in found.said
    assert "ERROR 1 class has no example in test: c." in found.said
    assert "40:1 (training: 1 to 40 in a class)" in found.said


def test_a_budget_is_judged_in_the_words_of_a_plan(inspected):
    found = inspected("class Mine(Base): pass", "--budget", "7-shot", "--budget", "4")
    sentence = (
        "budget 7-shot needs 7 labels per class; class 'a' of the training split of mine has 6. Use 6-shot at most."
    )
    assert sentence in found.said
    assert f"ERROR B{sentence[1:]}" in found.said
    assert line_of(found.text, "7-shot") == ["7-shot", "too", "large", "\N{EN DASH}"]
    assert line_of(found.text, "5-shot") == ["5-shot", "10", "5"]
    assert line_of(found.text, "4") == ["4", "4", "2"]
    assert line_of(found.text, "10%") == ["10%", "1", "0", "to", "1"]


def test_groups_on_both_sides_of_a_split_are_an_error(inspected):
    body = """
class Mine(Base):
    def groups(self, domain, split):
        return [f"patient {row % 4 + (4 if split == 'test' else 0)}" for row in range(12)]
"""
    whole = inspected(body)
    assert "groups 8" in whole.said
    assert "in several splits 0" in whole.said
    assert "ERROR" not in whole.text
    parted = inspected(body.replace("else 0", "else 1"))
    assert "in several splits" in parted.said
    parted = inspected(body.replace("(4 if split == 'test' else 0)", "(1 if split == 'test' else 0)"))
    assert "ERROR 3 groups stand in several splits: patient 1, patient 2, patient 3." in parted.said
    assert parted.rows[0]["group"] == "patient 0"


def test_further_labels_are_counted(inspected):
    found = inspected("""
class Mine(Base):
    def columns(self, domain, split):
        return {"colour": Column(("red", "blue"), np.array([0] * 9 + [1] * 2 + [-1]))}
""")
    assert line_of(found.text, "red")[:3] == ["red", "9", "9"]
    assert line_of(found.text, "blue")[:3] == ["blue", "2", "2"]
    assert line_of(found.text, "(none)")[:3] == ["(none)", "1", "1"]
    assert [row["colour"] for row in found.rows][8:12] == ["red", "blue", "blue", ""]


def test_what_the_card_says_stands_at_the_top(inspected):
    found = inspected("""
class Mine(Base):
    card = Card("Leaves & co", "CC0", "Nobody (2020)", ("ImageNet-1k",), "taken at dusk")
""")
    assert found.text.startswith("Leaves & co\n")
    assert "Leaves &amp; co" in found.page
    for said in ("CC0", "Nobody (2020)", "taken at dusk", "occur in ImageNet-1k: backbones that were pretrained"):
        assert said in found.said


# ---- copies ------------------------------------------------------------------------------------------------


def test_copies_are_named_across_splits_and_under_several_labels(inspected):
    found = inspected("""
class Mine(Base):
    def image(self, split, row):
        if (split, row) in (("train", 0), ("test", 4)):
            return noise(16, 20, 3, seed=99)
        if (split, row) in (("train", 2), ("train", 3)):
            return noise(16, 20, 3, seed=98)
        return super().image(split, row)
""")
    assert "ERROR 1 test image is an equal copy of training images: all/test[4] = all/train[0]." in found.said
    assert "ERROR 2 images are equal copies of images of another label: all/train[2]" in found.said
    assert "another domain" not in found.said
    assert {row["source"]: row["remarks"] for row in found.rows if row["remarks"]} == {
        "all/train[3]": "copy of all/train[2]",
        "all/test[4]": "copy of all/train[0]",
    }


def test_equal_pixels_in_files_of_other_bytes_are_copies(cli, tmp_path):
    write_folder(tmp_path / "data")
    own = tmp_path / "data" / "train" / "red" / "0.png"
    Image.open(own).save(tmp_path / "data" / "test" / "red" / "again.bmp")
    said = " ".join(cli("data", "inspect", f"folder:{tmp_path}/data", "--no-page").stdout.split())
    assert "1 test image is an equal copy of training images: test/red/again.bmp = train/red/0.png." in said


# ---- near-duplicates ---------------------------------------------------------------------------------------

SOFT = """
from scipy.ndimage import gaussian_filter

def soft(seed):
    image = gaussian_filter(np.random.default_rng(seed).normal(size=(64, 64, 3)), (3, 3, 0))
    return ((image - image.min()) / np.ptp(image) * 230 + 10).astype(np.uint8)

class Mine(Base):
    def image(self, split, row):
        if (split, row) == ("test", 4):
            return soft(2)[1:, 1:] // 2 + 60  # another label, too
        if (split, row) == ("train", 7):
            return soft(1)[:, ::-1]
        return soft(row + 100 * (split == "test"))
"""


def test_near_duplicates_are_named_drawn_and_listed(inspected):
    found = inspected(SOFT.replace("soft(2)", "soft(3)"))
    assert "warning 1 test image is a near-duplicate of training images: all/test[4] ~ all/train[3]." in found.said
    assert "warning 1 image is a near-duplicate of images of another label: all/test[4] ~ all/train[3]." in found.said
    assert "note 1 image is a near-duplicate of earlier images of their split: all/train[7] ~ mirrored" in found.said
    assert "all/test[4] as it is all/train[3] a / b" in found.said
    assert {row["source"]: row["remarks"] for row in found.rows if row["remarks"]} == {
        "all/test[4]": "near-duplicate of all/train[3]",
        "all/train[7]": "near-duplicate of all/train[1] (mirrored)",
    }
    assert "test images is a copy of training images: 1 near-duplicate (all/test[4] ~ all/train[3])" in found.said
    assert 'alt="2 pairs of images that are nearly the same' in found.page
    pairs = np.asarray(Image.open(found.folder / "near-duplicates.png")).astype(int)
    left, right = pairs[20:100, 20:100], pairs[20:100, 132:212]  # of the first pair
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.8


def test_without_near_duplicates_that_is_said_and_an_old_picture_is_gone(inspected):
    assert (inspected(SOFT).folder / "near-duplicates.png").exists()
    found = inspected("class Mine(Base): pass")
    assert "No two images are nearly the same." in found.said
    assert not (found.folder / "near-duplicates.png").exists()
    assert "near-duplicates.png" not in found.page


def test_equal_images_are_copies_and_no_near_duplicates(inspected):
    found = inspected(SOFT.replace("soft(2)[1:, 1:] // 2 + 60", "soft(0)"))
    assert "1 test image is an equal copy of training images: all/test[4] = all/train[0]." in found.said
    assert "near-duplicate of training" not in found.said


# ---- odd images --------------------------------------------------------------------------------------------


def test_odd_images_are_named_with_their_sizes(inspected):
    found = inspected("""
class Mine(Base):
    each = 20
    def image(self, split, row):
        odd = {3: noise(1, 1, 3), 5: noise(200, 220, 3), 7: noise(16, 160, 3), 9: np.zeros((16, 20, 3), np.uint8),
               11: np.full((16, 20, 3), 255, np.uint8), 13: noise(16, 20)}
        return odd[row] if split == "train" and row in odd else super().image(split, row)
""")
    assert "much smaller than the others 1 all/train[3] (1x1)" in found.said
    assert "much larger than the others 2 all/train[5] (220x200), all/train[7] (160x16)" in found.said
    assert "long and narrow 1 all/train[7] (160x16)" in found.said
    assert "nothing to see: black 1 all/train[9]" in found.said
    assert "nothing to see: white 1 all/train[11]" in found.said
    assert "grey among RGB 1 all/train[13]" in found.said
    assert "channels RGB 79, grey 1" in found.said
    assert line_of(found.text, "width") == ["width", "1", "20", "220"]
    remarks = {row["source"]: row["remarks"] for row in found.rows}
    assert remarks["all/train[7]"] == "much larger than the others; long and narrow"


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ("noise(9, 9, dtype=np.uint16, high=4000, seed=row)", "uint16 values use a part of 0 to 65,535 only"),
        ("noise(9, 9, seed=row).astype(np.float32) / 255", "a backbone sees dark images. Write 0 to 255."),
        ("noise(9, 9, seed=row).astype(np.int64)", "Images are int64; backbones take uint8, uint16 or float32"),
        ("noise(3, 40, 50, seed=row)", "24 images seem to have the channels first; (H, W, C) is needed."),
        ("np.where(noise(9, 9, seed=row) > 9, np.float32(9), np.float32('nan'))", "values that are not numbers"),
        ("noise(9, 9, 1, seed=row).repeat(3, 2)", "Grey in truth, with three equal channels: all RGB images."),
    ],
)  # fmt: skip
def test_values_that_a_network_would_misread_are_told(inspected, image, sentence):
    body = "class Mine(Base):\n    def image(self, split, row):\n        row += 50 * (split == 'test')\n        return "
    assert sentence in inspected(body + image + "\n").said


def test_ordinary_images_are_called_ordinary(inspected):
    found = inspected("class Mine(Base): pass")
    assert "Nothing unusual was found." in found.text
    assert "No image is odd in size, shape or brightness." in found.said


# ---- damage ------------------------------------------------------------------------------------------------


def write_folder(folder):
    for split, count in (("train", 5), ("test", 3)):
        for position, name in enumerate(("red", "blue")):
            place = folder / split / name
            place.mkdir(parents=True)
            for row in range(count):
                draw = np.random.default_rng([row, position, split == "train"])
                image = draw.integers(0, 120, (40, 40, 3)).astype(np.uint8)
                image[..., 2 * position] = 250
                Image.fromarray(image).save(place / f"{row}.png")


def test_a_folder_with_damage_is_inspected_without_it_and_the_way_out_is_named(cli, tmp_path):
    write_folder(tmp_path / "data")
    red = tmp_path / "data" / "train" / "red"
    (red / "text.png").write_text("no image at all")
    (red / "empty.jpg").write_bytes(b"")
    Image.open(red / "0.png").resize((300, 300)).save(red / "cut.jpg")
    (red / "cut.jpg").write_bytes((red / "cut.jpg").read_bytes()[:2000])
    result = cli("data", "inspect", f"folder:{tmp_path}/data", "--out", tmp_path / "out")
    said = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert "ERROR A run would refuse this dataset:" in said
    assert "zero bytes" in said
    for name in ("text.png", "empty.jpg", "cut.jpg"):
        assert re.search(rf"(zero bytes|not an image.*|damaged.*) 1 train/red/{name}", said)
    assert line_of(result.stdout, "red")[:3] == ["red", "5", "3"]
    assert f"tlbench run -d '{tmp_path}/data".replace("'", "'folder:") + "?skip' --budget 5-shot" in result.stdout
    skipped = cli("data", "inspect", f"folder:{tmp_path}/data?skip", "--no-page").stdout
    assert "A run would refuse" not in skipped
    assert "text.png" in skipped


def test_damage_that_only_decoding_finds_is_told_in_the_sentence_of_a_run(cli, tmp_path):
    write_folder(tmp_path / "data")
    cut = tmp_path / "data" / "train" / "red" / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3)).astype(np.uint8)
    Image.fromarray(noise).save(cut)
    cut.write_bytes(cut.read_bytes()[:9000])
    said = " ".join(cli("data", "inspect", f"folder:{tmp_path}/data", "--no-page").stdout.split())
    assert "A run would refuse this dataset:" in said
    assert "'train/red/cut.jpg' cannot be decoded (damaged: image file is truncated" in said
    assert "16 examples, 2 classes" in said


BROKEN = """
class Rows(list):
    def __getitem__(self, row):
        if row {which}:
            raise OSError("disk on fire")
        return super().__getitem__(row)

class Mine(Base):
    def load(self, domain, split):
        whole = super().load(domain, split)
        return Labelled(Rows(whole.inputs), whole.labels)
    def fingerprint(self):
        return "f"
"""


def test_examples_that_raise_are_named_and_the_others_are_still_looked_at(inspected):
    found = inspected(BROKEN.format(which="== 4"))
    assert "ERROR 2 examples cannot be read: all/train[4], all/test[4]." in found.said
    assert "OSError: disk on fire 2 all/train[4], all/test[4]" in found.said
    assert "looked at 24 of 24" in found.said
    assert found.rows[4]["remarks"] == "cannot be read: OSError: disk on fire"


def test_a_dataset_of_which_nothing_can_be_read_is_one_line(refused, plugin_file):
    plugin = plugin_file(HEAD + BROKEN.format(which=">= 0") + TAIL)
    line = refused("data", "inspect", "mine", "-p", plugin, "--no-page")
    assert "none of its examples can be read: OSError: disk on fire" in line


def test_an_empty_split_is_an_error_and_the_rest_is_inspected(inspected):
    found = inspected("""
class Mine(Base):
    def load(self, domain, split):
        whole = super().load(domain, split)
        return whole if split == "train" else Labelled([], np.empty(0, np.int64))
""")
    assert "ERROR The split test is empty." in found.said
    assert "A run would refuse this dataset:" in found.said
    assert "12 examples" in found.said


# ---- the page and the sheet --------------------------------------------------------------------------------

HOSTILE = """
class Mine(Base):
    classes = ("<script>alert(1)</script>", "b\\u202e & \\"c\\"")
    license = "<img src=x onerror=alert(2)>"
    def sources(self, domain, split):
        return [f"=cmd|{split}<b>{row}</b>\\n" for row in range(12)]
    def image(self, split, row):
        return np.zeros((8, 8), np.uint8)
    def findings(self):
        return ("<script>alert(3)</script>",)
"""


def test_nothing_that_a_dataset_says_becomes_markup_or_a_formula(inspected):
    found = inspected(HOSTILE)
    assert "<script" not in found.page
    assert "<img src=x" not in found.page
    assert "<b>" not in found.page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found.page
    assert "\u202e" not in found.text
    assert "\\u202e" in found.text
    assert all(row["source"].startswith("'=cmd|") for row in found.rows)


def test_the_page_stands_alone(inspected):
    page = inspected("class Mine(Base): pass").page
    assert re.findall(r'(?:src|href)="(?!data:image/png|#)', page) == []
    assert "url(" not in page
    assert "default-src 'none'" in page
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) > 6
    assert all(f'id="{target}"' in page for target in targets)


def test_the_sheet_shows_examples_of_each_class_in_its_row(cli, tmp_path):
    write_folder(tmp_path / "data")
    found = Inspected(cli("data", "inspect", f"folder:{tmp_path}/data", "--out", tmp_path / "out"), tmp_path / "out")
    blue, red = found.sheet[45:120, 200:280].mean((0, 1)), found.sheet[165:230, 200:280].mean((0, 1))
    assert blue[2] > 200 > 100 > blue[0]  # classes are sorted: blue comes first
    assert red[0] > 200 > 100 > red[2]


def test_of_many_classes_some_thirty_are_drawn_and_that_is_said(inspected):
    found = inspected("""
class Mine(Base):
    classes = tuple(f"c{i:03}" for i in range(100))
    each = 2
    def image(self, split, row):
        return noise(8, 8, seed=[row, split == "train"])
""")
    assert "30 of 100 classes, evenly spread over their order." in found.page
    assert 30 * 100 < found.sheet.shape[0] < 37 * 130
    assert "... 84 classes between ..." in found.text


def test_many_channels_are_drawn_by_the_first_three_and_dark_data_are_brightened(inspected):
    found = inspected("""
class Mine(Base):
    def image(self, split, row):
        image = noise(12, 12, 5, dtype=np.uint16, high=3000, seed=[row, split == "train"])
        image[..., 0] = 3000
        image[..., 3:] = 0
        return image
""")
    assert "5 channels 24" in found.said
    assert "Of 5 channels the first three are shown." in found.page
    assert "is shown as 0 to 255" in found.page
    assert found.sheet[45:120, 205:280].mean((0, 1))[0] == 255
    assert {row["dtype"] for row in found.rows} == {"uint16"}


def test_texts_are_measured_and_need_no_sheet(inspected):
    found = inspected("""
class Mine(Base):
    modality = "text"
    def image(self, split, row):
        return f"{split} {row}" if row else ""
""")
    assert line_of(found.text, "characters")[1] == "0"
    assert "2 texts are empty: all/train[0], all/test[0]." in found.said
    assert not (found.folder / "contact-sheet.png").exists()


# ---- how it reads ------------------------------------------------------------------------------------------


def test_no_more_images_are_held_than_threads_and_a_few(inspected):
    found = inspected("""
import threading, weakref
ALIVE, MOST, LOCK = [0], [0], threading.Lock()

def gone():
    with LOCK:
        ALIVE[0] -= 1

class Lazy:
    def __len__(self):
        return 400
    def __getitem__(self, row):
        image = noise(16, 16, seed=row)
        with LOCK:
            ALIVE[0] += 1
            MOST[0] = max(MOST[0], ALIVE[0])
        weakref.finalize(image, gone)
        return image

class Mine(Base):
    each = 200
    def load(self, domain, split):
        return Labelled(Lazy(), np.arange(400) % 2)
    def fingerprint(self):
        return "f"
    def findings(self):
        MOST[0] = 0
        return ()
    def passed_over(self):
        return [(f"most {MOST[0]}", "alive at once")]
""")
    assert int(re.search(r"most (\d+)", found.text).group(1)) <= 8
    assert threading.active_count() < 8


def test_a_sample_is_asked_for_and_said(inspected):
    found = inspected("class Mine(Base): pass", "--sample", "6")
    assert "6 examples of 24 were looked at" in found.stderr
    assert "looked at 6 of 24, a sample" in found.said
    assert "24 examples, 2 classes" in found.said
    assert [row["size"] != "" for row in found.rows] == [row % 4 == 0 for row in range(24)]


def test_the_text_fits_a_narrow_terminal(inspected, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = inspected(HOSTILE.replace("alert(1)", "alert" * 12)).text
    assert max(len(line) for line in text.splitlines()[:-6]) <= 60
    monkeypatch.setenv("COLUMNS", "400")
    assert max(len(line) for line in inspected("class Mine(Base): pass").text.splitlines()[:-6]) <= 100


def test_without_a_page_nothing_is_written(cli, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("data", "inspect", "blobs", "-p", toy, "--no-page").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert cli("data", "inspect", "blobs(each=3)", "-p", toy).exit_code == 0
    assert (tmp_path / "tlbench-inspect" / "blobs-each=3" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["blobs", "--no-page", "--out", "x"], "Leave one of them away"),
        (["blobs[day->night]"], "Name the dataset alone: 'blobs'"),
        (["blbos"], "Did you mean 'blobs'?"),
        (["pictures"], "Write 'folder:pictures'."),
        (["blobs", "--budget", "five"], "is not a label budget"),
        (["folder:nowhere"], "nowhere"),
        (["folder:pictures", "--out", "pictures/inside"], "lies within the data"),
        (["blobs", "--out", "file/inside"], "must be a folder"),
    ],
)
def test_a_slip_costs_one_line(refused, toy, tmp_path, monkeypatch, arguments, words):
    write_folder(tmp_path / "pictures")
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert words in refused("data", "inspect", *arguments, "-p", toy)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "tlbench-inspect") == ["file", "pictures"]


def test_a_dataset_that_names_too_few_sources_is_told_which_method_is_wrong(refused, plugin_file):
    body = "class Mine(Base):\n    def sources(self, domain, split):\n        return ['one']\n"
    line = refused("data", "inspect", "mine", "-p", plugin_file(HEAD + body + TAIL), "--no-page")
    assert "sources(domain, split) gives 1 values for 12 examples" in line


def test_real_photographs_are_inspected_whole(cli, real_data):
    said = " ".join(
        cli("data", "inspect", f"npz:{real_data}/cifar10_small/cifar10_small.npz", "--no-page").stdout.split()
    )
    assert "looked at 3,000 of 3,000" in said
    assert "train 2,000, test 1,000" in said
