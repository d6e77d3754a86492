"""Sources whose images are dark where the target's are light: what is found, and what is not."""

import numpy as np
import pytest

from tlbench.contract import Transfer
from tlbench.data import Resources, contrast_finding


@pytest.fixture
def folder(tmp_path):
    """Write images of a mean brightness into an .npz file and return its spec."""

    def write(name, brightness):
        draw = np.random.default_rng(0)
        images = (255 * brightness + draw.normal(0, 10, (12, 8, 8))).clip(0, 255).astype(np.uint8)
        labels = np.arange(12) % 3
        np.savez(tmp_path / f"{name}.npz", x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
        return f"npz:{tmp_path}/{name}.npz"

    return write


@pytest.fixture
def found(folder, resources):
    def compare(target, source):
        specs = folder("target", target), folder("source", source)
        transfer = Transfer(specs[0], "all", specs[1], "all")
        return contrast_finding(transfer, "tiny", Resources(resources.catalog, resources.cache))

    return compare


def test_ink_on_paper_and_chalk_on_slate_are_told_with_their_brightness(found):
    said = found(0.2, 0.9)
    assert "target.npz (all): its images are light on dark (mean brightness 0.20)" in said
    assert "those of the source npz:source.npz (all) dark on light (0.90)" in said
    assert "its images are dark on light (mean brightness 0.90)" in found(0.9, 0.2)


@pytest.mark.parametrize(("target", "source"), [(0.9, 0.6), (0.35, 0.65), (0.1, 0.45), (0.55, 0.95)])
def test_photographs_and_a_little_light_are_no_opposites(found, target, source):
    assert found(target, source) == ""


def test_without_a_source_there_is_nothing_to_compare(folder, resources):
    assert contrast_finding(Transfer(folder("target", 0.1), "all"), "tiny", resources) == ""
