"""What a grid cannot show is said before anything runs, and never where it can."""

from itertools import product

from tlbench.results import significance_warnings


def cells(strategies=4, replicates=6, transfers=1, **given):
    return [
        {
            "strategy": f"s{s}", "baseline": s == 0, "transfer": f"t{t}", "backbone": "tiny", "budget": "5-shot",
            "setting": "inductive", "source": "", "replicate": r, "seed": 0, "upper_bound": False, **given,
        }
        for s, t, r in product(range(strategies), range(transfers), range(replicates))
    ]  # fmt: skip


def said(*parts):
    return list(significance_warnings(cell for part in parts for cell in part))


def test_one_replicate_calls_nothing_better_and_two_may():
    [sentence] = said(cells(replicates=1))
    assert "one replicate says nothing of other labels and seeds" in sentence
    assert "--replicates 3" in sentence
    assert said(cells(replicates=2)) == []
    assert said(cells(strategies=1, replicates=1)) == []  # nothing is compared


def test_few_datasets_are_no_warning_before_anything_is_claimed_of_others():
    assert said(cells(strategies=2, transfers=2)) == []


def test_neither_upper_bounds_nor_what_test_labels_chose_are_comparisons():
    bounds = [cells(strategies=9, replicates=1, upper_bound=True), cells(strategies=9, replicates=1, setting="oracle")]
    assert said(*bounds) == said([]) == []
