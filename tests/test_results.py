"""The frame and the summary of a results folder, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from tlbench import Record, Results
from tlbench.errors import StoreError
from tlbench.predictions import Predictions
from tlbench.record import Failure
from tlbench.results import COSTS, LABELS, LEDGER
from tlbench.store import Store

ITEMS = 10
T1 = scipy_stats.t.ppf(0.975, 1)
RIGHT = {  # right answers of ten, by replicate
    ("scratch", "scratch", "", "1-shot"): (2, 3, 4),
    ("linear-probe", "extract", "", "1-shot"): (5, 7, 6),
    ("finetune", "finetune", "", "1-shot"): (2, 4, 3),
    ("source-only", "adapt", "day", "0"): (6, 6, 5),
    ("dann", "adapt", "day", "0"): (8, 9, 8),
}


def record(strategy, family, source, budget, replicate, right, setting="inductive", **given):
    labels = {
        "strategy": strategy, "family": family, "setting": setting, "upper_bound": given.get("upper_bound", False),
        "baseline": strategy in ("scratch", "source-only"),
        "backbone": "tiny", "dataset": "blobs", "source": source, "target": "night", "transfer": "blobs/night",
        "budget": budget, "replicate": replicate, "seed": 0,
    }  # fmt: skip
    cell = f"{strategy}-{budget}-{replicate}"
    if right is None:
        return Record(cell, {}, labels, {}, {}, {}, failure=Failure("OutOfMemory", "no room"))
    ledger = {"train_labels": 4, "val_labels": 0, "unlabelled_target": 0, "source_labels": 0, "transductive": False,
              "selection": "last", "pretrained_on": "corners", **given}  # fmt: skip
    costs = {name: float(replicate + 1) for name in COSTS}
    return Record(
        cell,
        {},
        labels,
        {"nll": 1.0 - right / ITEMS, "accuracy": right / ITEMS},
        ledger,
        costs,
        environment={"device": "cpu"},
    )


def write(store, one, right):
    if right is None:
        store.write(one)
        return
    truth = np.zeros(ITEMS, dtype=np.int64)
    logits = np.zeros((ITEMS, 2), dtype=np.float32)
    logits[right:, 1] = 1.0
    store.write(one, Predictions(logits, truth))


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "out", create=True)
    for key, counts in RIGHT.items():
        for replicate, right in enumerate(counts):
            write(store, record(*key, replicate, right), right)
    return store


def row(store, strategy, metric=None):
    summary = Results(store.folder).summary(metric)
    (found,) = [each for _, each in summary.iterrows() if each["strategy"] == strategy]
    return found


def test_the_frame_has_one_tidy_row_per_record(store):
    frame = Results(store.folder).frame()
    assert len(frame) == 15
    assert {
        "cell",
        "status",
        *LABELS,
        "accuracy",
        "nll",
        *LEDGER,
        *COSTS,
        "source_accuracy",
        "folds",
        "failure",
        "message",
        "device",
    } == set(frame.columns)
    probe = frame[(frame["strategy"] == "linear-probe") & (frame["replicate"] == 1)].iloc[0]
    assert (probe["accuracy"], probe["status"], probe["train_labels"], probe["device"]) == (0.7, "ok", 4, "cpu")


def test_changing_a_frame_changes_no_later_one(store):
    results = Results(store.folder)
    frame = results.frame()
    frame["accuracy"] = 0
    assert results.frame()["accuracy"].max() == 0.9


def test_a_mean_has_the_t_interval_of_its_replicates(store):
    values = np.array([0.5, 0.7, 0.6])
    half = scipy_stats.t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    found = row(store, "linear-probe")
    assert (found["mean"], found["seed_low"], found["seed_high"]) == pytest.approx((0.6, 0.6 - half, 0.6 + half))
    assert (found["n"], found["failed"], found["n_items"]) == (3, 0, ITEMS)
    assert found["item_low"] < 0.6 < found["item_high"]


def test_a_difference_is_paired_by_replicate_with_the_scratch_of_the_same_setting(store):
    found = row(store, "finetune")
    half = scipy_stats.t.ppf(0.975, 2) * np.std([0.0, 0.1, -0.1], ddof=1) / np.sqrt(3)
    assert found["baseline"] == "scratch"
    assert (found["delta"], found["delta_low"], found["delta_high"]) == pytest.approx((0.0, -half, half), abs=1e-12)
    assert (found["delta_n"], found["verdict"]) == (3, "unclear")


def test_an_adaptation_is_compared_with_source_only(store):
    found = row(store, "dann")
    assert (found["baseline"], found["delta_n"]) == ("source-only", 3)
    assert found["delta"] == pytest.approx((0.2 + 0.3 + 0.3) / 3)
    assert found["verdict"] == "better"


def test_a_baseline_is_compared_with_nothing(store):
    assert row(store, "scratch")["baseline"] == row(store, "source-only")["baseline"] == ""
    assert np.isnan(row(store, "scratch")["delta"])


def test_failures_are_counted_and_leave_the_others_their_pairs(store):
    write(store, record("linear-probe", "extract", "", "1-shot", 1, None), None)
    found = row(store, "linear-probe")
    assert (found["n"], found["failed"], found["delta_n"]) == (2, 1, 2)
    assert (found["mean"], found["delta"]) == pytest.approx((0.55, (0.3 + 0.2) / 2))
    frame = Results(store.folder).frame()
    failed = frame[frame["status"] == "failed"].iloc[0]
    assert (failed["failure"], failed["message"]) == ("OutOfMemory", "no room")
    assert np.isnan(failed["accuracy"])


def test_a_row_whose_every_cell_failed_stays_a_row(store):
    for replicate in range(3):
        write(store, record("lora", "finetune", "", "1-shot", replicate, None), None)
    found = row(store, "lora")
    assert (found["n"], found["failed"], found["verdict"]) == (0, 3, "")
    assert np.isnan(found["mean"])


def test_a_folder_in_which_everything_failed_still_has_a_summary(tmp_path):
    store = Store(tmp_path / "failed", create=True)
    write(store, record("lora", "finetune", "", "1-shot", 0, None), None)
    results = Results(store.folder)
    assert results.summary()["failed"].tolist() == [1]
    assert results.headlines() is not None


def test_other_metrics_have_a_summary_too_without_item_intervals(store):
    found = row(store, "linear-probe", "nll")
    assert found["mean"] == pytest.approx(0.4)
    assert found["n_items"] == 0


def test_the_order_of_rows_is_that_of_budgets_and_families_and_not_of_writing(store):
    summary = Results(store.folder).summary()
    assert summary["strategy"].tolist() == ["dann", "source-only", "scratch", "linear-probe", "finetune"]


EPISODES = {0: (0.5, 0.75, 1.0, 0.25), 1: (1.0, 0.75, 0.75, 0.5)}  # accuracy of each, by replicate


def write_episodes(store):
    for replicate, accuracies in EPISODES.items():
        right = np.concatenate([np.arange(4) < 4 * accuracy for accuracy in accuracies])
        logits = np.stack([right, ~right], axis=1).astype(np.float32)
        one = record("prototypes", "few-shot", "", "2-way 1-shot", replicate, 0, episodes=4)
        one = replace(one, scores={"accuracy": float(np.mean(accuracies))})
        store.write(one, Predictions(logits, np.zeros(16, dtype=np.int64), episodes=4))


def test_the_interval_over_episodes_is_the_t_interval_of_their_accuracies(store):
    write_episodes(store)
    accuracies = np.concatenate(list(EPISODES.values()))
    low, high = scipy_stats.t.interval(0.95, 7, accuracies.mean(), scipy_stats.sem(accuracies))
    found = row(store, "prototypes")
    assert (found["episode_low"], found["episode_high"]) == pytest.approx((low, high), rel=1e-12)
    assert (found["n_episodes"], found["n"], found["mean"]) == (8, 2, pytest.approx(accuracies.mean()))
    assert found["n_items"] == 0
    assert np.isnan(found["item_low"])
    assert row(store, "scratch")["n_episodes"] == 0


def write_clusters(store):
    for replicate in range(2):
        one = record("pca-kmeans", "unsupervised", "", "0", replicate, 0, setting="unsupervised")
        scores = {"clustering-accuracy": 0.4 + replicate / 10, "nmi": 0.3, "ari": 0.2}
        write(store, replace(one, scores=scores), 4)


def test_no_summary_holds_both_labelled_rows_and_clusterings(store):
    assert Results(store.folder).primaries == ("accuracy",)
    write_clusters(store)
    results = Results(store.folder)
    assert results.primaries == ("accuracy", "clustering-accuracy")
    for metric in ("accuracy", "nll"):
        assert "pca-kmeans" not in set(results.summary(metric)["strategy"])
    for metric in ("clustering-accuracy", "nmi", "ari"):
        assert set(results.summary(metric)["strategy"]) == {"pca-kmeans"}
    assert results.summary("clustering-accuracy")["mean"].tolist() == [pytest.approx(0.45)]


def test_clusterings_that_all_failed_are_still_rows_of_their_own_summary(store):
    one = record("spectral", "unsupervised", "", "0", 0, None, setting="unsupervised")
    write(store, one, None)
    results = Results(store.folder)
    assert results.primaries == ("accuracy", "clustering-accuracy")
    assert results.summary("clustering-accuracy")["failed"].tolist() == [1]
    assert "spectral" not in set(results.summary()["strategy"])


def test_clusterings_alone_are_shown_by_their_own_metric(tmp_path):
    store = Store(tmp_path / "clusters", create=True)
    write_clusters(store)
    results = Results(store.folder)
    assert (results.metric, results.primaries) == ("clustering-accuracy", ("clustering-accuracy",))
    assert results.headlines() == ["blobs/night, tiny, no label at all: pca-kmeans leads with clustering-accuracy "
                                   f"0.450 [{0.45 - 0.05 * T1:.3f}, {0.45 + 0.05 * T1:.3f}]."]  # fmt: skip


def test_settings_of_one_budget_are_told_apart_and_stand_together(store):
    for replicate in range(2):
        write(store, record("tim", "few-shot", "", "1-shot", replicate, 9, setting="transductive"), 9)
        write(store, record("zz", "few-shot", "", "1-shot", replicate, 5), 5)
    summary = Results(store.folder).summary()
    assert summary["setting"].tolist() == ["inductive"] * 6 + ["transductive"]
    said = "\n".join(Results(store.folder).headlines())
    assert "1 label per class: linear-probe leads with accuracy 0.600" in said
    assert "1 label per class, transductive: tim leads with accuracy 0.900" in said


def test_an_upper_bound_is_last_of_its_family_known_even_where_it_failed_and_leads_nowhere(store):
    for replicate, right in enumerate((10, 10, None)):
        write(store, record("a-bound", "adapt", "", "0", replicate, right, upper_bound=True), right)
    results = Results(store.folder)
    assert results.summary()["strategy"].tolist()[:3] == ["dann", "source-only", "a-bound"]
    assert row(store, "a-bound")["upper_bound"]
    assert not row(store, "dann")["upper_bound"]
    frame = results.frame()
    assert frame[frame["strategy"] == "a-bound"]["upper_bound"].tolist() == [True] * 3
    assert "a-bound" not in "".join(results.headlines())


def test_scores_on_the_source_are_averaged_over_replicates(store):
    for replicate in range(2):
        one = record("multi-task", "multi-task", "day", "1-shot", replicate, 5)
        tasks = {"target": {"accuracy": 0.5}, "source": {"accuracy": 0.8 + replicate / 10}}
        write(store, replace(one, tasks=tasks), 5)
    assert row(store, "multi-task")["source_accuracy"] == pytest.approx(0.85)
    assert np.isnan(row(store, "scratch")["source_accuracy"])


def test_costs_are_means_over_replicates(store):
    costs = Results(store.folder).costs()
    assert set(costs["fit_seconds"]) == {2.0}
    assert isinstance(costs, pd.DataFrame)


def test_headlines_name_the_leader_and_whether_adaptation_helped(store):
    text = "\n".join(Results(store.folder).headlines())
    assert "linear-probe leads with accuracy 0.600" in text
    assert "dann beats source-only (+26.7 points" in text


def test_an_empty_folder_has_no_results(tmp_path):
    Store(tmp_path / "empty", create=True)
    with pytest.raises(StoreError, match="holds no records yet"):
        Results(tmp_path / "empty")


def test_a_run_from_python_gives_these_results(suite, toy, tmp_path):
    import tlbench

    results = tlbench.run(suite(), out=tmp_path / "out", device="cpu", plugins=[toy])
    assert isinstance(results, Results)
    assert len(results.frame()) == 2
    assert results.suite == "toy"
    assert results.summary()["n"].tolist() == [2]
    assert len(results.warnings) == 1
