"""Comparisons across datasets: against published values and other libraries, and on results made up for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from tlbench import Record, Results
from tlbench.contract import Predictions
from tlbench.results import Store
from tlbench.results.across import common_support, too_few_blocks
from tlbench.results.across_blocks import (
    beating,
    block_ranks,
    critical_difference,
    friedman_p,
    inseparable,
    interquartile_mean,
    iqm_interval,
    profile,
    rank_intervals,
    thresholds,
)

# AUC of C4.5 and three variants (+m, +cf, +m+cf) on 14 datasets: table 6 of Demsar (2006). Its ranks tell the third
# and fourth of one row apart (voting), by digits that it does not print.
DEMSAR = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.97501, 0.975], [0.957, 0.978, 0.946, 0.970],
]).T  # fmt: skip


def test_ranks_are_the_published_ones():
    assert block_ranks(DEMSAR).mean(axis=1) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert block_ranks(-DEMSAR, higher_is_better=False).tolist() == block_ranks(DEMSAR).tolist()


def test_friedmans_test_is_scipys_and_near_the_published_one():
    assert friedman_p(DEMSAR) == pytest.approx(scipy_stats.friedmanchisquare(*DEMSAR).pvalue)
    # the paper's 9.28 does not correct for ties, as scipy does
    means = block_ranks(DEMSAR).mean(axis=1)
    assert 12 * 14 / (4 * 5) * ((means**2).sum() - 4 * 5**2 / 4) == pytest.approx(9.28, abs=0.01)
    assert np.isnan(friedman_p(DEMSAR[:2]))
    assert np.isnan(friedman_p(np.ones((3, 4))))


@pytest.mark.parametrize(
    ("candidates", "quantile"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_differences_have_the_published_quantiles(candidates, quantile):
    # table 5 (a) of Demsar (2006)
    spread = np.sqrt(candidates * (candidates + 1) / (6 * 14))
    assert critical_difference(candidates, 14) == pytest.approx(quantile * spread, abs=6e-4)


def test_the_published_example_has_its_critical_difference_and_groups():
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.01)
    assert critical_difference(4, 14, alpha=0.1) == pytest.approx(1.12, abs=0.01)
    ranks = block_ranks(DEMSAR).mean(axis=1)
    assert inseparable(ranks, critical_difference(4, 14)) == [(3, 1, 2, 0)]
    assert inseparable(ranks, critical_difference(4, 14, alpha=0.1)) == [(3, 1, 2), (2, 0)]
    assert inseparable(np.array([1.0, 3.0, 5.0]), 0.5) == []


def test_nemenyi_agrees_with_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    p = posthocs.posthoc_nemenyi_friedman(DEMSAR.T).to_numpy()
    ranks = block_ranks(DEMSAR).mean(axis=1)
    for alpha in (0.03, 0.05, 0.1, 0.2):
        apart = np.abs(ranks[:, None] - ranks) > critical_difference(4, 14, alpha)
        assert apart.tolist() == (p < alpha).tolist()


def test_ranks_and_critical_difference_agree_with_autorank():
    autorank = pytest.importorskip("autorank")
    scores = DEMSAR + np.random.default_rng(0).normal(0, 1e-6, DEMSAR.shape)
    found = autorank.autorank(
        pd.DataFrame(scores.T, columns=list("abcd")), force_mode="nonparametric", alpha=0.05, verbose=False
    )
    assert found.cd == pytest.approx(critical_difference(4, 14), abs=1e-3)
    ours = dict(zip("abcd", block_ranks(scores).mean(axis=1), strict=True))
    assert {name: found.rankdf["meanrank"][name] for name in "abcd"} == pytest.approx(ours)


def test_rank_intervals_hold_the_mean_stay_among_the_ranks_and_need_five_blocks():
    ranks = block_ranks(DEMSAR)
    low, high = rank_intervals(ranks)
    assert (low <= ranks.mean(axis=1)).all()
    assert (high >= ranks.mean(axis=1)).all()
    assert low.min() >= 1
    assert high.max() <= 4
    assert np.isnan(rank_intervals(ranks[:, :4])[0]).all()
    assert rank_intervals(ranks)[0].tolist() == low.tolist()


def test_a_rank_that_never_changed_may_still_change():
    low, high = rank_intervals(np.tile(np.array([[1.0], [2.0], [3.0]]), 6))
    unseen = 2 * (1 - 0.025 ** (1 / 6))
    assert (low[0], high[0]) == (1, pytest.approx(1 + unseen))
    assert (low[1], high[1]) == pytest.approx((2 - unseen, 2 + unseen))


def test_a_win_is_a_higher_score_and_a_tie_is_none():
    shares = beating(np.array([[0.5, 0.6, 0.7, 0.8], [0.4, 0.6, 0.8, 0.7]]))
    assert (shares[0, 1], shares[1, 0]) == (0.5, 0.25)
    assert np.isnan(shares[0, 0])
    assert beating(np.array([[0.5, 0.6], [0.4, 0.6]]), higher_is_better=False)[1, 0] == 0.5


def test_the_interquartile_mean_is_scipys_trimmed_mean():
    for n in (1, 3, 4, 7, 30):
        values = np.random.default_rng(n).normal(size=n)
        assert interquartile_mean(values) == pytest.approx(scipy_stats.trim_mean(values, 0.25))


def test_the_interval_of_the_interquartile_mean_is_over_replicates_not_blocks():
    apart = [np.array([0.1, 0.11, 0.12]), np.array([0.9, 0.91, 0.92])]
    middle, low, high = iqm_interval(apart)
    assert low < middle < high
    assert high - low < 0.1  # though the blocks lie 0.8 apart
    assert np.isnan(iqm_interval([np.array([0.5]), np.array([0.6, 0.7])])[1])
    assert np.isnan(iqm_interval([np.empty(0)])[0])


def test_a_profile_is_the_share_of_runs_above_each_threshold_blocks_alike():
    at = thresholds(np.array([0.2, 0.9]))
    assert (at[0], at[-1]) == (0, 1)
    found = profile([np.array([0.25, 0.75]), np.array([0.5])], np.array([0.0, 0.3, 0.6, 1.0]))
    assert found.tolist() == [1.0, 0.75, 0.25, 0.0]
    assert profile([np.array([0.25, 0.75])], np.array([0.5]), higher_is_better=False).tolist() == [0.5]
    assert thresholds(np.array([0.0, 3.0]))[-1] == 3


def test_the_common_support_is_the_largest_block_of_the_table():
    has = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]], dtype=bool)
    assert common_support(has) == ([0, 1, 2], [0, 1, 2])
    assert common_support(np.ones((2, 5), dtype=bool)) == ([0, 1], [0, 1, 2, 3, 4])
    assert common_support(np.array([[1, 0], [0, 1]], dtype=bool)) is None
    assert common_support(np.array([[1, 1, 1]], dtype=bool)) is None


def test_too_few_blocks_are_named_with_how_many_it_takes():
    assert "smallest possible p is 0.062" in too_few_blocks(3, 5)
    assert "6 datasets or more" in too_few_blocks(3, 5)
    assert "after Holm's correction for 9 comparisons. That takes 9 datasets" in too_few_blocks(10, 8)
    assert too_few_blocks(10, 9) == too_few_blocks(2, 6) == ""


BASE = {"scratch": 0.50, "probe": 0.60, "tune": 0.70}
COSTS = {"scratch": 6.0, "probe": 2.0, "tune": 8.0}
FAMILIES = {"scratch": "scratch", "probe": "extract", "tune": "finetune"}


def write(store, strategy, dataset, replicate, score, **labels):
    given = {
        "strategy": strategy, "family": FAMILIES.get(strategy, "adapt"), "setting": "inductive", "upper_bound": False,
        "baseline": strategy == "scratch", "backbone": "tiny", "dataset": dataset, "source": "", "target": "all",
        "transfer": dataset, "budget": "5-shot", "replicate": replicate, "seed": 0, "selection": "last", "tuned": "",
        **labels,
    }  # fmt: skip
    cell = "-".join(str(given[key]) for key in ("strategy", "source", "transfer", "setting", "backbone", "replicate"))
    cell = cell.replace("/", "_")
    costs = {"fit_seconds": COSTS.get(strategy, 1.0), "prepare_seconds": 0.0}
    record = Record(cell, {}, given, {"accuracy": score}, {}, costs)
    right = round(score * 100)
    logits = np.stack([np.arange(100) < right, np.arange(100) >= right], axis=1).astype(np.float32)
    store.write(record, Predictions(logits, np.zeros(100, dtype=np.int64)))
    return record


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "out", create=True)
    generator = np.random.default_rng(0)
    for number in range(6):
        for strategy, base in BASE.items():
            for replicate in range(3):
                score = base + number / 50 + generator.integers(-1, 2) / 100
                write(store, strategy, f"data-{number}", replicate, round(score, 2))
    return store


def test_results_across_datasets_rank_candidates_on_what_all_have(store):
    write(store, "tune", "data-9", 0, 0.9)
    write(store, "late", "data-0", 0, 0.9)
    [across] = Results(store.folder).across()
    assert (across.setting, across.budget, across.metric) == ("inductive", "5-shot", "accuracy")
    assert across.candidates == ("tune", "probe", "scratch")
    assert across.blocks == tuple(f"data-{number}" for number in range(6))
    assert across.dropped == ("data-9",)
    assert dict(across.coverage) == {"scratch": (6, 7), "probe": (6, 7), "tune": (7, 7), "late": (1, 7)}
    assert across.ranks["mean_rank"].tolist() == [1, 2, 3]
    assert across.ranks["wins"].tolist()[1:] == [0, 0]
    assert across.win_matrix.loc["tune", "probe"] == 1
    assert across.noun == "datasets"
    assert across.warning.endswith("for 2 comparisons. That takes 7 datasets.")
    assert across.profile.shape == (3, 101)


def test_the_difference_across_datasets_is_the_t_interval_of_their_differences(store):
    results = Results(store.folder)
    [across] = results.across()
    tune = across.ranks.set_index("candidate").loc["tune"]
    deltas = results.summary().query("strategy == 'tune'")["delta"].to_numpy()
    low, high = scipy_stats.t.interval(0.95, 5, deltas.mean(), scipy_stats.sem(deltas))
    assert (tune["delta"], tune["delta_low"], tune["delta_high"]) == pytest.approx((deltas.mean(), low, high))
    assert (tune["delta_n"], tune["baseline"]) == (6, "scratch")


def test_the_first_sentence_is_about_all_datasets(store):
    first, *others = Results(store.folder).headlines()
    assert first.startswith(
        "At 5 labels per class, tune from tiny is best or tied with best on 6 of 6 datasets; expect +19."
    )
    assert first.endswith(" over scratch (t over 6 datasets); it costs 4x probe.")
    assert len(others) == 6


def test_few_datasets_are_said_to_be_few(store):
    for path in store.records_folder.glob("*data-5*.json"):
        path.unlink()
    results = Results(store.folder)
    assert "on 5 of 5 datasets; expect +" in results.headlines()[0]
    assert "few" not in results.headlines()[0]  # what is claimed does not rest on that test
    assert "That takes 6 datasets or more" in results.across()[0].warning


def test_a_mean_over_two_datasets_is_not_said_to_be_what_to_expect(store):
    for path in store.records_folder.glob("*.json"):
        if not any(f"data-{number}" in path.name for number in (0, 1)):
            path.unlink()
    said = Results(store.folder).headlines()[0]
    assert "over scratch on average of these 2, which says little of others" in said
    assert "expect" not in said


def test_what_test_labels_chose_never_stands_beside_the_others(store):
    for number in range(6):
        for replicate in range(3):
            write(store, "tune", f"data-{number}", replicate, 0.99, setting="oracle", selection="oracle")
            write(store, "bound", f"data-{number}", replicate, 0.99, upper_bound=True)
    results = Results(store.folder)
    [across] = results.across()
    assert across.candidates == ("tune", "probe", "scratch")
    said = results.headlines()
    assert sum("oracle" in sentence for sentence in said) == 1
    assert said[-1].startswith("Upper bound, no fair comparison: 6 rows chosen with test labels (oracle), +")
    assert "bound" not in "".join(said[:-1])


def test_backbones_are_told_apart_where_there_are_several(store):
    for number in range(6):
        for replicate in range(3):
            write(store, "tune", f"data-{number}", replicate, 0.95, backbone="large")
    [across] = Results(store.folder).across()
    assert across.candidates == ("tune on large", "tune on tiny", "probe on tiny", "scratch on tiny")
    assert across.backbone == ""
    assert across.ranks["wins"].tolist() == [6, 0, 0, 0]


def test_a_source_that_all_targets_share_is_part_of_the_candidate(tmp_path):
    store = Store(tmp_path / "shared", create=True)
    for target in ("a", "b", "c"):
        for source, score in (("objects", 0.8), ("glyphs", 0.7)):
            for replicate in range(2):
                write(store, "dann", target, replicate, score, source=source)
    [across] = Results(store.folder).across()
    assert across.candidates == ("dann from objects", "dann from glyphs")
    assert across.blocks == ("a", "b", "c")


def test_a_source_that_is_a_domain_beside_the_target_is_part_of_the_block(tmp_path):
    store = Store(tmp_path / "domains", create=True)
    for target, source in (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")):
        for replicate in range(2):
            for strategy, score in (("dann", 0.8), ("source-only", 0.7)):
                write(store, strategy, "office", replicate, score, source=source, transfer=f"office/{target}")
            write(store, "scratch", "office", replicate, 0.5, transfer=f"office/{target}")
    [across] = Results(store.folder).across()
    assert across.candidates == ("dann", "source-only", "scratch")
    assert across.blocks == (
        "office/a from b", "office/a from c", "office/b from a", "office/c from a",
    )  # fmt: skip
    assert across.noun == "transfers"


def test_less_is_better_for_a_metric_that_says_so(store):
    for cell in store.cells():
        one = store.read(cell)
        provenance = {"metrics": {"nll": {"higher_is_better": False}}}
        store.write(replace(one, scores={**one.scores, "nll": 1 - one.scores["accuracy"]}, provenance=provenance))
    [across] = Results(store.folder).across("nll")
    assert across.candidates == ("tune", "probe", "scratch")
    assert across.win_matrix.loc["tune", "scratch"] == 1


def test_one_dataset_or_one_candidate_is_no_comparison(tmp_path):
    store = Store(tmp_path / "one", create=True)
    for strategy in BASE:
        write(store, strategy, "data", 0, 0.5)
    assert Results(store.folder).across() == []
    write(store, "tune", "other", 0, 0.5)
    assert Results(store.folder).across() == []


def test_many_transfers_of_one_strategy_have_a_mean_and_its_interval(tmp_path):
    store = Store(tmp_path / "alone", create=True)
    scores = [0.5, 0.6, 0.7, 0.55, 0.65]
    for number, score in enumerate(scores):
        write(store, "probe", f"run-{number}", 0, score)
    results = Results(store.folder)
    assert results.across() == []  # nothing to rank against
    [row] = results.mean_over_transfers().to_dict("records")
    low, high = scipy_stats.t.interval(0.95, 4, np.mean(scores), scipy_stats.sem(scores))
    assert (row["candidate"], row["n"]) == ("probe", 5)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.6, low, high))
    assert results.headlines()[0] == (
        f"At 5 labels per class, probe has a mean accuracy of 0.600 [{low:.3f}, {high:.3f}] over 5 transfers "
        "(t over transfers)."
    )
