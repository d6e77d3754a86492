"""tlbench.headlines: the answer in words says no more than the numbers do."""

import pandas as pd
import pytest

from tlbench.headlines import headlines

ROW = {
    "transfer": "toys", "backbone": "tiny", "budget": "5-shot", "source": "", "family": "finetune", "n": 6,
    "seed_low": 0.5, "seed_high": 0.7, "baseline": "scratch", "delta": 0.1, "delta_low": 0.05, "delta_high": 0.15,
    "verdict": "better",
}  # fmt: skip


def said(*rows):
    [sentence] = headlines(pd.DataFrame([{**ROW, **row} for row in rows]), "accuracy")
    return sentence


def test_the_leader_is_named_with_its_interval_and_its_lead():
    sentence = said({"strategy": "finetune", "mean": 0.6}, {"strategy": "last-layers", "mean": 0.5})
    assert sentence == (
        "toys, tiny, 5 labels per class: finetune leads with accuracy 0.600 [0.500, 0.700], "
        "+10.0 points [+5.0, +15.0] over scratch."
    )


def test_equal_means_are_a_tie():
    sentence = said({"strategy": "finetune", "mean": 0.6}, {"strategy": "last-layers", "mean": 0.6})
    assert sentence == "toys, tiny, 5 labels per class: finetune and last-layers tie at accuracy 0.600."


def test_negative_transfer_is_named():
    worse = {"strategy": "last-layers", "mean": 0.5, "verdict": "worse"}
    assert said({"strategy": "finetune", "mean": 0.6}, worse).endswith("; negative transfer: last-layers.")


@pytest.mark.parametrize(
    ("verdict", "words"), [("better", "beats"), ("worse", "is worse than"), ("unclear", "does not clearly beat")]
)
def test_an_adaptation_is_set_against_its_baseline(verdict, words):
    row = {"strategy": "dann", "family": "adapt", "mean": 0.6, "budget": "0", "source": "typed", "verdict": verdict}
    assert f"no target labels: dann {words} scratch (+10.0 points [+5.0, +15.0], from typed)." in said(row)
