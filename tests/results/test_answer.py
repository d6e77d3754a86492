"""tlbench.results.answer: one answer, and none where the weights of no backbone help."""

import numpy as np
import pandas as pd
import pytest
from summary_rows import SCRATCH, STEADY, rows

from tlbench.results.answer import answer
from tlbench.results.cards import make_cards
from tlbench.results.headlines import remarks
from tlbench.results.origins import Facts
from tlbench.results.summary import Summary
from tlbench.results.wording import joined_labels, plain_data

WITH_WEIGHTS = Facts(frozenset({"tiny"}), frozenset())
PIXELS = {"family": "scratch", "marked": False}
NOTE = "tiny knows letters: write -b photographs."


def summary_of(*parts, right=None):
    return Summary(pd.DataFrame([row for part in parts for row in part]), "accuracy", right=right)


def answered(*parts, facts=WITH_WEIGHTS, weights=None, unfit=None):
    summary = summary_of(*parts)
    return answer(summary, make_cards(summary, weights, facts, unfit or {}))


def test_the_sentence_names_who_leads_at_each_budget_and_those_alike_together():
    probe = [rows("probe", 0.7 + STEADY[::-1], budget=budget) for budget in ("1-shot", "5-shot")]
    scratch = [rows("scratch", 0.5 + STEADY, budget=budget) for budget in ("1-shot", "5-shot", "20-shot")]
    found = answered(*probe, *scratch, rows("finetune", 0.9 + STEADY[::-1], budget="20-shot"))
    assert found.question == "Which strategy is best for toys with 1, 5 and 20 labels per class?"
    assert found.subject == "toys, tiny"
    assert found.sentence == (
        "At 1 and 5 labels per class probe leads (accuracy 0.700 and 0.700; +20.0 and +20.0 points over scratch); "
        "at 20 labels per class finetune leads (0.900; +40.0 points over scratch)."
    )
    assert [card.best for card in found.cards] == [("probe",), ("probe",), ("finetune",)]


def test_the_sentence_names_one_row_for_all_budgets_at_which_it_is_not_clearly_behind():
    loose = 0.03 * np.array([1, -1, 1, -1, 1, -1])
    few = [rows("probe", 0.7 + STEADY, budget="1-shot"), rows("lora", 0.705 + loose, budget="1-shot")]
    many = [rows("probe", 0.9 + STEADY, budget="5-shot"), rows("lora", 0.89 + loose, budget="5-shot")]
    found = answered(*few, *many)
    assert [card.winner for card in found.cards] == ["lora", "probe"]
    assert [card.take for card in found.cards] == ["probe", "probe"]
    assert found.sentence == (
        "At 1 and 5 labels per class take probe, since nothing is clearly better (accuracy 0.700 and 0.900)."
    )


def test_over_several_data_the_sentence_counts_where_a_strategy_is_best_or_tied():
    parts = [
        [*rows("scratch", 0.5 + STEADY, transfer=data), *rows("probe", 0.7 + STEADY[::-1], transfer=data)]
        for data in ("zip:a/flowers.zip", "folder:birds")
    ]
    found = answered(*parts)
    assert found.sentence == (
        "At 5 labels per class probe is best or tied with the best on 2 of 2 pairs of dataset and backbone (+20 "
        "points over scratch)."
    )
    assert found.question == "Which strategy is best for flowers and birds with 5 labels per class?"
    assert found.subject == ""


def test_without_a_baseline_rows_are_compared_with_the_linear_probe_or_else_with_the_next_best():
    linear = rows("linear-probe", 0.6 + STEADY, family="extract")
    [card] = answered(linear, rows("lora", 0.8 + STEADY[::-1])).cards
    assert (card.reference, card.verdict) == ("linear-probe", "better")
    [card] = answered(rows("probe", 0.6 + STEADY), rows("lora", 0.8 + STEADY[::-1])).cards
    assert (card.reference, card.known, card.verdict) == ("probe", "probe", "better")
    assert "+20.0 points [" in card.sentence
    assert "over probe, the next best" in card.sentence


def test_negative_transfer_is_said_against_what_goes_without_transfer_alone():
    worse, linear = rows("finetune", 0.3 + STEADY[::-1]), rows("linear-probe", 0.6 + STEADY, family="extract")
    assert answered(linear, worse).cards[0].harmed == ()
    assert summary_of(linear, worse).frame().set_index("strategy").loc["finetune", "verdict"] == "worse"
    assert answered(SCRATCH, rows("probe", 0.8 + STEADY), worse).cards[0].harmed == ("finetune",)


def test_no_answer_is_given_where_frozen_features_are_no_better_than_the_inputs_themselves():
    pixels = rows("pixel-probe", 0.6 + STEADY, **PIXELS)
    unfit = {("toys", "tiny"): NOTE}
    found = answered(pixels, rows("probe", 0.59 + STEADY[::-1]), rows("finetune", 0.7 + STEADY), unfit=unfit)
    assert found.sentence == (
        "No answer yet: on toys the weights of tiny are no better than the inputs as they are (5 labels per class: "
        f"probe 0.590, pixel-probe 0.600). {NOTE}"
    )
    assert found.cards[0].winner == ""
    loose = 0.05 * np.array([1, -1, 1, -1, 1, -1])
    assert answered(pixels, rows("probe", 0.61 + loose)).cards[0].winner  # ahead, if not clearly
    better = answered(pixels, rows("probe", 0.8 + STEADY[::-1]), unfit=unfit)
    assert better.cards[0].winner == "probe"
    assert better.cards[0].sentence.endswith(NOTE)  # better than nothing is not the best there is


def test_no_answer_is_given_from_weights_that_do_not_suit_where_nothing_shows_that_they_help():
    unfit = {("toys", "tiny"): NOTE}
    close = rows("finetune", 0.599 + STEADY[::-1] * 2)
    for parts in ((rows("scratch", 0.6 + STEADY), close), (rows("scratch", 0.59 + STEADY), close)):
        said = answered(*parts, unfit=unfit).sentence
        assert said.startswith(
            "No answer yet: nothing that uses the weights of tiny is clearly better than scratch (0."
        )
        assert answered(*parts).cards[0].winner
    alone = answered(close, rows("probe", 0.4 + STEADY), unfit=unfit)
    assert alone.sentence == f"No answer yet: nothing was run that shows whether the weights of tiny help. {NOTE}"


def test_no_answer_is_given_where_the_weights_are_no_better_than_a_random_start():
    line = {
        "transfer": "toys",
        "backbone": "tiny",
        "strategy": "probe",
        "delta": 0.01,
        "delta_low": -0.1,
        "delta_high": 0.1,
        "n": 6,
    }
    rest = [rows("probe", 0.6 + STEADY), rows("finetune", 0.8 + STEADY[::-1])]
    for change, words in (
        ({"verdict": "unclear"}, "not clearly better than a random start of the same network (probe: +1.0 points)"),
        (
            {"verdict": "worse", "delta": -0.1},
            "no better than a random start of the same network (probe: -10.0 points)",
        ),
        ({"verdict": "", "delta": -0.1, "n": 1}, "no better than a random start of the same network (probe: -10.0 poi"),
    ):
        found = answered(*rest, weights=pd.DataFrame([line | change]))
        assert found.sentence.startswith(f"No answer yet: on toys the weights of tiny are {words}")
        assert "Get a backbone" in found.sentence
    few = {"verdict": "unclear", "n": 2, "delta": 0.5}  # of two pairs no difference is clear
    for change in ({"verdict": "better"}, {"verdict": "", "n": 1}, few):
        assert not answered(*rest, weights=pd.DataFrame([line | change])).cards[0].no_answer


def test_two_replicates_never_say_that_weights_which_are_far_ahead_do_not_help():
    pixels, probe = rows("pixel-probe", [0.2, 0.5], **PIXELS), rows("probe", [0.9, 0.8], family="extract")
    assert answered(pixels, probe).cards[0].winner == "probe"
    assert "are no better than the inputs" in answered(rows("pixel-probe", [0.9, 0.8], **PIXELS), probe).sentence


def test_a_random_start_that_shows_what_weights_are_worth_is_never_the_answer():
    facts = Facts(frozenset({"tiny"}), frozenset(), frozenset({"tiny(pretrained=false)"}))
    start = {"backbone": "tiny(pretrained=false)"}
    parts = (SCRATCH, rows("probe", 0.7 + STEADY[::-1]), rows("finetune", 0.9 + STEADY, **start))
    found = answered(*parts, facts=facts)
    assert [card.backbone for card in found.cards] == ["tiny"]
    assert found.sentence == "At 5 labels per class probe leads (accuracy 0.700; +20.0 points over scratch)."


def test_the_sentence_says_of_one_card_what_the_card_says():
    alike = [rows(name, 0.6 + STEADY) for name in ("lora", "probe")]
    assert answered(*alike).sentence == "At 5 labels per class lora and probe tie (accuracy 0.600)."
    less = [rows("scratch", [0.9]), rows("lora", 0.6 + STEADY)]  # of one replicate: it cannot be best
    assert answered(*less).sentence.startswith("At 5 labels per class lora leads (accuracy 0.600")
    [card] = answered(rows("lora", 0.6 + STEADY)).cards
    assert card.sentence.endswith("; no other row was run to compare it with.")


def test_the_sentence_has_at_most_sixty_words():
    ties = [f"a-method-{i}" for i in range(4)]
    parts = [
        rows(name, 0.6 + 0.01 * i + STEADY * (i + 1), budget=f"{shots}-shot")
        for shots in (1, 2, 4, 8) for i, name in enumerate([f"best-at-{shots}", *(f"{tie}-{shots}" for tie in ties)])
    ]  # fmt: skip
    found = answered(*parts)
    assert len(found.sentence.split()) <= 60
    assert found.sentence.startswith("At 1 label per class a-method-3-1 leads (accuracy 0.640; not clearly ahead of ")


def test_a_label_budget_without_an_answer_is_named_with_the_reason():
    lost = {"budget": "1-shot", "did_not_learn": "all inputs are predicted as '6'"}
    many = (SCRATCH, rows("probe", 0.7 + STEADY[::-1]))
    said = answered(*many, rows("probe", 0.1 + STEADY, **lost)).sentence
    assert said.endswith(" No answer yet with 1 label per class: in every row some replicate did not learn; try what "
                         "is said of these.")  # fmt: skip
    assert "no row has a score" not in answered(rows("probe", 0.1 + STEADY, **lost)).sentence


def test_the_backbone_is_named_where_another_has_no_answer():
    facts = Facts(frozenset({"tiny", "bad"}), frozenset())
    bad = [rows(name, mean + STEADY, backbone="bad") for name, mean in (("scratch", 0.6), ("probe", 0.3))]
    said = answered(SCRATCH, rows("probe", 0.7 + STEADY[::-1]), *bad, facts=facts).sentence
    assert said == (
        "At 5 labels per class probe leads (accuracy 0.700; +20.0 points over scratch), with the backbone tiny. "
        "No answer yet from bad on toys, where it does not help."
    )


def test_less_is_said_to_be_better_in_the_sentence_too():
    summary = Summary(pd.DataFrame([*SCRATCH, *rows("probe", 0.3 + STEADY[::-1])]), "accuracy", higher_is_better=False)
    said = answer(summary, make_cards(summary, None, Facts(frozenset(), frozenset()), {})).sentence
    assert said.startswith("At 5 labels per class probe leads (accuracy 0.300, lower is better; -0.200 over scratch)")


def test_no_answer_is_given_where_scratch_is_ahead_of_all_that_uses_the_weights():
    scratch, parts = rows("scratch", 0.6 + STEADY), [rows(name, 0.3 + STEADY[::-1]) for name in ("probe", "finetune")]
    found = answered(scratch, *parts)
    assert found.sentence.startswith(
        "No answer yet: nothing that uses the weights of tiny comes near scratch (0.600). Get"
    )
    assert "leads" not in found.sentence
    close = rows("finetune", 0.599 + STEADY[::-1] * 2)
    assert answered(scratch, close).cards[0].winner == "scratch"
    assert not answered(scratch, *parts, facts=Facts(frozenset(), frozenset())).cards[0].no_answer  # no weights at all


def test_one_replicate_in_which_scratch_is_ahead_of_weights_that_do_not_suit_is_no_answer():
    parts = (rows("scratch", [0.6]), rows("probe", [0.3]))
    assert answered(*parts, unfit={("toys", "tiny"): NOTE}).sentence.endswith(NOTE)


def test_a_strangers_method_is_set_against_the_best_known_one():
    facts = Facts(frozenset(), frozenset({"own"}))
    parts = (SCRATCH, rows("probe", 0.7 + STEADY), rows("own", 0.8 + STEADY[::-1]))
    assert "over probe, the best of the others" in answered(*parts, facts=facts).cards[0].sentence
    assert "over probe" not in answered(*parts).cards[0].sentence


@pytest.mark.parametrize("seed", range(40))
def test_an_interval_leaves_out_0_exactly_where_a_verdict_is_clear_or_a_row_is_not_tied(seed):
    draw = np.random.default_rng(seed)
    labels = ["scratch", *[f"method{i}" for i in range(6)]]
    means = np.clip(draw.normal(0.7, 0.04, len(labels)), 0.2, 0.95)
    hard = draw.normal(0, 0.5, 60)
    right = {}
    for label, mean in zip(labels, means, strict=True):
        for replicate in range(6):
            shown = draw.normal(0, 1, 60) + hard + draw.normal(0, 0.1)
            right[f"{label}-{replicate}"] = (shown < np.quantile(shown, mean))[None]
    parts = [rows(label, [right[f"{label}-{i}"].mean() for i in range(6)]) for label in labels]
    summary = summary_of(*parts, right=lambda cell: right[cell])
    for row in summary.rows:
        if row["verdict"]:
            assert (row["clear_low"] * row["clear_high"] > 0) == (row["verdict"] != "unclear")
        if np.isfinite(row["behind_low"]):
            out = row["behind_high"] < 0
            assert out == (not row["tied"]) or row["verdict"] == "worse"
            assert not (row["tied"] and out)


def test_budgets_are_said_together_and_data_by_the_name_of_their_file():
    assert joined_labels(["no target labels", "1 label per class", "5 labels per class", "all labels"]) == (
        "no target labels, 1 and 5 labels per class and all labels"
    )
    assert joined_labels(["1 label per class"]) == "1 label per class"
    shown = {"folder:/data/photos": "photos", "zip:x/flowers12.zip": "flowers12", "digits/typed": "digits/typed"}
    assert {given: plain_data(given) for given in shown} == shown


def test_a_tie_below_a_row_that_does_not_tie_is_explained():
    loose = np.array([0.09, -0.08, 0.07, -0.09, 0.08, -0.07])
    summary = summary_of(SCRATCH, rows("a", 0.8 + STEADY), rows("steady", 0.77 + STEADY), rows("loose", 0.76 + loose))
    table = summary.frame().set_index("strategy")
    assert table.loc[["loose", "steady"], "tied"].tolist() == [True, False]
    facts = Facts(frozenset(), frozenset())
    [said] = remarks(summary, make_cards(summary, None, facts, {}), facts)
    assert said.startswith("5 labels per class: loose (0.760) ties with a and steady (0.770) does not: the difference")


def test_no_answer_is_given_from_a_network_that_starts_at_random():
    facts = Facts(frozenset(), frozenset(), untrained=frozenset({"tiny"}))
    scratch, probe = rows("pixel-probe", 0.6 + STEADY, **PIXELS), rows("probe", 0.7 + STEADY[::-1])
    assert answered(scratch, probe, facts=facts).sentence.startswith(
        "No answer yet: tiny starts from random weights, so that nothing is transferred. Get a backbone with weights"
    )
    assert answered(scratch, facts=facts).cards[0].winner == "pixel-probe"
    learnt = rows("dann", 0.7 + STEADY, source="typed", family="adapt")
    assert answered(learnt, facts=facts).cards[0].winner == "dann"  # it learns from the source


def test_of_rows_that_tie_equally_often_the_one_with_the_best_scores_is_named():
    loose = 0.2 * np.array([1, -1, 1])
    few = [rows(name, 0.8 + shift + noise, backbone="a") for name, shift, noise in (("pixels", 0.0, loose * 0),
                                                                              ("probe", -0.1, loose))]  # fmt: skip
    many = [rows(name, mean + noise, backbone="b") for name, mean, noise in (("pixels", 0.7, loose),
                                                                             ("probe", 0.99, 0 * loose))]  # fmt: skip
    said = answered(*few, *many, facts=Facts(frozenset({"a", "b"}), frozenset())).sentence
    assert said.startswith("At 5 labels per class probe is best or tied with the best on 2 of 2")
