"""The frame and the summary of a results folder, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from tlbench import Record, Results
from tlbench.contract import Failure, Predictions
from tlbench.errors import ParameterError, StoreError
from tlbench.results import ROW, Store
from tlbench.results.comparisons import holm
from tlbench.results.results import COSTS, LABELS, LEDGER

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
        "budget": budget, "replicate": replicate, "seed": 0, **given.pop("labels", {}),
    }  # fmt: skip
    cell = "-".join([strategy, budget, str(replicate), *(str(labels.get(key, "")) for key in ("selection", "tuned"))])
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
        "did_not_learn",
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
    assert (found["delta"], found["delta_low"], found["delta_high"]) == pytest.approx((0.0, -half, half), abs=5e-5)
    assert (found["delta_n"], found["verdict"]) == (3, "unclear")


def test_an_adaptation_is_compared_with_source_only(store):
    found = row(store, "dann")
    assert (found["baseline"], found["delta_n"]) == ("source-only", 3)
    assert found["delta"] == pytest.approx((0.2 + 0.3 + 0.3) / 3)
    assert found["verdict"] == "unclear"  # three replicates of ten items
    assert found["improvement"] == 1
    assert found["delta_over"] == "replicates and test items"


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
    assert results.headlines() == ["blobs/night, tiny, no label at all: pca-kmeans has clustering-accuracy "
                                   f"0.450 [{0.45 - 0.05 * T1:.3f}, {0.45 + 0.05 * T1:.3f}]; "
                                       "no other row was run to compare it with."]  # fmt: skip


def test_settings_of_one_budget_are_told_apart_and_stand_together(store):
    for replicate in range(2):
        write(store, record("tim", "few-shot", "", "1-shot", replicate, 9, setting="transductive"), 9)
        write(store, record("zz", "few-shot", "", "1-shot", replicate, 5), 5)
    summary = Results(store.folder).summary()
    assert summary["setting"].tolist() == ["inductive"] * 6 + ["transductive"]
    said = "\n".join(Results(store.folder).headlines())
    assert "1 label per class: linear-probe leads with accuracy 0.600" in said
    assert "1 label per class (transductive): tim leads with accuracy 0.900" in said


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


def test_a_row_names_its_rule_and_tuning_and_older_records_have_what_their_protocol_says(store):
    assert ROW[-2:] == ("selection", "tuned")
    assert set(Results(store.folder).frame()["selection"]) == {"last"}
    assert set(Results(store.folder).frame()["tuned"]) == {""}
    one = record("zz", "finetune", "", "1-shot", 0, 5)
    write(store, replace(one, identity={"protocol": {"validation": 0.2}}), 5)
    assert row(store, "zz")["selection"] == "validation"


def test_rows_under_another_rule_or_tuning_have_the_baseline_that_was_treated_alike(store):
    for replicate in range(3):
        for strategy, right in (("source-only", 3), ("dann", 5)):
            for given in ({"selection": "entropy"}, {"selection": "entropy", "tuned": "10 trials"}):
                if strategy == "dann" or not given.get("tuned"):
                    one = record(strategy, "adapt", "day", "0", replicate, right, labels=given)
                    write(store, one, right)
    summary = Results(store.folder).summary().set_index(["strategy", "selection", "tuned"])
    assert summary.loc[("dann", "last", "")]["delta"] == pytest.approx((0.2 + 0.3 + 0.3) / 3)
    entropy = summary.loc[("dann", "entropy", "")]
    assert (entropy["delta"], entropy["baseline"]) == (pytest.approx(0.2), "source-only")
    tuned = summary.loc[("dann", "entropy", "10 trials")]
    assert tuned["delta"] == pytest.approx(0.2)
    assert tuned["baseline"] == "source-only [entropy]"  # the default one, since no tuned one is there
    assert tuned["label"] == "dann [entropy] [10 trials]"
    assert summary["is_baseline"].to_dict()["source-only", "entropy", ""]


def test_what_test_labels_chose_is_compared_with_its_like_and_is_nobodys_baseline(store):
    for replicate in range(3):
        for strategy, right in (("source-only", 7), ("dann", 10)):
            labels = {"selection": "oracle", "setting": "oracle"}
            write(store, record(strategy, "adapt", "day", "0", replicate, right, labels=labels), right)
    summary = Results(store.folder).summary().set_index(["strategy", "setting"])
    assert summary.loc["dann", "oracle"]["delta"] == pytest.approx(0.3)
    assert summary.loc["dann", "inductive"]["delta"] == pytest.approx((0.2 + 0.3 + 0.3) / 3)
    assert summary.loc["dann", "inductive"]["best"]
    assert Results(store.folder, baseline="dann").summary().set_index(["strategy", "setting"]).loc[
        "source-only", "inductive"
    ]["delta"] == pytest.approx(-(0.2 + 0.3 + 0.3) / 3)


def test_a_baseline_can_be_chosen(store):
    summary = Results(store.folder, baseline="linear-probe").summary().set_index("strategy")
    assert summary.loc["scratch", "baseline"] == summary.loc["finetune", "baseline"] == "linear-probe"
    assert summary.loc["scratch", "delta"] == pytest.approx(-0.3)
    assert summary.loc["linear-probe", "is_baseline"]
    assert not summary.loc["scratch", "is_baseline"]
    assert summary.loc["dann", "baseline"] == ""  # no linear probe stands in its place
    with pytest.raises(
        ParameterError, match=r"baseline 'linear-prob'\. Did you mean 'linear-probe'\? There are: dann,"
    ):
        Results(store.folder, baseline="linear-prob")


def test_who_is_best_and_who_ties_with_the_best(store):
    for replicate, right in enumerate((1, 1, 2)):
        write(store, record("poor", "finetune", "", "1-shot", replicate, right), right)
    for replicate in range(3):
        write(store, record("bound", "finetune", "", "1-shot", replicate, 10, upper_bound=True), 10)
    summary = Results(store.folder).summary().set_index(["strategy", "budget"])
    assert summary[summary["best"]].index.tolist() == [("dann", "0"), ("linear-probe", "1-shot")]
    assert summary.loc["linear-probe", "1-shot"]["tied"]
    assert not summary.loc["bound", "1-shot"]["tied"]
    assert not summary.loc["bound", "1-shot"]["best"]
    assert np.isnan(summary.loc["bound", "1-shot"]["p_holm"])
    assert summary.loc["poor", "1-shot"]["label"] == "poor"
    assert summary.loc["bound", "1-shot"]["label"] == "bound (upper bound)"


def test_one_replicate_makes_no_best_where_others_have_more(store):
    write(store, record("lucky", "finetune", "", "1-shot", 0, 10), 10)
    assert not row(store, "lucky")["best"]
    assert row(store, "lucky")["tied"]  # one pair tells nothing apart
    assert row(store, "linear-probe")["best"]


def test_less_is_best_where_less_is_better(store):
    for cell in sorted(store.cells()):
        facts = {"metrics": {"nll": {"higher_is_better": False}}}
        store.write(replace(store.read(cell), provenance=facts))
    assert row(store, "linear-probe", "nll")["best"]
    assert row(store, "dann", "nll")["verdict"] == "better"
    assert not row(store, "dann", "nll")["negative_transfer"]


def test_tests_and_effects_are_those_of_the_paired_differences(store):
    found = row(store, "dann")
    differences = np.array([0.2, 0.3, 0.3])
    # Every replicate has the same items wrong: what varies over them, and what over replicates, by hand.
    items = np.zeros((3, ITEMS))
    items[0, 6:8] = items[1, 6:9] = items[2, 5:8] = 1
    rows, columns = items.mean(axis=1), items.mean(axis=0)
    a, b = ITEMS * rows.var(ddof=1), 3 * columns.var(ddof=1)
    rest = items - rows[:, None] - columns + items.mean()
    total = max(a + b - (rest**2).sum() / (2 * (ITEMS - 1)), a, b)
    error, freedom = np.sqrt(total / (3 * ITEMS)), total**2 / (a**2 / 2 + (total - a) ** 2 / (ITEMS - 1))
    over_both, alone = (
        2 * scipy_stats.t.sf(8 / 30 / error, freedom), scipy_stats.ttest_1samp(differences, 0).pvalue
    )  # fmt: skip
    assert found["p"] == pytest.approx(max(over_both, alone))
    half = scipy_stats.t.ppf(0.975, freedom) * error
    assert (found["delta_low"], found["delta_high"]) == pytest.approx((8 / 30 - half, 8 / 30 + half))
    assert found["effect"] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found["needed_items"] > ITEMS
    probe, finetune = row(store, "linear-probe"), row(store, "finetune")
    corrected = holm(np.array([found["p"], probe["p"], finetune["p"]]))
    assert [found["p_holm"], probe["p_holm"], finetune["p_holm"]] == corrected.tolist()
    assert np.isnan(finetune["needed"])  # no difference at all
    assert np.isnan(row(store, "scratch")["p"])


def test_negative_transfer_is_a_row_that_is_clearly_below_its_baseline(store):
    for replicate in range(3):
        labels = {"baseline": True}
        write(store, record("well", "scratch", "", "full", replicate, 10, labels=labels), 10)
        write(store, record("hurt", "finetune", "", "full", replicate, replicate), replicate)
    for name, budget in (("well", "full"), ("scratch", "1-shot")):
        summary = Results(store.folder, baseline=name).summary()
        hurt = summary[summary["negative_transfer"]]
        assert hurt["strategy"].tolist() == (["hurt"] if budget == "full" else [])


def test_all_pairs_of_a_group_are_compared(store):
    pairs = Results(store.folder).pairwise()
    assert pairs[["a", "b"]].to_numpy().tolist() == [
        ["source-only", "dann"], ["linear-probe", "scratch"], ["finetune", "scratch"], ["finetune", "linear-probe"],
    ]  # fmt: skip
    last = pairs.iloc[-1]
    assert last["delta"] == pytest.approx(-0.3)
    assert (last["n"], last["budget"], last["over"]) == (3, "1-shot", "replicates and test items")
    assert last["p_holm"] == pytest.approx(holm(pairs["p"].to_numpy()[1:])[-1])
    assert last["p"] > 0.01  # equal differences of ten items: no more certain than ten items are
    assert len(Results(store.folder).pairwise("nll")) == 4


def test_a_chosen_baseline_of_several_sources_is_named_with_its_own(store):
    for replicate, right in enumerate((5, 5, 5)):
        write(store, record("cdan", "adapt", "day", "0", replicate, right), right)
        write(store, record("cdan", "adapt", "dusk", "0", replicate, right, labels={"tuned": "dusk"}), right)
    summary = Results(store.folder).summary()
    assert set(summary[summary["budget"] == "0"]["label"]) == {
        "source-only from day", "dann from day", "cdan from day", "cdan from dusk [dusk]",
    }  # fmt: skip
    assert set(summary[summary["budget"] == "1-shot"]["label"]) == {"scratch", "linear-probe", "finetune"}


def test_rules_are_set_against_the_accuracy_that_none_of_them_saw(store):
    def look(step, entropy, accuracy, **others):
        return {"step": step, "scores": {"entropy": entropy, "oracle": accuracy, **others}, "accuracy": accuracy}

    for replicate in range(3):
        looks = [look(1, -0.9, 0.3), look(2, -0.5, 0.5), look(3, -0.7, 0.4 + replicate / 5)]
        one = record("dann", "adapt", "day", "0", replicate, 8, labels={"selection": "entropy"})
        write(store, replace(one, looks=looks), 8)
        again = record("dann", "adapt", "day", "0", replicate, 8, labels={"selection": "oracle", "setting": "oracle"})
        write(store, replace(again, looks=looks), 8)  # the same checkpoints count once
    [found] = Results(store.folder).validators().to_dict("records")
    assert (found["transfer"], found["backbone"], found["budget"], found["rule"]) == (
        "blobs/night",
        "tiny",
        "0",
        "entropy",
    )
    each = [scipy_stats.spearmanr([-0.9, -0.5, -0.7], [0.3, 0.5, 0.4 + i / 5]).statistic for i in range(3)]
    assert found["correlation"] == pytest.approx(np.mean(each))
    assert (found["n"], found["candidates"]) == (3, 3)
    assert -1 <= found["low"] <= found["correlation"] <= found["high"] <= 1


def test_looks_without_an_order_have_no_correlation(store):
    looks = [{"step": step, "scores": {"entropy": 0.5, "few": None}, "accuracy": step / 10} for step in range(4)]
    write(store, replace(record("dann", "adapt", "day", "0", 0, 8), looks=looks), 8)
    assert Results(store.folder).validators().empty
    assert "rule" in Results(store.folder).validators()


def test_equal_parts_of_records_are_kept_once_and_unequal_ones_apart(store):
    provenance = {"dataset": {"version": "1", "sizes": [1, 2]}, "flag": {"on": True}, "number": {"on": 1}}
    for replicate in range(2):
        one = record("zz", "finetune", "", "1-shot", replicate, 5)
        write(store, replace(one, provenance=provenance, notes={"loss": 0.5}), 5)
    first, second = (each for each in Results(store.folder).records if each.labels["strategy"] == "zz")
    assert first.provenance == second.provenance == provenance
    assert first.provenance["dataset"] is second.provenance["dataset"]
    assert first.provenance["flag"]["on"] is True
    assert first.provenance["number"]["on"] is not True
    assert first == store.read(first.cell)


def test_predictions_that_cannot_be_read_are_named(store):
    (store.records_folder / "dann-0-1--.safetensors").write_bytes(b"12345678 no safetensors")
    with pytest.raises(StoreError, match="dann-0-1--"):
        Results(store.folder).summary()
    assert len(Results(store.folder).summary("nll")) == 5  # which asks for none
    store.write(store.read("dann-0-1--"), Predictions(np.zeros((4, 2), dtype=np.float32), np.zeros(3, dtype=np.int64)))
    with pytest.raises(StoreError, match=r"predictions of dann-0-1-- .*do not fit together"):
        Results(store.folder).summary()


def test_what_the_records_are_too_few_for_is_said_without_a_plan_too(store):
    assert not Results(store.folder).warnings
    alone = Store(store.folder.parent / "alone", create=True)
    for key in RIGHT:
        write(alone, record(*key, 0, 5), 5)
    assert any("one replicate says nothing of other labels" in text for text in Results(alone.folder).warnings)


def test_costs_are_means_over_replicates(store):
    costs = Results(store.folder).costs()
    assert set(costs["fit_seconds"]) == {2.0}
    assert {"tuning_seconds", "selection", "tuned"} <= set(costs.columns)
    assert isinstance(costs, pd.DataFrame)


def test_headlines_name_the_leader_and_whether_adaptation_helped(store):
    text = "\n".join(Results(store.folder).headlines())
    assert "linear-probe leads with accuracy 0.600" in text
    assert "dann leads with accuracy 0.833 [0.495, 1.000], not clearly ahead of source-only" in text


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
    assert not results.warnings


def test_names_of_strangers_are_escaped_in_a_notebook(suite, run_suite, resources):
    store = run_suite(suite(), resources)
    path = next((store.folder / "records").glob("*.json"))
    path.write_text(path.read_text().replace('"strategy": "linear-probe"', '"strategy": "<script>x</script>"'))
    assert "<script>" not in Results(store.folder)._repr_html_()
