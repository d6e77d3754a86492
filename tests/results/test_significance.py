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


def said(*parts, folds=False):
    return list(significance_warnings((cell for part in parts for cell in part), folds))


def test_five_pairs_can_show_nothing_and_six_one_comparison():
    [sentence] = said(cells(replicates=5))
    assert "with 5 replicates no exact paired test (sign-flip, Wilcoxon) can reach p < 0.05" in sentence
    assert "0.062" in sentence
    assert "--replicates 6" in sentence
    assert said(cells(strategies=2)) == []


def test_holms_correction_takes_more_replicates():
    [sentence] = said(cells(strategies=11, replicates=8))
    assert "for one comparison on a dataset, but not for 10 after Holm's correction" in sentence
    assert "--replicates 9" in sentence
    assert said(cells(strategies=11, replicates=9)) == []


def test_neither_upper_bounds_nor_what_test_labels_chose_are_comparisons():
    bounds = [cells(strategies=9, upper_bound=True), cells(strategies=9, setting="oracle")]
    assert said(cells(strategies=2), *bounds) == []


def test_tuned_rows_and_rules_are_comparisons():
    assert said(cells(strategies=2), cells(strategies=2, tuned="10 trials", baseline=False))


def test_datasets_are_the_pairs_of_a_comparison_across_them():
    [sentence] = said(cells(strategies=2, transfers=5))
    assert "5 datasets are too few for a test across datasets: the smallest possible p is 0.062" in sentence
    assert said(cells(strategies=2, transfers=6)) == []
    [sentence] = said(cells(strategies=4, replicates=7, transfers=6))
    assert "with 6 datasets an exact test across datasets" in sentence
    assert "not for 3 after Holm's correction: that takes 7 datasets" in sentence


def test_folds_have_no_exact_test_to_warn_of():
    assert said(cells(replicates=5), folds=True) == []


def test_nothing_at_all_needs_no_warning_but_that_of_no_replicate():
    assert len(said([])) == 1
