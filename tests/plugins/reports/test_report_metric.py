"""Reports by a chosen metric: it is named everywhere, stands in its direction, and gaps are words."""

import csv
import re

import numpy as np
import pytest
from report_records import LEVELS, make_record, renamed

import tlbench_reports
from tlbench import Results
from tlbench.contract import Predictions
from tlbench.results import Store
from tlbench_reports.charts import charts
from tlbench_reports.cost_curve import pareto
from tlbench_reports.leading import leaders
from tlbench_reports.measure import measures
from tlbench_reports.page import page
from tlbench_reports.row import worth
from tlbench_reports.rows import summary_rows

CLASSES = ["healthy", "ill"]


def entries():
    return renamed(
        [
            make_record(strategy, replicate, right, family=family, budget=budget)
            for strategy, (family, *levels) in LEVELS.items()
            for budget, rights in zip(("1-shot", "5-shot"), levels, strict=True)
            for replicate, right in enumerate(rights)
        ]
    )


def results(folder, metric, truth=None):
    """Write records whose right answers stand first, and read them by a metric."""
    store = Store(folder, create=True)
    truth = np.arange(40) % 4 == 0 if truth is None else np.asarray(truth)
    labels = truth.astype(np.int64)
    for record in entries():
        record.provenance["dataset"] = {"classes": CLASSES}
        right = round(record.scores.get("accuracy", 0) * 40)
        logits = np.eye(2, dtype=np.float32)[np.where(np.arange(40) < right, labels, 1 - labels)]
        store.write(record, Predictions(logits, labels) if record.ok else None)
    return Results(folder, metric=metric)


def texts(one, folder):
    for reporter in tlbench_reports.tlbench_reporters():
        reporter.write(one, folder)
    return {path.name: path.read_text(encoding="utf-8") for path in (folder / "tables").glob("summary.*")
            if path.suffix != ".parquet"}  # fmt: skip


@pytest.fixture(scope="module")
def by_sensitivity(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sensitivity")
    one = results(folder, "sensitivity")
    return one, texts(one, folder), page(one)


def test_the_metric_and_its_positive_class_are_said_in_every_format(by_sensitivity):
    _, written, html = by_sensitivity
    for text in (written["summary.txt"], written["summary.md"].replace("\\", ""), html):
        assert re.search(r"Scores: sensitivity", text)
        assert "second in the order of classes: ill." in " ".join(text.split())
        assert "leads with sensitivity" in " ".join(text.split()) or text is html
        assert "leads with accuracy" not in " ".join(text.split())


def test_intervals_over_test_items_say_that_they_are_of_a_jackknife(by_sensitivity):
    _, written, html = by_sensitivity
    assert "each left out once (jackknife)" in " ".join(written["summary.txt"].split())
    assert "each left out once (jackknife)" in html
    assert "95% over replicates and test items" in html


def test_no_column_of_intervals_over_test_items_stands_empty(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench.results.results.MOST_ITEMS", -1)
    one = results(tmp_path, "sensitivity")
    assert "test items" not in texts(one, tmp_path)["summary.txt"].partition("How to read this")[0]
    assert "95% over replicates" in page(one)
    assert "95% over replicates and test items" not in page(one)


def test_charts_are_drawn_by_the_metric_and_no_kind_is_missing(by_sensitivity, tmp_path):
    one, _, _ = by_sensitivity
    usual = charts(results(tmp_path, None))
    assert [chart.name for chart in charts(one)] == [chart.name for chart in usual]
    kinds = [chart.title for chart in charts(one) if "against" in chart.title or "Differences" in chart.title]
    assert kinds
    assert all("sensitivity" in title for title in kinds)


def test_a_metric_of_which_less_is_better_turns_every_order_round(tmp_path):
    rows = [row for row in summary_rows(results(tmp_path, "nll")) if row["budget"] == "5-shot" and not row["source"]]
    assert leaders(rows, 2)[0]["mean"] == min(row["mean"] for row in rows)
    best = min(rows, key=lambda row: row["mean"])
    assert pareto((row["label"], 1.0, worth(row)) for row in rows) == [best["label"]]
    every = charts(Results(tmp_path, metric="nll"))
    assert any(chart.title.startswith("nll (lower is better) against cost") for chart in every)
    assert "best: the highest mean, of nll the lowest," in page(Results(tmp_path, metric="nll"))


def test_where_a_metric_is_undefined_tables_say_why_and_hold_no_nan(tmp_path):
    one = results(tmp_path, "auroc", truth=np.zeros(40))
    written = texts(one, tmp_path)
    text = " ".join(written["summary.txt"].split())
    assert "3 of 3 undefined" in text
    assert "the test labels lack ill (3 replicates)" in text
    assert "auroc is undefined for every row; tables say why." in text
    for content in (*written.values(), page(one)):
        assert not re.search(r"\bnan\b", content, re.IGNORECASE)


def test_the_page_and_a_table_have_a_line_for_each_class_of_each_row(by_sensitivity):
    one, _, html = by_sensitivity
    with open(one.folder / "tables" / "classes.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    scored = [row for row in summary_rows(one) if row["n"]]
    assert len(lines) == 2 * len(scored)
    sensitivity = {(row["strategy"], row["source"], row["budget"]): row["mean"] for row in scored}
    ill = {(line["strategy"], line["source"], line["budget"]): line for line in lines if line["class"] == "ill"}
    for key, line in ill.items():
        assert float(line["recall"]) == pytest.approx(sensitivity[key])
    assert "By class: recall, precision and F1" in html


def test_nobody_who_chose_no_metric_reads_about_it(tmp_path):
    assert measures(results(tmp_path, None)) == []


def test_the_command_that_makes_the_results_again_names_the_metric(by_sensitivity):
    from tlbench_reports.facts import commands

    one, _, _ = by_sensitivity
    assert commands(one)[-1].endswith("--metric sensitivity")


def test_trials_are_drawn_by_accuracy_whatever_the_metric(tmp_path):
    store = Store(tmp_path, create=True)
    for tuned in ("", "20 trials"):
        for replicate, right in enumerate((20, 24)):
            record = make_record("finetune", replicate, right, tuned=tuned)
            record.trials.extend([{"score": 0.5, "accuracy": right / 40}] if tuned else [])
            labels = (np.arange(40) % 4 == 0).astype(np.int64)
            store.write(record, Predictions(np.eye(2, dtype=np.float32)[labels], labels))
    (chart,) = [each for each in charts(Results(tmp_path, metric="nll")) if each.name.startswith("tuning")]
    assert chart.title.startswith("Accuracy against tuning budget")
    chart.figure.canvas.draw()
    levels = [
        line.get_ydata()[0]
        for line in chart.figure.axes[0].lines
        if line.get_linestyle() == ":" and len(line.get_ydata())
    ]
    assert levels == pytest.approx([0.55])
