"""Test inputs that stand in training, source or upstream data: what is found, what is not, and what is said."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from tlbench.contract import Protocol, SplitFinding, Transfer
from tlbench.data import (
    EQUAL,
    MIRRORED,
    Cache,
    Resources,
    contamination_findings,
    find_contamination,
    find_copies,
    hashes_of,
    sketch_examples,
    split_sketches,
    without_copies,
)
from tlbench.data.contamination import is_named, named_datasets
from tlbench.data.image_hashes import distances, perceptual_hashes
from tlbench.data.near_duplicates import NEAR, may_have_copies
from tlbench.host import Catalog, Host


def photo(seed, size=96):
    """Return something like a photograph, uint8 (size, size, 3): light and shade of all widths."""
    draw = np.random.default_rng(seed)
    image = sum(width * gaussian_filter(draw.normal(size=(size, size, 3)), (width, width, 0)) for width in (2, 5, 12))
    low, high = np.quantile(image, [0.01, 0.99])
    return ((image - low) / (high - low) * 220 + 15).clip(0, 255).astype(np.uint8)


def stored(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(image, scale):
    side = round(image.shape[0] * scale)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def brighter(image, factor):
    return (image.astype(float) * factor).clip(0, 255).astype(np.uint8)


def greyed(image):
    return np.asarray(Image.fromarray(image).convert("L"))


CHANGES = {
    "jpeg 90": lambda image: stored(image, 90), "jpeg 30": lambda image: stored(image, 30),
    "half": lambda image: resized(image, 0.5), "double": lambda image: resized(image, 2),
    "cropped": lambda image: image[1:-2, 1:-2], "darker": lambda image: brighter(image, 0.9),
    "brighter": lambda image: brighter(image, 1.1), "grey": lambda image: greyed(image),
    "16 bits": lambda image: image.astype(np.uint16) * 257, "float": lambda image: image.astype(np.float32),
    "dark 16 bits": lambda image: image.astype(np.uint16) * 4,
    "five bands": lambda image: greyed(image)[..., None].repeat(5, 2),
}  # fmt: skip


def of(*examples):
    return sketch_examples(examples, len(examples))


# ---- what counts as a copy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_near_duplicate_of_its_original_alone(change):
    originals = [photo(seed) for seed in range(30)]
    found = find_copies(of(*(CHANGES[change](image) for image in originals)), of(*originals))
    assert found["row"].tolist() == found["other"].tolist() == list(range(30))
    assert set(found["kind"].tolist()) == {NEAR}


def test_a_mirror_image_is_told_as_one():
    found = find_copies(of(photo(1), photo(3)[:, ::-1]), of(photo(2), photo(3)))
    assert found.tolist() == [(1, 1, MIRRORED)]


def test_equal_values_go_before_near_duplicates_and_the_first_of_several_counts():
    image = photo(1)
    found = find_copies(of(image), of(stored(image, 90), image, image.copy()))
    assert found.tolist() == [(0, 1, EQUAL)]


def test_different_images_are_no_copies():
    one, other = ([photo(seed) for seed in range(start, start + 60)] for start in (0, 1000))
    assert len(find_copies(of(*one), of(*other))) == 0


def test_photographs_of_equal_light_and_shade_are_no_copies_unless_their_detail_agrees():
    """A dark meadow under a bright sky: the hash sees little else."""
    draw = np.random.default_rng(0)

    def field(width):
        found = gaussian_filter(draw.normal(size=(96, 96)), width)
        return (found - found.mean()) / found.std()

    shade = 120 + 35 * field(8)
    one, other = (of((shade + 12 * field(2)).clip(0, 255).astype(np.uint8)) for _ in range(2))
    assert distances(one["hash"], other["hash"])[0, 0] <= 10
    assert not (one["is_plain"] | other["is_plain"]).any()
    assert len(find_copies(one, other)) == 0


def test_within_one_split_the_later_image_is_the_copy():
    image = photo(1)
    split = of(image, photo(2), stored(image, 80), image)
    assert find_copies(split, split, earlier=True).tolist() == [(2, 0, NEAR), (3, 0, EQUAL)]


def hand(thumb, draw):
    """Return a dark hand on a soft empty ground, the thumb spread or not, with a grain of its own."""
    rows, columns = np.mgrid[:96, :96]
    shape = (abs(columns - 48) < 14) & (rows > 40)
    for left in (35, 43, 51):
        shape |= (abs(columns - left) < 3) & (rows > 15) & (rows < 45)
    if thumb:
        shape |= (abs(rows - 60 - (columns - 34) * 0.7) < 4) & (columns > 12) & (columns < 36)
    image = 190 + 0.4 * columns + gaussian_filter(draw.normal(0, 4, (96, 96)), 1) - 90 * gaussian_filter(shape * 1.0, 1)
    return image.clip(0, 255).astype(np.uint8)


def test_one_hand_in_two_poses_on_one_ground_is_no_copy():
    draw = np.random.default_rng(0)
    fist, spread = hand(False, draw), hand(True, draw)
    for other in (spread, spread[:, ::-1]):
        assert len(find_copies(of(fist), of(other))) == 0
    changed = (stored(fist, 60), resized(fist, 0.5), fist[3:-3, 3:-3])
    assert find_copies(of(*changed), of(spread, fist))["other"].tolist() == [1, 1, 1]


def test_a_photograph_with_another_thing_in_its_middle_is_no_copy():
    ground, thing = photo(1), photo(2)
    mixed = ground.copy()
    mixed[30:66, 30:66] = thing[30:66, 30:66]
    assert len(find_copies(of(mixed), of(ground))) == 0


def test_a_crop_of_a_twentieth_and_a_shift_are_found():
    originals = [photo(seed) for seed in range(30)]
    for cut in (np.s_[3:-3, 3:-3], np.s_[3:, 3:]):
        found = find_copies(of(*(image[cut] for image in originals)), of(*originals))
        assert found["row"].tolist() == found["other"].tolist()
        assert len(found) >= 27


def test_two_drawings_of_one_class_are_no_copies():
    """Handwritten and typed digits of one class lie within a few bits of each other."""
    digits = Catalog(Host([])).dataset("digits")[0]
    train, test = (digits.load("handwritten", split).inputs for split in ("train", "test"))
    train, test = of(*train), of(*test)
    assert (distances(test["hash"], train["hash"]) <= 6).any(axis=1).sum() > 50
    assert len(find_copies(test, train)) == 0


def test_a_drawing_stored_anew_is_found():
    digits = Catalog(Host([])).dataset("digits")[0].load("handwritten", "test").inputs[:40]
    found = find_copies(of(*(stored(image, 95) for image in digits)), of(*digits))
    assert found["other"].tolist() == list(range(40))


def test_images_without_anything_to_see_are_copies_only_where_they_are_equal():
    blanks = [np.full((40, 40), level, np.uint8) for level in (0, 1, 255)]
    assert find_copies(of(*blanks), of(np.zeros((41, 41), np.uint8))).tolist() == []
    assert find_copies(of(*blanks), of(blanks[1])).tolist() == [(1, 0, EQUAL)]


def test_texts_are_copies_where_they_are_equal():
    assert find_copies(of("one", "two"), of("two ", "one")).tolist() == [(0, 1, EQUAL)]


def test_no_images_of_odd_shapes_stop_the_search():
    numbers = (np.zeros((3, 0), np.uint8), np.arange(5), np.full((9, 9), np.nan, np.float32))
    found = of(*numbers, photo(1)[:1], photo(1)[:, :2])
    assert len(find_copies(found, found)) == 5


def test_thousands_of_images_that_look_alike_do_not_take_long():
    one = of(photo(1))
    many = np.repeat(one, 400)
    many["content"] = np.arange(400).astype("V16")
    assert len(find_copies(many, one)) == 400
    assert len(find_copies(many, many, earlier=True)) == 399


def test_the_mirrored_hash_is_that_of_the_mirror_image():
    thumbnails = np.stack([photo(seed, 32)[..., 0] for seed in range(20)])
    hashes, mirrored = perceptual_hashes(thumbnails)
    again, _ = perceptual_hashes(thumbnails[:, :, ::-1])
    assert (distances(again, mirrored).diagonal() <= 1).all()
    assert (distances(hashes, mirrored).diagonal() > 10).all()


def test_hashes_alone_tell_what_cannot_be_there():
    known = hashes_of(of(*(photo(seed) for seed in range(40))))
    assert not may_have_copies(of(photo(100)), known)
    assert may_have_copies(of(photo(100), stored(photo(7), 60)), known)
    assert may_have_copies(of("a text"), known)


# ---- in a plan ---------------------------------------------------------------------------------------------

PLUGIN = """
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn
from tlbench import Backbone, Dataset, Labelled, hookimpl
from tlbench.contract.dataset import Card

HERE = Path(__file__).parent
PHOTOS = np.load(HERE / "photos.npy")
CLASSES = ("a", "b")

def noted(what):
    with (HERE / "loaded.txt").open("a") as file:
        file.write(what + "\\n")

class Photos(Dataset):
    name, classes, domains = "photos", CLASSES, ("day", "night")
    rows = {"day train": range(20), "day test": [20, 21, 3, 22],
            "night train": [30, 31, 20, 32], "night test": [33, 34]}

    def load(self, domain, split):
        noted(f"{domain} {split}")
        rows = list(self.rows[f"{domain} {split}"])
        images = PHOTOS[rows].copy()
        if (domain, split) == ("day", "test"):
            images[1] = np.roll(PHOTOS[5], 0) // 2 + 20  # paler: a near-duplicate
        return Labelled(images, np.arange(len(rows)) % 2)

class Upstream(Dataset):
    name, classes = "pictures-8", CLASSES

    def load(self, domain, split):
        return Labelled(PHOTOS[[22, 41] if split == "train" else [20, 21]], np.array([0, 1]))

class FarAway(Upstream):
    name = "far-away"
    def prepare(self, folder):
        noted("fetched")

class Carded(Photos):
    name = "carded"
    card = Card("My Flowers", "", "")

class Words(Dataset):
    name, classes, modality = "words", CLASSES, "text"

    def load(self, domain, split):
        return Labelled(["x", "y", "z"] if split == "train" else ["v", "y", "w"], np.array([0, 1, 0]))

@dataclass(frozen=True)
class Net(Backbone):
    name: str = "net"
    pretrained_on: str | None = None
    weights: Path | None = None
    modality: str = "image"
    feature_dim = 3
    def encode(self, raw): ...
    def build(self, weights): ...

@hookimpl
def tlbench_datasets():
    return [Photos, Upstream, FarAway, Carded, Words]

@hookimpl
def tlbench_backbones():
    said = {"none": None, "remote": "Far away",
            "upstream": "Pictures 8", "both": "Pictures-8 and ImageNet-1k", "far": "ImageNet-1k",
            "target": "photos (day, train)", "night": "photos (night, train)", "card": "ImageNet-1k, my flowers"}
    hashed = Net("hashed", "ImageNet-1k", HERE / "w.safetensors")
    return [*(Net(name, text) for name, text in said.items()), hashed, Net("reader", None, None, "text")]
"""


@pytest.fixture
def resources(plugin_file, tmp_path):
    file = plugin_file(PLUGIN)
    np.save(file.parent / "photos.npy", np.stack([photo(seed, 64) for seed in range(42)]))
    (file.parent / "loaded.txt").write_text("")
    return Resources(Catalog(Host([file])), Cache(tmp_path / "cache"))


def found(resources, backbone="none", transfer=None, splits="given", replicate=0, **more):
    transfer = transfer or Transfer("photos", "day", "photos", "night")
    division = resources.division(transfer.dataset, Protocol(splits=splits), 0, replicate)
    return find_contamination(resources, transfer, backbone, division, **more)


def pairs(overlap):
    return [(copy.test, copy.other, copy.kind) for copy in overlap.copies]


def test_copies_are_counted_and_named_in_train_and_source(resources):
    seen = found(resources)
    assert seen.ledger == {"test_in_train": 2, "test_in_source": 1, "test_in_upstream": 0}
    assert pairs(seen.train) == [("day/test[1]", "day/train[5]", NEAR), ("day/test[2]", "day/train[3]", EQUAL)]
    assert pairs(seen.source) == [("day/test[0]", "night/train[2]", EQUAL)]
    assert (seen.target, seen.source.data, seen.test_items) == ("photos/day", "photos/night", 4)


def test_without_a_source_its_count_is_unknown(resources):
    assert found(resources, transfer=Transfer("photos", "night")).ledger == {
        "test_in_train": 0, "test_in_source": None, "test_in_upstream": 0,
    }  # fmt: skip


def test_upstream_training_data_are_searched_where_they_are_installed(resources):
    assert pairs(found(resources, "upstream").upstream) == [("day/test[3]", "all/train[0]", EQUAL)]
    assert found(resources, "both").ledger["test_in_upstream"] == 1  # at least
    assert found(resources, "far").ledger["test_in_upstream"] is None
    assert found(resources, "far").upstream is None


def test_upstream_data_that_would_have_to_be_fetched_are_not(resources):
    assert found(resources, "remote").ledger["test_in_upstream"] is None
    assert found(resources, "remote", Transfer("photos", "day", "far-away", "all")).ledger["test_in_upstream"] == 1


def test_hashes_beside_the_weights_stand_in_for_upstream_data(resources, plugin_file):
    weights = resources.backbone("hashed").backbone.weights
    unlike = of(*(photo(seed) for seed in range(900, 930)))
    np.save(weights.with_suffix(".hashes.npy"), hashes_of(unlike))
    assert found(resources, "hashed").ledger["test_in_upstream"] == 0
    np.save(weights.with_suffix(".hashes.npy"), hashes_of(of(photo(20, 64))))
    assert found(resources, "hashed").ledger["test_in_upstream"] is None  # one may be there, and no data say so


@pytest.mark.slow
def test_the_hashes_beside_our_own_weights_are_those_of_the_glyphs(tmp_path):
    resources = Resources(Catalog(Host([])), Cache(tmp_path))
    weights = resources.backbone("test_resnet.glyphs").backbone.weights
    hashes = np.load(weights.with_suffix(".hashes.npy"))
    glyphs = resources.dataset("glyphs")
    count = 300
    some = sketch_examples(glyphs.dataset.load("printed", "train").inputs[:count], count)
    assert len(hashes) == len(glyphs.dataset.load("printed", "train"))
    assert np.mean(distances(some["hash"], hashes["hash"][:count]).diagonal() <= 2) > 0.99


@pytest.mark.parametrize(
    ("backbone", "transfer", "is_named"),
    [
        ("target", Transfer("photos", "day"), True), ("target", Transfer("photos", "night"), False),
        ("night", Transfer("photos", "night"), True), ("card", Transfer("carded", "day"), True),
        ("card", Transfer("photos", "day"), False), ("none", Transfer("photos", "day"), False),
        ("upstream", Transfer("pictures-8", "all"), True),
    ],
)  # fmt: skip
def test_pretrained_on_the_target_is_flagged(resources, backbone, transfer, is_named):
    seen = found(resources, backbone, transfer)
    assert seen.pretrained_on_target is is_named
    assert ("which is also the target" in " ".join(contamination_findings([seen]))) is is_named


def test_pretrained_on_is_taken_apart():
    assert named_datasets("ImageNet-21k, ImageNet-1k") == [("ImageNet-21k", ""), ("ImageNet-1k", "")]
    assert named_datasets("blobs (day, train) + LAION and COCO") == [
        ("blobs", "day, train"), ("LAION", ""), ("COCO", ""),
    ]  # fmt: skip
    assert named_datasets("") == []


def test_a_folder_is_known_by_its_name(resources, tmp_path, plugin_file):
    folder = tmp_path / "Oxford Flowers"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for row in range(3):
            Image.fromarray(photo([row, ord(name)], 16)).save(folder / name / f"{row}.png")
    dataset = Catalog(Host([])).dataset(f"folder:{folder}")[0]
    assert is_named(dataset, "all", "oxford-flowers", "")
    assert not is_named(dataset, "all", "flowers", "")
    assert not is_named(dataset, "all", "folder", "")


def test_texts_are_searched_for_equal_ones(resources):
    seen = found(resources, "reader", Transfer("words", "all"))
    assert pairs(seen.train) == [("all/test[1]", "all/train[1]", EQUAL)]
    assert "1 of 3 test examples is a copy of training examples: 1 equal" in contamination_findings([seen])[0]


def test_a_second_time_nothing_is_decoded_again(resources, tmp_path):
    loads = tmp_path / "loaded.txt"
    first = found(resources, "upstream")
    resources.cache.made = 0
    assert found(resources, "upstream") == first
    assert resources.cache.made == 0
    loads.write_text("")
    assert found(resources).train == first.train
    assert loads.read_text() == ""


def test_without_a_search_only_what_is_known_is_told(resources):
    assert set(found(resources, "upstream", search=False).ledger.values()) == {None}
    assert not list(resources.cache.folder.rglob("*.npy"))
    found(resources)
    assert found(resources, search=False).ledger == {"test_in_train": 2, "test_in_source": 1, "test_in_upstream": 0}


def test_folds_part_near_duplicates_and_never_copies(resources):
    folds = [found(resources, splits="2-fold", replicate=replicate) for replicate in range(2)]
    assert {copy.kind for seen in folds for copy in seen.train.copies} <= {NEAR}
    assert not any(seen.source.equal for seen in folds)
    near = {frozenset((copy.test, copy.other)) for seen in folds for copy in seen.train.copies}
    assert near <= {frozenset(("day/test[1]", "day/train[5]"))}
    assert [seen.fold for seen in folds] == ["fold 1", "fold 2"]
    said = [line for line in contamination_findings(folds) if "training images of their fold" in line]
    assert len(said) == len(near)


def test_sketches_of_a_split_are_kept_in_its_order(resources):
    entry = resources.dataset("photos")
    kept = split_sketches(entry.dataset, entry.fingerprint, "day", "train", resources.cache)
    loaded = entry.dataset.load("day", "train").inputs
    assert (kept == sketch_examples(loaded, len(loaded))).all()


# ---- in words ----------------------------------------------------------------------------------------------


def test_sentences_count_and_name_and_say_where_the_rest_is(resources):
    said = contamination_findings([found(resources), found(resources, "upstream")])
    assert said[0] == (
        "photos/day: 2 of 4 test images are copies of training images: 1 equal (day/test[2] = day/train[3]) "
        "and 1 near-duplicate (day/test[1] ~ day/train[5]): scores may be too good."
    )
    assert said[1].startswith("photos/day: 1 of 4 test images is a copy of source images (photos/night): ")
    assert said[2].startswith("photos/day: 1 of 4 test images is a copy of images of Pictures 8, which upstream was ")
    assert len(said) == 3


def test_what_a_dataset_says_of_its_own_splits_gives_way_to_the_whole_count(resources):
    of_splits = SplitFinding("photos: 1 test image is a copy of training images: day/test[2] = day/train[3].")
    others = [SplitFinding("photos: 1 validation image is a copy of training images: a = b."), "photos: 3 are grey."]
    seen = found(resources)
    assert without_copies([of_splits, *others], [seen]) == others
    assert "2 of 4 test images are copies of training images: 1 equal" in contamination_findings([seen])[0]
    assert seen.ledger["test_in_train"] == 2


def test_many_copies_are_named_in_part(cli, plugin_file):
    plugin = plugin_file(PLUGIN.replace("[20, 21, 3, 22]", "[20, 0, 3, 7, 9, 11]"))
    np.save(plugin.parent / "photos.npy", np.stack([photo(seed, 64) for seed in range(42)]))
    resources = Resources(Catalog(Host([plugin])), Cache(plugin.parent / "cache"))
    said = contamination_findings([found(resources)])[0]
    assert "4 equal (day/test[2] = day/train[3], day/test[3] = day/train[7]," in said
    assert "day/test[4] = day/train[9] and 1 more)" in said
    assert said.endswith("`tlbench data inspect photos` lists them.")


# ---- on real photographs -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_flowers_hold_the_pairs_that_eyes_find(real_data):
    dataset = Catalog(Host([])).dataset(f"zip:{real_data}/flowers12/flowers12.zip")[0]
    train, test = (dataset.load("all", split).inputs for split in ("train", "test"))
    copies = find_copies(sketch_examples(test, len(test)), sketch_examples(train, len(train)))
    assert 26 <= len(copies) <= 30  # 28 as measured, each looked at: two more than before are crops


@pytest.mark.parametrize("name", ["usps", "mnist"])
def test_no_two_writers_digits_are_copies(real_data, name):
    with np.load(f"{real_data}/{name}/{name}.npz") as arrays:
        train, test = arrays["x_train"][:6000], arrays["x_test"][:1500]
    assert len(find_copies(sketch_examples(test, len(test)), sketch_examples(train, len(train)))) == 0
