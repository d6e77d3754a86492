"""tlbench.headlines: the answer in words says no more than the numbers do."""

import pandas as pd
import pytest

from tlbench.headlines import headlines

ROW = {
    "transfer": "toys", "backbone": "tiny", "budget": "5-shot", "setting": "inductive", "source": "",
    "family": "finetune", "n": 6, "n_episodes": 0, "upper_bound": False,
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
    assert sentence == (
        "toys, tiny, 5 labels per class: finetune [0.500, 0.700] and last-layers [0.500, 0.700] tie at accuracy 0.600."
    )


def test_negative_transfer_is_named():
    worse = {"strategy": "last-layers", "mean": 0.5, "verdict": "worse"}
    assert said({"strategy": "finetune", "mean": 0.6}, worse).endswith("; negative transfer: last-layers.")


@pytest.mark.parametrize(
    ("verdict", "words"), [("better", "beats"), ("worse", "is worse than"), ("unclear", "does not clearly beat")]
)
def test_an_adaptation_is_set_against_its_baseline(verdict, words):
    row = {"strategy": "dann", "family": "adapt", "mean": 0.6, "budget": "0", "source": "typed", "verdict": verdict}
    assert f"no target labels: dann {words} scratch (+10.0 points [+5.0, +15.0], from typed)." in said(row)


def test_many_adaptations_share_a_sentence():
    row = {"family": "adapt", "budget": "0", "source": "typed", "baseline": "source-only"}
    verdicts = {"adda": "unclear", "cdan": "better", "coral": "better", "dann": "worse", "mcc": ""}
    rows = [
        {**row, "strategy": name, "mean": 0.5 + i / 100, "verdict": verdict}
        for i, (name, verdict) in enumerate(verdicts.items())
    ]
    assert said(*rows) == (
        "toys, tiny, no target labels: of 5 adaptations from typed, mcc leads with accuracy 0.540, "
        "+10.0 points [+5.0, +15.0] over source-only; beating it: cdan, coral; not clearly different: adda; "
        "negative transfer: dann; one pair only, no interval: mcc."
    )


def test_an_upper_bound_neither_leads_nor_is_set_against_a_baseline():
    bound = {"strategy": "target-only", "mean": 0.9, "upper_bound": True}
    for family in ("adapt", "finetune"):
        assert "target-only" not in said({"strategy": "finetune", "mean": 0.6}, {**bound, "family": family})


def test_settings_have_leaders_of_their_own():
    rows = [{"strategy": "a", "mean": 0.6}, {"strategy": "b", "mean": 0.9, "setting": "transductive"}]
    first, second = headlines(pd.DataFrame([{**ROW, **row} for row in rows]), "accuracy")
    assert "5 labels per class: a leads" in first
    assert "5 labels per class, transductive: b leads" in second


def test_the_leader_over_episodes_has_their_interval():
    row = {"budget": "5-way 1-shot", "n_episodes": 1200, "episode_low": 0.59, "episode_high": 0.61, "baseline": ""}
    assert said({**row, "strategy": "prototypes", "mean": 0.6}) == (
        "toys, tiny, episodes of 5-way 1-shot: prototypes leads with accuracy 0.600 [0.590, 0.610] over 1,200 episodes."
    )
