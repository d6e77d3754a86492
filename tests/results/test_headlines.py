"""tlbench.results.headlines: the answer in words says no more than the numbers do."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from summary_rows import SCRATCH, STEADY, rows

from tlbench.results.cards import make_cards
from tlbench.results.headlines import headlines
from tlbench.results.origins import Facts
from tlbench.results.pairwise import pairwise
from tlbench.results.summary import Summary

NOTHING_KNOWN = Facts(frozenset(), frozenset())


def said(*parts):
    return words_of(Summary(pd.DataFrame([row for part in parts for row in part]), "accuracy"))


def words_of(summary, weights=None, across=(), facts=NOTHING_KNOWN):
    return headlines(summary, make_cards(summary, weights, facts, {}), facts, across, weights)


PROBE = rows("probe", 0.6 - STEADY, fit_seconds=0.5, prepare_seconds=0.0)


def test_the_leader_is_named_with_its_interval_its_lead_and_its_cost():
    [sentence] = said(SCRATCH, PROBE, rows("finetune", 0.8 + STEADY[::-1], fit_seconds=3.0))
    assert sentence == (
        "toys, tiny, 5 labels per class: finetune leads with accuracy 0.800 [0.791, 0.809], "
        "+30.0 points [+27.7, +32.3] over scratch; it costs 8x probe."
    )


def test_a_cheapest_extract_row_is_compared_with_its_baseline():
    [sentence] = said(SCRATCH, PROBE)
    assert sentence.endswith("; it costs 0.2x scratch.")


def test_a_tie_is_said_as_a_tie_even_with_the_baseline():
    close = rows("finetune", 0.51 + STEADY[::-1])
    [sentence] = said(SCRATCH, close)
    assert "finetune leads with accuracy 0.510 [0.501, 0.519], not clearly ahead of scratch; " in sentence
    assert "points" not in sentence


def test_many_ties_are_counted():
    many = [rows(f"method{i}", 0.499 - i / 1000 + STEADY[::-1] * (i + 1)) for i in range(8)]
    [sentence] = said(SCRATCH, *many)
    assert "not clearly ahead of method0, method1, method2 and 5 more" in sentence


def test_equal_means_are_a_tie():
    [sentence] = said(SCRATCH, rows("finetune", 0.6 + STEADY), rows("last-layers", 0.6 + STEADY))
    assert "finetune and last-layers tie at accuracy 0.600" in sentence


def test_one_replicate_tells_nothing_apart():
    [sentence] = said(rows("scratch", [0.5]), rows("finetune", [0.9]))
    assert sentence == (
        "toys, tiny, 5 labels per class: finetune leads with accuracy 0.900, +40.0 points over scratch; "
        "one replicate tells nothing apart; it costs as much as scratch."
    )


def test_negative_transfer_is_named():
    [sentence] = said(SCRATCH, rows("finetune", 0.8 + STEADY), rows("last-layers", 0.3 + STEADY[::-1]))
    assert "; negative transfer: last-layers; " in sentence


@pytest.mark.parametrize(("score", "words"), [(0.7, "beats"), (0.3, "is worse than"), (0.501, "does not clearly beat")])
def test_an_adaptation_is_set_against_its_baseline(score, words):
    given = {"source": "typed", "budget": "0"}
    sentences = said(
        rows("source-only", 0.5 + STEADY, **given), rows("mcc", 0.9 + STEADY, family="adapt", **given),
        rows("dann", score + STEADY[::-1], **given),
    )  # fmt: skip
    assert sentences[0].startswith("toys, tiny, no target labels: mcc leads with accuracy 0.900")
    [sentence] = [text for text in sentences[1:] if ": dann" in text]
    assert f"no target labels: dann {words} source-only (" in sentence
    assert sentence.endswith(", from typed).")


def test_many_adaptations_share_a_sentence():
    given = {"source": "typed", "budget": "0", "family": "adapt"}
    scores = {"adda": 0.501, "cdan": 0.6, "coral": 0.7, "dann": 0.3}
    parts = [rows(name, score + STEADY[::-1], **given) for name, score in scores.items()]
    one = rows("mcc", [0.4], **given)
    sentences = said(rows("source-only", 0.5 + STEADY, **given), *parts, one)
    [sentence] = [text for text in sentences if "adaptations" in text]
    assert sentence == (
        "toys, tiny, no target labels: of 5 adaptations from typed against source-only, beating it: cdan, coral; "
        "not clearly different: adda; negative transfer: dann; one pair only, no interval: mcc."
    )


def test_an_upper_bound_neither_leads_nor_is_set_against_a_baseline():
    for family in ("adapt", "finetune"):
        bound = rows("target-only", 0.9 + STEADY, upper_bound=True, family=family)
        assert "target-only" not in "".join(said(SCRATCH, rows("finetune", 0.6 + STEADY), bound))


def test_settings_have_leaders_of_their_own():
    first, second = said(rows("a", 0.6 + STEADY), rows("b", 0.9 + STEADY, setting="transductive"))
    assert "5 labels per class: a has accuracy 0.600" in first
    assert "5 labels per class (transductive): b has accuracy 0.900" in second


def test_what_test_labels_chose_has_one_marked_sentence_at_most():
    oracle = {"setting": "oracle", "selection": "oracle"}
    sentences = said(
        SCRATCH, rows("finetune", 0.6 + STEADY), rows("scratch", 0.6 + STEADY, **oracle),
        rows("finetune", 0.8 + STEADY, **oracle),
    )  # fmt: skip
    assert "finetune leads with accuracy 0.600" in sentences[0]
    assert sentences[1:] == [
        "Upper bound, no fair comparison: 2 rows chosen with test labels (oracle), +15.0 points on average against "
        "the best rule without."
    ]


def test_tuned_rows_are_set_against_those_as_they_come():
    trials = {"tuned": "10 trials", "tuning_seconds": 30.0}
    sentences = said(
        SCRATCH, rows("finetune", 0.6 + STEADY), rows("finetune", 0.7 + STEADY[::-1], **trials),
        rows("lora", 0.6 + STEADY), rows("lora", 0.6 - STEADY, **trials),
        rows("l2-sp", 0.6 + STEADY), rows("l2-sp", 0.5 - STEADY, **trials), rows("bare", 0.2 + STEADY, **trials),
    )  # fmt: skip
    assert sentences[0].startswith("toys, tiny, 5 labels per class: finetune [10 trials] leads")
    assert "it costs 11x scratch" in sentences[0]
    assert sentences[1].startswith(
        "toys, tiny, 5 labels per class: tuning against the defaults: gains: finetune [10 trials] (+10.0 points ["
    )
    assert "; does not clearly differ: lora [10 trials] (+0.0 points [" in sentences[1]
    assert "; loses: l2-sp [10 trials] (-10.0 points [" in sentences[1]
    assert "bare" not in sentences[1]


def test_the_leader_over_episodes_has_their_interval():
    generator = np.random.default_rng(0)
    right = {f"prototypes-{i}": generator.random((40, 25)) < 0.6 for i in range(3)}
    frame = pd.DataFrame(rows("prototypes", [0.6, 0.6, 0.6], budget="5-way 1-shot", episodes=40))
    [sentence] = words_of(Summary(frame, "accuracy", right=lambda cell: right[cell]))
    assert sentence.startswith("toys, tiny, episodes of 5-way 1-shot: prototypes has accuracy 0.600 [0.5")
    assert "] over 120 episodes;" in sentence


def test_a_row_that_did_not_learn_never_leads_and_is_named_with_its_reason():
    reason = "all 20 test inputs are predicted as 'rose'; try lr=0.0001"
    lost = rows("finetune", [0.9, 0.9, 0.9], did_not_learn=reason)
    leader, named = said(SCRATCH, lost)
    assert leader.startswith("toys, tiny, 5 labels per class: scratch leads with accuracy 0.5")
    assert "finetune" not in leader
    assert named == f"toys, tiny, 5 labels per class: finetune did not learn in 3 of 3 replicates: {reason}."
    assert said(lost) == [named]


def test_replicates_that_repeat_one_result_are_said_to_be_one():
    probe = [{**row, "result": "the same"} for row in rows("probe", [0.8, 0.8, 0.8])]
    mean = [{**row, "result": "another"} for row in rows("mean", [0.7, 0.7, 0.7])]
    [sentence] = said(probe, mean)
    assert "probe leads with accuracy 0.800, not clearly ahead of mean; nothing was drawn, so that its repl" in sentence
    summary = Summary(pd.DataFrame([*probe, *mean, *SCRATCH]), "accuracy").frame().set_index("strategy")
    assert summary.loc["probe", ["n", "copies"]].tolist() == [1, 2]
    assert np.isnan(summary.loc["probe", "seed_low"])
    assert summary.loc["probe", "delta_n"] == 3  # the baseline's own replicates differ


def test_a_leader_that_repeats_one_result_is_said_to_tie_too():
    probe = [{**row, "result": "the same"} for row in rows("probe", [0.8, 0.8, 0.8])]
    sentence = said(probe, rows("mean", [0.9, 0.6, 0.8]))[0]
    assert "not clearly ahead of mean; nothing was drawn, so that its replicates are one result" in sentence


def test_no_row_that_is_worse_than_another_on_the_replicates_of_both_is_best():
    hard = [0.9, 0.9, 0.9, 0.91, 0.5]
    scratch = rows("scratch", hard)
    easy = rows("finetune", [0.88, 0.87, 0.88, 0.89])  # without the hard one, its mean is higher
    summary = Summary(pd.DataFrame([*scratch, *easy]), "accuracy").frame().set_index("strategy")
    assert summary.loc["finetune", "mean"] > summary.loc["scratch", "mean"]
    assert summary.loc["finetune", ["verdict", "best", "tied"]].tolist() == ["worse", False, False]
    assert summary.loc["scratch", ["best", "tied"]].tolist() == [True, True]
    assert said(scratch, easy)[0].startswith("toys, tiny, 5 labels per class: scratch leads with accuracy 0.822")


def test_a_leader_that_is_worse_than_a_row_that_did_not_always_learn_is_said_to_be():
    scratch = rows("scratch", 0.9 + STEADY)
    scratch[0]["did_not_learn"] = "flat loss"
    leader = said(scratch, rows("finetune", 0.5 - STEADY))[0]
    assert "finetune leads with accuracy 0.500 [0.491, 0.509], but is worse than scratch (-40.0 points [" in leader
    assert "ahead of" not in leader
    assert "negative" not in leader


def test_no_pair_is_separated_of_which_the_table_says_that_it_is_tied_or_unclear():
    noise = np.array([0.012, -0.01, 0.02, -0.016, 0.004, -0.01])
    parts = [rows("scratch", 0.8 + STEADY), rows("finetune", 0.825 + noise), rows("probe", 0.1 + STEADY[::-1])]
    summary = Summary(pd.DataFrame([row for part in parts for row in part]), "accuracy")
    pair = pairwise(summary).set_index(["a", "b"]).loc[("finetune", "scratch")]
    assert 0.025 < pair["p"] < 0.05  # the last of three by Holm, of two others by Bonferroni
    assert summary.frame().set_index("strategy").loc["finetune", "verdict"] == "unclear"
    assert not pair["separated"]
    assert pair["needed"] > 6
    assert pairwise(summary)["separated"].sum() == 2


def test_no_tuned_row_gains_over_a_default_that_it_ties_with():
    noise = np.array([0.012, -0.01, 0.02, -0.016, 0.004, -0.01])
    tuned = rows("probe", 0.825 + noise, tuned="20 trials")
    sentences = said(SCRATCH, rows("probe", 0.8 + STEADY), tuned, rows("finetune", 0.4 + STEADY[::-1]))
    assert "not clearly ahead of probe;" in sentences[0]
    assert "tuning against the defaults: does not clearly differ: probe [20 trials]" in sentences[1]


@pytest.mark.parametrize(("ours", "theirs", "tied"), [(0, 3, True), (0, 6, False), (3, 12, False), (5, 12, True)])
def test_two_rows_of_one_result_each_are_parted_by_the_test_items_alone(ours, theirs, tied):
    better, worse = np.ones((1, 40), dtype=bool), np.ones((1, 40), dtype=bool)
    better[0, :ours], worse[0, ours : ours + theirs] = False, False
    frame = pd.DataFrame(
        [
            {**row, "result": row["strategy"]}
            for row in [*rows("probe", [better.mean()] * 3), *rows("mean", [worse.mean()] * 3)]
        ]
    )
    right = {cell: better if cell.startswith("probe") else worse for cell in frame["cell"]}
    found = Summary(frame, "accuracy", right=right.get).frame().set_index("strategy")
    assert bool(found.loc["mean", "tied"]) is tied
    if ours + theirs > 5:  # as McNemar's exact test
        assert bool(scipy_stats.binomtest(min(ours, theirs), ours + theirs).pvalue > 0.05) is tied


def test_no_interval_of_a_difference_of_shares_leaves_what_shares_can_differ_by():
    frame = pd.DataFrame([*rows("scratch", [0.0] * 3), *rows("finetune", [1.0] * 3)])
    summary = Summary(frame, "accuracy", right=lambda cell: np.full((1, 50), cell.startswith("finetune")))
    found = summary.frame().set_index("strategy").loc["finetune"]
    assert (found["delta_high"], found["verdict"]) == (1.0, "better")
    assert 0.9 < found["delta_low"] < 1.0
