"""The charts of a report: what each shows is what the records say, and there are never too many."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from report_records import make_record

from tlbench import Results
from tlbench.contract import Predictions
from tlbench.results import Store
from tlbench.results.across_blocks import block_ranks, critical_difference, inseparable
from tlbench_reports import calibration_plot, confusion_plot, selection_plot, tuning_curve
from tlbench_reports.charts import PLACES, charts, write
from tlbench_reports.cost_curve import Cost, amounts
from tlbench_reports.critical_difference import bars_of
from tlbench_reports.critical_difference import critical_difference as draw_critical_difference
from tlbench_reports.drawing import Look, render
from tlbench_reports.tsne import divergence, tsne

CLASSES = 3
ITEMS = 30
ROWS = {"scratch": ("scratch", 15), "linear-probe": ("extract", 20), "finetune": ("finetune", 25), "lora": ("peft", 9)}


def predictions(right, features=None, seed=0):
    """Return predictions of which the first `right` are right, with features of all items to show if asked for."""
    labels = np.arange(ITEMS) % CLASSES
    logits = np.zeros((ITEMS, CLASSES), dtype=np.float32)
    logits[np.arange(ITEMS), np.where(np.arange(ITEMS) < right, labels, (labels + 1) % CLASSES)] = 2
    shown = {}
    if features:
        points = np.random.default_rng(seed).normal(size=(ITEMS, 5)) + 4 * np.eye(CLASSES, 5)[labels]
        shown = {"shown_rows": np.arange(ITEMS), features: points.astype(np.float16)}
    return Predictions(logits, labels.astype(np.int64), 1, **shown)


def stored(folder, entries):
    """Write (record, predictions) pairs as a results folder."""
    store = Store(folder, create=True)
    for number, (record, said) in enumerate(entries):
        accuracy = float((said.logits.argmax(1) == said.labels).mean())
        store.write(replace(record, cell=f"c{number}", scores={"accuracy": accuracy}), said)
    store.write_plan({"suite": {"name": "quick"}})
    return Results(folder)


def entries(datasets=1, *, budgets=("5-shot",), features=True):
    for place in range(datasets):
        for strategy, (family, right) in ROWS.items():
            for budget in budgets:
                for replicate in range(3):
                    kind = "shown_after" if family in ("finetune", "scratch") else "shown_before"
                    shown = kind if features and replicate == 0 else None
                    names = {"transfer": f"data{place}", "dataset": f"data{place}", "target": "all"}
                    record = make_record(strategy, replicate, right, family=family, budget=budget, **names)
                    yield record, predictions(right + replicate + place % 3, shown)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return the charts of one dataset by the beginning of their names, and each as an SVG on demand."""
    return by_kind(charts(stored(tmp_path_factory.mktemp("one"), entries())))


def by_kind(found):
    return {chart.name.split("-1-")[0]: chart for chart in found}


def words(chart):
    [picture] = render(chart, "svg")
    return [element.text for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


# Differences


def test_differences_are_sorted_and_each_point_tells_its_value(drawn):
    shown = words(drawn["differences"])
    names = [name for name in shown if name in ROWS]
    assert names == ["finetune", "linear-probe", "lora"]
    [picture] = render(drawn["differences"], "svg")
    told = re.findall(r"<title>(lora, label budget 5-shot: -0\.200 \([^<]*\))</title>", picture.decode())
    assert len(told) == 1
    assert "n = 3" in drawn["differences"].caption


# Costs


def test_costs_that_do_not_tell_rows_apart_or_are_not_known_are_said_and_not_drawn(drawn, tmp_path):
    assert "parameters trained (1,000)" in drawn["costs"].caption if "costs" in drawn else True
    some = []
    for i, (record, said) in enumerate(entries()):
        costs = {**record.costs, "parameters_trained": 10.0 ** (i // 3), "peak_memory_bytes": None}
        some.append((replace(record, costs=costs), said))
    chart = by_kind(charts(stored(tmp_path, some)))["costs"]
    shown = words(chart)
    assert "parameters trained (log scale)" in shown
    assert "FLOPs per example (log scale)" not in shown
    assert "FLOPs per example (42 M)" in chart.caption
    assert "Not known: peak memory, bytes." in chart.caption


def test_time_for_tuning_and_for_a_shared_source_training_counts_as_training():
    row = {"strategy": "a", "fit_seconds": 2.0, "prepare_seconds": float("nan"), "tuning_seconds": 30.0}
    cost = Cost("seconds to train", ("fit_seconds", "prepare_seconds", "tuning_seconds"), is_time=True)
    assert amounts([row], cost) == {("a",): 32.0}
    assert amounts([{**row, "fit_seconds": float("nan")}], cost) == {}


# Ranks over datasets


def across_of(scores):
    """Return what a comparison over datasets has, from scores (candidates, datasets)."""
    names = [f"s{i}" for i in range(len(scores))]
    ranks = block_ranks(scores)
    difference = critical_difference(*scores.shape)
    return SimpleNamespace(
        metric="accuracy", higher_is_better=True, budget="5-shot", setting="inductive", candidates=tuple(names),
        blocks=tuple(map(str, range(scores.shape[1]))), friedman_p=0.01, warning="",
        ranks=pd.DataFrame({"candidate": names, "mean_rank": ranks.mean(axis=1)}),
        critical_difference=difference,
        groups=tuple(tuple(names[i] for i in group) for group in inseparable(ranks.mean(axis=1), difference)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_bars_of_the_critical_difference_join_whom_scikit_posthocs_does_not_tell_apart(seed):
    posthocs = pytest.importorskip("scikit_posthocs")
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(6, 12)) + 0.6 * np.arange(6)[:, None]
    across = across_of(scores)
    p = posthocs.posthoc_nemenyi_friedman(scores.T).to_numpy()
    ranks = dict(zip(across.ranks["candidate"], across.ranks["mean_rank"], strict=True))
    bars = bars_of(across, list(ranks))
    for i in range(6):
        for j in range(i):
            low, high = sorted((ranks[f"s{i}"], ranks[f"s{j}"]))
            joined = any(start <= low and high <= end for start, end in bars)
            assert joined == (p[i, j] > 0.05)
    assert 0 < sum(p[i, j] > 0.05 for i in range(6) for j in range(i)) < 15


def test_the_critical_difference_diagram_writes_every_name_with_its_mean_rank():
    scores = np.arange(5)[:, None] + np.random.default_rng(0).normal(size=(5, 9))
    across = across_of(scores)
    style = {name: Look("#000000", "o", "-") for name in across.candidates}
    shown = " ".join(words(draw_critical_difference(across, "x", "here", style)))
    for name, rank in across.ranks.itertuples(index=False):
        assert f"{name}  {rank:.2f}" in shown or f"{rank:.2f}  {name}" in shown
    assert f"CD = {across.critical_difference:.2f}" in shown


def test_several_datasets_have_charts_of_ranks_and_profiles_and_one_has_none(drawn, tmp_path):
    found = {chart.name: chart for chart in charts(stored(tmp_path, entries(3, features=False)))}
    assert {"ranks-5-shot", "critical-difference-5-shot", "profile-5-shot", "heat-map-5-shot"} <= set(found)
    assert not [name for name in drawn if name.startswith(("ranks", "heat-map"))]
    assert "3 of 3" in words(found["ranks-5-shot"])


def test_charts_are_few_however_many_datasets_there_are_and_say_so(tmp_path):
    found = charts(stored(tmp_path, entries(PLACES + 5, features=False)))
    assert len([chart for chart in found if chart.name.startswith("differences-")]) == PLACES
    assert all(f"{PLACES} of {PLACES + 5}" in chart.caption for chart in found if chart.name.startswith("cost-"))
    [heat_map] = [chart for chart in found if chart.name.startswith("heat-map")]
    assert f"The first 10 of {PLACES + 5}" in heat_map.caption
    assert len([chart for chart in found if chart.name.startswith("calibration-")]) == 2


def test_very_many_records_have_charts_of_one_place_and_one_comparison(tmp_path, monkeypatch):
    results = stored(tmp_path, entries(4, features=False))
    monkeypatch.setattr("tlbench_reports.charts.MANY_RECORDS", len(results.records))
    found = [chart.name for chart in charts(results)]
    for kind in ("ranks-", "profile-", "differences-", "cost-", "calibration-"):
        assert len([name for name in found if name.startswith(kind)]) == 1, kind


# Calibration and confusions


def test_bins_hold_equal_counts_and_their_shares_are_those_of_the_predictions():
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(200, 4)).astype(np.float32) * 3
    labels = draw.integers(0, 4, 200)
    found = calibration_plot.bins([Predictions(logits, labels)])
    assert [each.n for each in found] == [20] * 10
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sure, right = shares.max(axis=1), logits.argmax(axis=1) == labels
    order = np.argsort(sure)[:20]
    assert found[0].confidence == pytest.approx(sure[order].mean(), rel=1e-6)
    assert found[0].accuracy == pytest.approx(right[order].mean())
    error = sum(20 * abs(each.accuracy - each.confidence) for each in found) / 200
    assert calibration_plot.expected_calibration_error(found) == pytest.approx(error)


def test_predictions_that_are_equally_sure_share_a_bin_and_logits_that_are_no_numbers_none():
    logits = np.zeros((50, 2), dtype=np.float32)
    logits[:5] = np.nan
    [only] = calibration_plot.bins([Predictions(logits, np.zeros(50, dtype=np.int64))])
    assert (only.confidence, only.accuracy, only.n) == (0.5, 1.0, 45)
    assert calibration_plot.bins([Predictions(logits[:5], np.zeros(5, dtype=np.int64))]) == []


def test_the_calibration_plot_has_a_panel_for_the_best_and_one_for_the_baseline(drawn):
    shown = words(drawn["calibration"])
    assert [name for name in shown if name in ROWS] == ["finetune", "linear-probe", "lora", "scratch"]
    assert "90 predictions" in drawn["calibration"].caption


def test_confusions_are_counted_true_classes_down():
    said = predictions(20)
    matrix = confusion_plot.counts([said, said])
    assert matrix.sum() == 2 * ITEMS
    assert matrix[0, 0] == 2 * sum(1 for i in range(20) if i % 3 == 0)
    assert matrix[0, 1] == 2 * sum(1 for i in range(20, 30) if i % 3 == 0)
    assert matrix[1, 0] == 0
    assert confusion_plot.shares(np.array([[1, 3], [0, 0]])).tolist() == [[0.25, 0.75], [0, 0]]


def test_of_many_classes_those_that_are_confused_are_shown_and_the_caption_says_so(tmp_path):
    labels = np.tile(np.arange(40), 2)
    logits = np.eye(40, dtype=np.float32)[labels]
    logits[labels == 17] = np.eye(40, dtype=np.float32)[33]
    assert {17, 33} <= set(confusion_plot.most_confused([confusion_plot.counts([Predictions(logits, labels)])], 4))
    some = [(make_record("scratch", 0, 20, family="scratch"), Predictions(logits, labels))]
    chart = by_kind(charts(stored(tmp_path, some)))["confusion"]
    assert "Of 40 classes the 12" in chart.caption
    assert {"17", "33", "100"} <= set(words(chart))


# Features


def test_tsne_shows_as_much_of_its_points_as_scikit_learns():
    from sklearn.datasets import load_iris
    from sklearn.manifold import TSNE

    points = load_iris().data[::2]
    theirs = TSNE(method="exact", init="pca", perplexity=20, random_state=0, max_iter=500, n_jobs=1)
    place = theirs.fit_transform(points)
    assert divergence(points, place, 20) == pytest.approx(theirs.kl_divergence_, rel=1e-3)
    assert divergence(points, tsne(points, 20), 20) < 1.1 * theirs.kl_divergence_


def test_tsne_is_the_same_every_time_and_bears_points_that_coincide():
    points = np.vstack([np.zeros((15, 4)), np.ones((15, 4))])
    place = tsne(points)
    assert np.isfinite(place).all()
    assert (tsne(points) == place).all()


def test_the_embedding_shows_the_backbone_before_and_the_best_trained_ones_after(drawn, tmp_path):
    shown = words(drawn["embedding"])
    titles = [text for text in shown if text.startswith(("before", "after"))]
    assert titles == ["before training", "after finetune", "after scratch"]
    assert {"0", "1", "2", "class"} <= set(shown)
    assert not drawn["embedding"].exact
    assert "embedding" not in by_kind(charts(stored(tmp_path, entries(features=False))))


# Tuning and selection


def trial(score, accuracy):
    return {"parameters": {}, "score": score, "accuracy": accuracy, "seconds": 1.0, "best": False}


def test_the_tuning_curve_follows_the_score_that_chooses_not_the_accuracy():
    one = SimpleNamespace(trials=[trial(0.5, 0.6), trial(0.4, 0.9), trial(0.7, 0.5), trial(0.7, 0.99), trial(0.1, 0.1)])
    two = SimpleNamespace(trials=[trial(None, None), trial(0.2, 0.3), trial(0.1, 0.8), trial(0.3, 0.4)])
    found = tuning_curve.best_so_far([one, two])
    np.testing.assert_array_equal(found, [[0.6, 0.6, 0.5, 0.5], [np.nan, 0.3, 0.3, 0.4]])


def test_a_tuned_row_has_a_curve_beside_its_default(tmp_path):
    some = list(entries())
    for replicate in range(3):
        record = make_record("finetune", replicate, 25, family="finetune", transfer="data0", dataset="data0")
        trials = [trial(0.1 * i, 0.5 + 0.05 * i) for i in range(5)]
        some.append((replace(record, labels={**record.labels, "tuned": "5 trials", "target": "all"}, trials=trials),
                     predictions(28)))  # fmt: skip
    found = by_kind(charts(stored(tmp_path, some)))
    assert {"finetune [5 trials]", "not tuned", "trials"} <= set(words(found["tuning"]))
    assert {"finetune", "finetune [5 trials]"} <= set(words(found["differences"]))


def test_a_rule_is_worth_what_its_first_checkpoint_scores_and_the_oracle_the_most():
    looks = [
        {"step": 1, "scores": {"entropy": 0.5}, "accuracy": 0.7},
        {"step": 2, "scores": {"entropy": 0.9, "source-validation": 0.1}, "accuracy": 0.6},
        {"step": 3, "scores": {"entropy": 0.9, "source-validation": 0.2}, "accuracy": 0.65},
    ]
    assert selection_plot.chosen(looks) == {
        "entropy": 0.6, "source-validation": 0.65, "last checkpoint": 0.65, "oracle": 0.7
    }  # fmt: skip
    assert selection_plot.chosen([{"step": 1, "scores": {}, "accuracy": None}]) == {}


def test_selection_rules_stand_beside_the_oracle(tmp_path):
    some = []
    for replicate in range(3):
        record = make_record("dann", replicate, 20, family="adapt", budget="0", source="typed")
        looks = [
            {"step": i, "scores": {"entropy": float(i)}, "accuracy": 0.5 + i / 20 + replicate / 50} for i in range(6)
        ]
        some.append((replace(record, labels={**record.labels, "selection": "entropy"}, looks=looks), predictions(20)))
    chart = by_kind(charts(stored(tmp_path, some)))["selection"]
    assert {"entropy", "oracle", "last checkpoint", "rank correlation with test accuracy"} <= set(words(chart))


# Drawing


def test_a_picture_for_the_page_has_no_caption_and_is_cut_to_what_is_left(drawn):
    chart = drawn["scores"]
    [alone] = render(chart, "svg")
    [inside] = render(chart, "svg", standalone=False)
    assert b"Points: means over" in alone
    assert b"Points: means over" not in inside
    heights = [float(re.search(rb'height="([\d.]+)pt"', picture).group(1)) for picture in (alone, inside)]
    assert heights[1] < heights[0] - 20
    assert ElementTree.fromstring(inside).get("viewBox").split()[3] == f"{heights[1]:g}"


def test_a_chart_is_the_same_whichever_format_was_asked_for_first(tmp_path):
    some = [(make_record("scratch", i, 20, family="scratch"), predictions(20 + i)) for i in range(2)]
    stored(tmp_path, some)
    [first, *_] = charts(Results(tmp_path))
    [second, *_] = charts(Results(tmp_path))
    png, svg = render(first, "png", "svg")
    inside = render(first, "svg", standalone=False)
    assert render(second, "svg", standalone=False) == inside
    assert render(second, "svg", "png") == [svg, png]


def test_results_without_their_predictions_have_all_charts_that_need_none(tmp_path, monkeypatch):
    stored(tmp_path, ((replace(record, scores={}), said) for record, said in entries()))
    from tlbench.errors import StoreError
    from tlbench_reports.leading import predictions as read

    results = Results(tmp_path)
    row = {**results.summary().iloc[0]}

    def lost(cell):
        raise StoreError(f"no {cell}")

    assert len(read(results, row)) == 3
    monkeypatch.setattr(results.store, "predictions", lost)
    assert read(results, row) == []


def test_charts_of_an_earlier_report_go_and_files_of_the_user_stay(tmp_path):
    some = [(make_record("scratch", i, 20, family="scratch"), predictions(20 + i)) for i in range(2)]
    results = stored(tmp_path, some)
    (tmp_path / "charts").mkdir()
    for name in ("old.svg", "mine.svg"):
        (tmp_path / "charts" / name).write_text("")
    again = "charts/scores-1-digits-handwritten-tiny-letters.svg"
    listed = ["charts/old.svg", again, "tables/summary.md", "charts/../tlbench.json"]
    (tmp_path / "reports.json").write_text(json.dumps({"files": listed}))
    write(results, tmp_path)
    there = {path.name for path in (tmp_path / "charts").iterdir()}
    assert {"mine.svg", "scores-1-digits-handwritten-tiny-letters.svg"} <= there
    assert "old.svg" not in there
    assert (tmp_path / "tlbench.json").is_file()
