"""Test the plugin as its users meet it: installed, found through its entry point, conforming, run on real digits."""

import tlbench
from tlbench import Block, Recipe, Suite
from tlbench.testing import StrategyConformance, installed

from l1_sp import L1SP

TINY = Suite(
    "tiny",
    (Block(("l1-sp", "l1-sp(alpha=10.0)"), ("test_resnet.glyphs",), ("digits[->handwritten]",), ("1-shot",)),),
    replicates=1,
    recipe=Recipe(steps=3),
)


class TestL1SP(StrategyConformance):
    """Hold one test for each rule that every strategy keeps."""

    strategy = L1SP


def test_the_installed_package_is_found_and_named_as_the_origin():
    found = installed("l1-sp(alpha=0.1)")
    assert found.thing.alpha == 0.1
    assert found.origin.distribution == "tlbench-l1-sp"


def test_it_runs_on_digits_and_the_pull_changes_the_result(tmp_path):
    frame = tlbench.run(TINY, out=tmp_path / "results", cache=tmp_path / "cache", device="cpu").frame()
    assert list(frame["strategy"]) == ["l1-sp", "l1-sp(alpha=10.0)"]
    assert (frame["status"] == "ok").all()
    assert frame["accuracy"].between(0, 1).all()
    assert frame["nll"].nunique() == 2


def test_running_it_again_gives_the_same_scores_to_the_last_bit(tmp_path):
    first, second = (
        tlbench.run(TINY, out=tmp_path / name, cache=tmp_path / "cache", device="cpu").frame() for name in "ab"
    )
    assert list(first["nll"]) == list(second["nll"])
