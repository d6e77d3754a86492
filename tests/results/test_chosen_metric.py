"""The metric that results go by: from records or stored logits, in its direction, and where it is undefined."""

from dataclasses import replace

import numpy as np
import pytest

from tlbench import Metric, Record, Results
from tlbench.contract import Predictions
from tlbench.errors import ParameterError, UnknownNameError
from tlbench.results import Store

LABELS = np.array([0] * 9 + [1], dtype=np.int64)  # nine of ten are of the first class
ANSWERS = {"scratch": (0, 0, 0), "finder": (1, 2, 1), "keen": (3, 4, 4)}  # of the first class taken for the second


class Offer:
    """Stand in for all that is installed."""

    def __init__(self, *metrics):
        self.metrics = metrics

    def metric_list(self):
        return list(self.metrics)


def found(logits, labels):
    own = labels == 1
    return float((logits[own].argmax(axis=1) == 1).mean()) if own.any() else float("nan")


def false_alarms(logits, labels):
    return float((logits[labels == 0].argmax(axis=1) == 1).sum())


FOUND = Metric("found", found, classes=2, positive=True)
ALARMS = Metric("alarms", false_alarms, higher_is_better=False)
OFFER = Offer(FOUND, ALARMS)


def predictions(strategy, wrong, labels=LABELS):
    logits = np.zeros((len(labels), 2), dtype=np.float32)
    logits[:, 0] = 1.0
    logits[:wrong, 1] = 2.0
    if strategy != "scratch":
        logits[labels == 1, 1] = 2.0
    return Predictions(logits, labels)


def write(store, strategy, replicate, made, **scores):
    labels = {
        "strategy": strategy, "family": "scratch" if strategy == "scratch" else "finetune", "setting": "inductive",
        "baseline": strategy == "scratch", "backbone": "tiny", "dataset": "blobs", "source": "", "target": "night",
        "transfer": "blobs/night", "budget": "1-shot", "replicate": replicate, "seed": 0, "upper_bound": False,
    }  # fmt: skip
    accuracy = float((made.logits.argmax(axis=1) == made.labels).mean())
    store.write(
        Record(
            f"{strategy}-{replicate}", {}, labels, {"accuracy": accuracy, **scores}, {"train_labels": 2},
            {"fit_seconds": 1.0}, provenance={"dataset": {"classes": ["healthy", "ill"]}},
        ),
        made,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "out", create=True)
    for strategy, answers in ANSWERS.items():
        for replicate, wrong in enumerate(answers):
            write(store, strategy, replicate, predictions(strategy, wrong))
    return store


def read(store, metric=None):
    return Results(store.folder, metric=metric, catalog=OFFER)


def rows(results):
    return {row["strategy"]: row for row in results.summary().to_dict("records")}


def test_a_metric_that_no_record_holds_is_computed_from_the_stored_logits(store):
    before = {path.name: path.read_bytes() for path in store.records_folder.iterdir()}
    results = read(store, "found")
    assert {name: row["mean"] for name, row in rows(results).items()} == {"scratch": 0, "finder": 1, "keen": 1}
    assert results.metric == "found"
    assert results.frame()["found"].tolist() == [0] * 3 + [1] * 6
    assert {path.name: path.read_bytes() for path in store.records_folder.iterdir()} == before


def test_a_score_that_a_record_holds_is_not_computed_again(store):
    write(store, "finder", 0, predictions("finder", 1), found=0.25)
    assert read(store, "found").frame().set_index("cell")["found"]["finder-0"] == 0.25


def test_the_metric_decides_who_leads_and_is_named(store):
    by_accuracy, by_found = read(store).headlines()[0], read(store, "found").headlines()[0]
    assert "scratch leads with accuracy 0.900" in by_accuracy
    assert "tie at found 1.000" in by_found
    assert "scratch" not in by_found.partition(" tie")[0]


def test_where_less_is_better_the_least_leads_and_more_is_negative_transfer(store):
    results = read(store, "alarms")
    assert not results.higher_is_better("alarms")
    assert [name for name, row in rows(results).items() if row["best"]] == ["scratch"]
    assert rows(results)["keen"]["verdict"] == "worse"
    assert rows(results)["keen"]["negative_transfer"]
    sentence = results.headlines()[0]
    assert "scratch leads with alarms 0.000" in sentence
    assert "(lower is better)" in sentence
    assert "points" not in sentence


def test_a_difference_that_is_no_share_is_not_said_in_points(store):
    for name in ("finder", "keen"):
        for replicate, wrong in enumerate(ANSWERS[name]):
            write(store, name, replicate, predictions(name, wrong), margin=10.0 + wrong)
    for replicate in range(3):
        write(store, "scratch", replicate, predictions("scratch", 0), margin=5.0)
    assert "+8.667 [" in read(store, "margin").headlines()[0]
    assert "points" in read(store, "found").headlines()[0]


def test_a_metric_that_a_test_set_of_one_class_leaves_undefined_says_so_and_leads_nothing(store):
    write(store, "keen", 1, predictions("keen", 4, np.zeros(10, dtype=np.int64)))
    results = read(store, "found")
    row = rows(results)["keen"]
    assert row["undefined"] == 1
    assert np.isnan(row["mean"])
    assert np.isnan(row["delta"])
    assert not row["best"]
    assert not row["tied"]
    assert list(results.why_undefined().values()) == ["the test labels lack ill (1 replicate)"]
    assert any("found is undefined for keen in some replicates" in each for each in results.headlines())
    assert "nan" not in " ".join(results.headlines())


def test_a_metric_of_two_classes_says_that_there_are_more(store):
    for replicate in range(3):
        made = predictions("finder", 1)
        wide = np.concatenate([made.logits, np.zeros((10, 1), dtype=np.float32)], axis=1)
        three = Metric("found", lambda logits, labels: float("nan"), classes=2)
        write(store, "finder", replicate, Predictions(wide, made.labels))
    results = Results(store.folder, metric="found", catalog=Offer(three))
    assert "it is of 2 classes, and these are 3 (3 replicates)" in results.why_undefined().values()


def test_the_suite_that_was_run_last_chooses_and_an_argument_chooses_otherwise(store):
    store.write_plan({"suite": {"name": "mine", "metric": "alarms"}})
    assert read(store).metric == "alarms"
    assert read(store, "accuracy").metric == "accuracy"


def test_an_unknown_metric_is_refused_with_the_nearest_one(store):
    with pytest.raises(UnknownNameError, match=r"unknown metric 'founds'\. Did you mean 'found'"):
        read(store, "founds")


def test_a_metric_of_clusters_is_refused_where_no_row_is_one(store):
    pure = Metric("purity", found, of="clusters")
    with pytest.raises(ParameterError, match="'purity' is of clusters, and all rows of these results are classifiers"):
        Results(store.folder, metric="purity", catalog=Offer(pure))


def test_an_installed_metric_needs_no_catalog(store):
    results = Results(store.folder, metric="sensitivity")
    assert rows(results)["keen"]["mean"] == 1


def test_scores_of_episodes_are_means_over_these(store):
    one, two = predictions("finder", 1), predictions("scratch", 0)
    for replicate in range(3):
        write(store, "finder", replicate, Predictions.joined([one, two]))
    assert rows(read(store, "found"))["finder"]["mean"] == 0.5


def test_each_class_has_its_recall_precision_and_f1(store):
    from sklearn.metrics import precision_recall_fscore_support

    frame = read(store).by_class()
    for strategy, answers in ANSWERS.items():
        made = [predictions(strategy, wrong) for wrong in answers]
        parts = [
            precision_recall_fscore_support(each.labels, each.logits.argmax(axis=1), labels=[0, 1], zero_division=0)
            for each in made
        ]
        expected = np.mean([np.stack(part[:3]) for part in parts], axis=0)
        own = frame[frame["strategy"] == strategy]
        assert own["class"].tolist() == ["healthy", "ill"]
        assert own["test_items"].tolist() == [9, 1]
        np.testing.assert_allclose(own[["precision", "recall", "f1"]].to_numpy().T, expected)


def test_a_class_without_a_test_item_has_no_recall(store):
    for replicate in range(3):
        write(store, "keen", replicate, predictions("keen", 4, np.zeros(10, dtype=np.int64)))
    frame = read(store).by_class().set_index(["strategy", "class"])
    assert frame.loc[("keen", "ill"), ["recall", "precision", "f1"]].isna().all()
    assert frame.loc[("keen", "healthy"), "recall"] == pytest.approx(0.6)


def test_a_result_that_replicates_repeat_counts_once_for_each_class(tmp_path):
    store = Store(tmp_path / "alike", create=True)
    for replicate in range(3):
        write(store, "keen", replicate, predictions("keen", 4))
        record = store.read(f"keen-{replicate}")
        store.write(replace(record, ledger={"train_labels": 2, "labelled_examples": "all"}), predictions("keen", 4))
    frame = read(store).by_class()
    assert frame["n"].tolist() == [1, 1]
    assert frame[["recall_low", "recall_high"]].isna().all(axis=None)  # no width of 0 from three copies


def right(logits, labels):
    return float((logits.argmax(axis=1) == labels).mean())


def test_the_interval_over_items_of_a_mean_is_as_wide_as_that_of_the_bootstrap(tmp_path):
    store = Store(tmp_path / "out", create=True)
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 400)
    for replicate in range(3):
        logits = (draw.normal(size=(400, 2)) + np.eye(2)[labels]).astype(np.float32)
        write(store, "finder", replicate, Predictions(logits, labels))
    by_bootstrap = rows(Results(store.folder))["finder"]
    chosen = Results(store.folder, metric="share", catalog=Offer(Metric("share", right)))
    by_jackknife = rows(chosen)["finder"]
    assert by_jackknife["n_items"] == 400
    widths = [row["item_high"] - row["item_low"] for row in (by_bootstrap, by_jackknife)]
    assert widths[1] == pytest.approx(widths[0], rel=0.3)
    assert (by_jackknife["item_low"] + by_jackknife["item_high"]) / 2 == pytest.approx(by_bootstrap["mean"])


def test_replicates_on_other_items_have_no_interval_over_items(store):
    write(store, "keen", 1, predictions("keen", 4, LABELS[::-1].copy()))
    assert rows(read(store, "found"))["keen"]["n_items"] == 0


def test_episodes_have_an_interval_of_the_chosen_metric(tmp_path):
    store = Store(tmp_path / "out", create=True)
    one, two = predictions("finder", 1), predictions("scratch", 0)
    for replicate in range(2):
        write(store, "finder", replicate, Predictions.joined([one, two]))
    records = [store.read(cell) for cell in store.cells()]
    for record in records:
        record.ledger["episodes"] = 2
        store.write(record, store.predictions(record.cell))
    row = rows(read(store, "found"))["finder"]
    assert (row["n_episodes"], row["n_items"]) == (4, 0)
    assert row["episode_low"] < 0.5 < row["episode_high"]
