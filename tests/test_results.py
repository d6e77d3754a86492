"""The frame and the summary of a results folder, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from tlbench import Record, Results
from tlbench.errors import StoreError
from tlbench.record import Failure
from tlbench.results import COSTS, LABELS, LEDGER
from tlbench.store import Store

ITEMS = 10
RIGHT = {  # right answers of ten, by replicate
    ("scratch", "scratch", "", "1-shot"): (2, 3, 4),
    ("linear-probe", "extract", "", "1-shot"): (5, 7, 6),
    ("finetune", "finetune", "", "1-shot"): (2, 4, 3),
    ("source-only", "adapt", "day", "0"): (6, 6, 5),
    ("dann", "adapt", "day", "0"): (8, 9, 8),
}


def record(strategy, family, source, budget, replicate, right):
    labels = {
        "strategy": strategy, "family": family, "setting": "inductive",
        "baseline": strategy in ("scratch", "source-only"),
        "backbone": "tiny", "dataset": "blobs", "source": source, "target": "night", "transfer": "blobs/night",
        "budget": budget, "replicate": replicate, "seed": 0,
    }  # fmt: skip
    cell = f"{strategy}-{budget}-{replicate}"
    if right is None:
        return Record(cell, {}, labels, {}, {}, {}, failure=Failure("OutOfMemory", "no room"))
    ledger = {"train_labels": 4, "val_labels": 0, "unlabelled_target": 0, "source_labels": 0, "transductive": False,
              "selection": "last", "pretrained_on": "corners"}  # fmt: skip
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
    store.write(one, logits, truth)


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
    assert {"cell", "status", *LABELS, "accuracy", "nll", *LEDGER, *COSTS, "failure", "message", "device"} == set(
        frame.columns
    )
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
