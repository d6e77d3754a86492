"""A plan tells cells and skips of one label apart, and looks at every dataset."""

import re

import numpy as np
import pytest
from PIL import Image

from tlbench.planning import make_plan


@pytest.fixture
def two(toy):
    """Two starts of one backbone, which share their label."""
    return ("tiny", f"tiny@{toy.with_name('tiny.safetensors')}")


def test_two_backbones_of_one_label_have_a_line_each(cli, toy, two):
    chosen = [part for text in two for part in ("-b", text)]
    done = cli("plan", "-p", toy, *chosen, "-s", "scratch", "-d", "blobs[->day]", "--budget", "1-shot")
    assert re.search(r"blobs/day \| tiny \[random start\] \| scratch: 6", done.stdout)
    assert re.search(r"blobs/day \| tiny \[weights [0-9a-f]{6}\] \| scratch: 6", done.stdout)


def test_skips_of_both_are_counted_under_names_of_their_own(suite, resources, two):
    plan = make_plan(suite(("scratch", "dann"), two), resources)
    skipped = [skip for skip in plan.skips if skip.strategy == "dann"]
    assert len(skipped) == 2
    assert sum(skip.cells for skip in skipped) == 4
    assert {re.sub("[0-9a-f]{6}", "-", skip.backbone) for skip in skipped} == {
        "tiny [random start]",
        "tiny [weights -]",
    }


def test_the_lines_of_a_run_tell_them_apart(cli, toy, two, tmp_path):
    chosen = [part for text in two for part in ("-b", text)]
    options = ("-s", "linear-probe", "-d", "blobs[->day]", "--budget", "1-shot", "--replicates", "1", "--jobs", "1")
    done = cli("run", "-p", toy, *chosen, *options, "--out", tmp_path / "out", "--verbose")
    assert "tiny [random start]" in done.stdout
    assert "tiny [weights" in done.stdout
    assert "tiny, " not in done.stderr + done.stdout
    assert "n = 2" not in done.stdout


def pictures(folder, seed, *, copies=False):
    draw = np.random.default_rng(seed)
    for split in ("train", "test"):
        for name in ("a", "b"):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(3):
                Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / f"{number}.png")
    if copies:
        (folder / "test" / "a" / "copy.png").write_bytes((folder / "train" / "a" / "0.png").read_bytes())
    return f"folder:{folder}"


def test_of_two_datasets_of_one_label_both_are_looked_at(suite, resources, tmp_path):
    specs = (pictures(tmp_path / "one" / "data", 1), pictures(tmp_path / "two" / "data", 2, copies=True))
    plan = make_plan(suite(datasets=specs, budgets=("1-shot",)), resources)
    assert len({cell.id for cell in plan.cells}) == 4
    found = [finding for finding in plan.findings if finding.startswith("folder:data [fingerprint ")]
    assert found, plan.findings
