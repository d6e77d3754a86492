"""The embedded datasets: what they hold, and that they hold the same bytes every time."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from tlbench import Labelled
from tlbench_datasets.embedded.digits import Digits
from tlbench_datasets.embedded.drawing import Hand, distance_fields, draw, enlargement
from tlbench_datasets.embedded.glyphs import Glyphs

PARTS = [
    pytest.param(dataset, domain, split, count, id=f"{dataset.name}-{domain}-{split}")
    for dataset, domain, split, count in [
        (Digits(), "typed", "train", 1800),
        (Digits(), "typed", "test", 500),
        (Digits(), "handwritten", "train", 1198),
        (Digits(), "handwritten", "test", 599),
        (Glyphs(), "printed", "train", 40 * len(Glyphs.classes)),
        (Glyphs(), "printed", "test", 6 * len(Glyphs.classes)),
    ]
]


@pytest.fixture(scope="module")
def parts() -> dict[tuple[str, str, str], Labelled]:
    wanted = [(param.values[0], *param.values[1:3]) for param in PARTS]
    return {(dataset.name, domain, split): dataset.load(domain, split) for dataset, domain, split in wanted}


@pytest.mark.parametrize(("dataset", "domain", "split", "count"), PARTS)
def test_a_part_has_its_count_of_grey_images_with_a_label_for_every_class(parts, dataset, domain, split, count):
    part = parts[dataset.name, domain, split]
    assert part.inputs.shape == (count, 32, 32)
    assert part.inputs.dtype == np.uint8
    assert part.labels.dtype == np.int64
    assert set(part.labels.tolist()) == set(range(len(dataset.classes)))


@pytest.mark.parametrize(("dataset", "domain", "split", "count"), PARTS)
def test_every_image_shows_light_ink_on_a_dark_ground(parts, dataset, domain, split, count):
    images = parts[dataset.name, domain, split].inputs
    assert images.max(axis=(1, 2)).min() > 90
    assert 20 < images.mean() < 100
    assert np.median(images) < 60


@pytest.mark.parametrize(("dataset", "domain", "split", "count"), PARTS)
def test_two_loads_give_the_same_bytes_and_leave_the_global_generators_alone(parts, dataset, domain, split, count):
    first = parts[dataset.name, domain, split]
    np.random.seed(5)
    before = random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state()
    again = dataset.load(domain, split)
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tobytes() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


@pytest.mark.parametrize(("name", "domain"), [("digits", "typed"), ("digits", "handwritten"), ("glyphs", "printed")])
def test_no_image_is_in_both_splits(parts, name, domain):
    train, test = ({image.tobytes() for image in parts[name, domain, split].inputs} for split in ("train", "test"))
    assert not train & test
    assert len(test) == len(parts[name, domain, "test"])


def test_a_third_of_every_handwritten_class_is_held_out(parts):
    train, test = (np.bincount(parts["digits", "handwritten", split].labels) for split in ("train", "test"))
    assert (train + test).sum() == 1797
    np.testing.assert_allclose(test / (train + test), 1 / 3, atol=0.005)


def test_typed_and_handwritten_digits_have_like_brightness(parts):
    typed, handwritten = (parts["digits", domain, "train"].inputs.mean() for domain in Digits.domains)
    assert abs(typed - handwritten) < 20


def test_glyph_classes_are_unique_file_safe_names_without_a_digit():
    assert len(set(Glyphs.classes)) == len(Glyphs.classes) > 300
    assert all(name.replace("-", "").isascii() and name.replace("-", "").isalpha() for name in Glyphs.classes)
    assert not any("digit" in name for name in Glyphs.classes)
    assert not set(Glyphs.classes) & set(Digits.classes)


def test_importing_the_datasets_loads_neither_matplotlib_nor_scikit_learn_nor_scipy():
    code = (
        "import sys, tlbench_datasets.embedded.digits, tlbench_datasets.embedded.glyphs;"
        "print([name for name in ('matplotlib', 'sklearn', 'scipy', 'torch') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_thicker_hand_puts_down_more_ink():
    fields = distance_fields("a")
    thin, thick = (
        draw(fields, 20, 32, Hand(thickness=(pixels, pixels)), np.random.default_rng(0)).mean() for pixels in (0, 1)
    )
    assert thick > 1.2 * thin


def test_a_character_that_no_font_has_is_named():
    with pytest.raises(ValueError, match="no font shipped with matplotlib draws '漢'"):
        distance_fields("漢")


def test_enlarging_keeps_a_flat_image_flat():
    matrix = enlargement(8, 32)
    np.testing.assert_allclose(matrix @ np.full((8, 8), 16.0) @ matrix.T, 16.0)
