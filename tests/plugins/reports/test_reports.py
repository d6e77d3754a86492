"""The reports, on a small results folder of real records: what they say, what they escape, and their bytes."""

import base64
import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from report_records import ADAPTATION, LEVELS, make_record, make_results, renamed
from scipy import stats as scipy_stats

from tlbench import Results
from tlbench_reports import svg, tlbench_reporters
from tlbench_reports.charts import charts
from tlbench_reports.cost_curve import pareto
from tlbench_reports.drawing import looks, render
from tlbench_reports.facts import commands
from tlbench_reports.line_ends import spread
from tlbench_reports.page import page
from tlbench_reports.words import plain

REPORTERS = {reporter.name: reporter for reporter in tlbench_reporters()}
FINDINGS = ["digits: 3 images are in both splits."]
DASH = "\N{EN DASH}"
WARNINGS = ["with 3 replicates no exact paired test can reach p < 0.05."]


def small_records():
    records = []
    for strategy, (family, *levels) in LEVELS.items():
        for budget, rights in zip(("1-shot", "5-shot"), levels, strict=True):
            for replicate, right in enumerate(rights):
                records.append(make_record(strategy, replicate, right, family=family, budget=budget))
    for strategy, rights in ADAPTATION.items():
        for replicate, right in enumerate(rights):
            records.append(make_record(strategy, replicate, right, family="adapt", budget="0", source="typed"))
    records.append(make_record("l2-sp", 0, None, family="finetune"))
    return records


SKIP = {
    "strategy": "dann", "backbone": "tiny.letters", "dataset": "glyphs", "source": "", "target": "printed",
    "transfer": "glyphs", "budget": "5-shot", "reason": "needs a source with the same classes.", "cells": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(
        tmp_path_factory.mktemp("results"),
        small_records(),
        skips=[SKIP],
        findings=FINDINGS,
        warnings=WARNINGS,
    )


@pytest.fixture(scope="module")
def written(results, tmp_path_factory):
    """Return the texts of all files of all reporters by name, and the order they were returned in."""
    return write_all(results, tmp_path_factory.mktemp("reports"))


def write_all(results, folder, names=("text", "csv", "markdown", "latex", "charts", "html")):
    contents = {}
    for name in names:
        for path in REPORTERS[name].write(results, folder):
            contents[path.relative_to(folder).as_posix()] = path.read_bytes()
    return contents


def text(contents, name):
    return contents[name].decode("utf-8")


class Page(HTMLParser):
    """The page as a browser sees it: what is inside its elements, and what it would fetch."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.fetched, self.words, self.scripts = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(dict(attributes).get("type", ""))
        self.fetched += [value for key, value in attributes if key in ("src", "href") and tag != "a"]

    def handle_data(self, data):
        self.words.append(data)


def test_listing_the_reporters_waits_for_neither_matplotlib_nor_pandas():
    code = (
        "import sys, tlbench_reports; names = [r.name for r in tlbench_reports.tlbench_reporters()];"
        "assert names == ['text', 'csv', 'markdown', 'latex', 'charts', 'parquet', 'html'], names;"
        "sys.exit(bool({'matplotlib', 'pandas', 'jinja2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_reporter_returns_the_files_it_wrote_the_main_one_last(written):
    assert {
        "tables/summary.txt", "tables/results.csv", "tables/summary.csv", "tables/costs.csv", "tables/summary.md",
        "tables/summary.tex", "charts/budget-1-digits-handwritten-tiny-letters.svg",
        "charts/budget-1-digits-handwritten-tiny-letters.png", "charts/cost-1-digits-handwritten-tiny-letters.svg",
        "index.html",
    } <= set(written)  # fmt: skip
    assert list(written)[-1] == "index.html"


def test_nothing_but_the_reports_is_left_in_the_folder(results, tmp_path):
    written = write_all(results, tmp_path, ("text", "csv"))
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(written)


def test_the_same_results_make_the_same_bytes(results, written, tmp_path):
    assert write_all(Results(results.folder), tmp_path) == written


def test_records_written_in_another_order_make_the_same_tables(written, tmp_path):
    plan = {"skips": [SKIP], "findings": FINDINGS, "warnings": WARNINGS}
    again = make_results(tmp_path / "results", reversed(small_records()), **plan)
    tables = write_all(again, tmp_path / "reports", ("text", "csv", "markdown", "latex"))
    assert {name: written[name] for name in tables} == tables


def test_tables_hold_no_time_and_no_private_folder(written):
    for name in ("summary.txt", "results.csv", "summary.csv", "summary.md", "summary.tex"):
        table = text(written, f"tables/{name}")
        assert "seconds" not in table
        assert "/home/someone" not in table
    assert "fit_seconds" in text(written, "tables/costs.csv")
    assert "/home/someone" not in text(written, "index.html")


def test_the_text_fits_eighty_columns_and_cuts_no_name(written):
    table = text(written, "tables/summary.txt")
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b" not in table
    assert "finetune(lr=0.0001,layers=2)" in table


@pytest.mark.parametrize("name", ["tables/summary.txt", "tables/summary.md", "tables/summary.tex", "index.html"])
def test_every_report_says_what_came_out_and_what_did_not(written, name):
    said = " ".join(
        (" ".join(Page(text(written, name)).words) if name == "index.html" else text(written, name)).split()
    )
    assert "negative transfer" in said
    assert "needs a source with the same classes." in said
    assert "CUDA out of memory in" in said
    assert "1 of 1 failed" in said
    assert "3 images are in both splits" in said
    assert "no exact paired test" in said
    assert "not independent data sets" in said
    if name != "index.html":  # which answers by cards
        assert "coral leads with accuracy 0.650" in said
        assert "dann does not clearly beat source-only" in said


def test_a_row_shows_its_mean_its_interval_and_the_paired_difference(written, results):
    [row] = results.summary().query("strategy == 'linear-probe' and budget == '1-shot'").to_dict("records")
    line = next(line for line in text(written, "tables/summary.txt").splitlines() if line.startswith("linear-probe"))
    assert line.split() == [
        "linear-probe", f"{row['mean']:.3f}=", "3", f"{row['low']:.3f}{DASH}{row['high']:.3f}",
        f"{row['delta']:+.3f}", f"({row['delta_low']:+.3f},", f"{row['delta_high']:+.3f})",
    ]  # fmt: skip


def test_a_row_tells_what_data_its_strategy_was_given(written):
    table = " ".join(text(written, "tables/summary.txt").split())
    assert "Given 50 target labels." in table
    assert "Given no target labels, 180 source labels of typed: source-only." in table
    assert "no target labels, 90 unlabelled target inputs, 180 source labels of typed: the others." in table


def test_the_csv_files_are_read_back_as_they_were(written, results):
    frame = pd.read_csv(io.BytesIO(written["tables/results.csv"]), keep_default_na=False)
    assert len(frame) == len(results.records)
    assert frame["message"].str.contains("…/layer.py").sum() == 1
    scores = pd.to_numeric(frame["accuracy"], errors="coerce").dropna()
    assert sorted(scores) == sorted(record.scores["accuracy"] for record in results.records if record.ok)


def test_the_page_fetches_nothing_and_allows_no_script_but_its_own(written):
    html = text(written, "index.html")
    page = Page(html)
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.fetched)
    assert page.scripts.count("") == 1
    assert set(page.scripts) == {"", "application/octet-stream"}, "which no browser runs"
    script = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html


def test_every_table_of_the_page_has_a_caption_and_headings_with_a_scope(written):
    page = Page(text(written, "index.html"))
    assert page.tags.count("table") == page.tags.count("caption") > 3
    assert "<th>" not in text(written, "index.html")


def test_the_page_says_how_to_run_a_named_suite_and_a_custom_one_again(tmp_path):
    blocks = [
        {"strategies": ["finetune(lr=0.1)"], "backbones": ["b"], "datasets": ["d[->x]"], "budgets": ["0", "1-shot"]}
    ]
    suite = {"replicates": 3, "seed": 7, "blocks": blocks}
    named = make_results(tmp_path / "named", [make_record("scratch", 0, 20)], suite={**suite, "name": "quick"})
    assert commands(named) == ["tlbench run --suite quick --replicates 3 --seed 7"]
    custom = make_results(tmp_path / "custom", [make_record("scratch", 0, 20)], suite={**suite, "name": "custom"})
    assert commands(custom) == [
        "tlbench run -s 'finetune(lr=0.1)' -b b -d 'd[->x]' --budget 0 --budget 1-shot --replicates 3 --seed 7"
    ]


HOSTILE = "<script>alert(1)</script>|x_y$z&%#{}\\"


@pytest.mark.parametrize("rules", [{"protocol": {"validation": 0.2}}, {"tune": "10 trials"}, {"recipe": {"steps": 7}}])
def test_a_custom_suite_under_rules_of_its_own_is_run_again_from_its_file(tmp_path, rules):
    block = {"strategies": ["knn"], "backbones": ["b"], "datasets": ["d"], "budgets": ["0"]}
    suite = {"name": "custom-1a2b3c", "replicates": 3, "blocks": [block]}
    plain_one = make_results(tmp_path / "plain", [make_record("scratch", 0, 20)], suite=suite)
    assert commands(plain_one) == ["tlbench run -s knn -b b -d d --budget 0 --replicates 3"]
    ruled = make_results(tmp_path / "ruled", [make_record("scratch", 0, 20)], suite={**suite, **rules})
    assert commands(ruled) == ["tlbench run --suite custom-1a2b3c.toml --replicates 3"]


def test_the_page_names_the_package_version_and_content_of_each_thing(tmp_path):

    source, weights, images = ("a" * 64, "b" * 64, "c" * 64)
    known = {"distribution": "tlbench-own", "version": "0.3.0", "source_sha256": source}
    card = {"license": "CC BY 4.0", "citation": "", "hazards": ["imagenet", "cifar10"]}
    provenance = {
        "strategy": known,
        "backbone": {**known, "weights_sha256": weights},
        "dataset": {**known, "fingerprint": images, "card": card},
    }
    old = replace(make_record("finetune", 1, 21), provenance={"strategy": {**known, "version": "0.2.0"}})
    html = page(make_results(tmp_path, [replace(make_record("finetune", 0, 20), provenance=provenance), old]))
    table = html.partition("<h3>Provenance</h3>")[2].partition("</table>")[0]
    for whole in (source, weights, images):
        assert f'title="{whole}"><code>{whole[:12]}</code>' in table
    assert "tlbench-own" in table
    assert "0.3.0, 0.2.0" in table, "two versions made these rows"
    assert "CC BY 4.0" in table
    assert "imagenet; cifar10" in table
    assert "citation" not in table, "nobody gave one"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    records = [
        make_record("scratch", replicate, 20 + replicate, transfer=HOSTILE, dataset=HOSTILE, distribution=HOSTILE)
        for replicate in range(2)
    ]
    records.append(make_record("lora", 0, None, transfer=HOSTILE, message=f"\x1b[31m{HOSTILE}\nsecond line"))
    skip = {**SKIP, "transfer": HOSTILE, "reason": HOSTILE}
    results = make_results(folder / "results", renamed(records), skips=[skip], findings=[HOSTILE], warnings=[HOSTILE])
    return write_all(results, folder / "reports")


def test_the_page_shows_hostile_names_as_text(hostile):
    page = Page(text(hostile, "index.html"))
    assert page.scripts.count("") == 1
    assert set(page.scripts) == {"", "application/octet-stream"}
    assert sum(HOSTILE in words for words in page.words) >= 6


def test_markdown_tables_keep_their_columns_whatever_a_name_holds(hostile):
    markdown = text(hostile, "tables/summary.md")
    assert "<script" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_latex_holds_no_unescaped_character_from_a_name(hostile):
    latex = text(hostile, "tables/summary.tex")
    assert (
        r"\textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{}\textbar{}x\_y\$z\&\%\#\{\}" in latex
    )
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")


def test_no_control_character_of_a_message_reaches_a_terminal(hostile):
    assert "\x1b" not in text(hostile, "tables/summary.txt")
    assert "second line" in text(hostile, "tables/summary.txt")


def test_charts_of_hostile_names_are_well_formed(hostile):
    for name, content in hostile.items():
        if name.endswith(".svg"):
            assert not list(ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}script"))


def test_one_record_has_a_score_and_an_interval_over_test_items_alone(tmp_path):
    results = make_results(tmp_path / "results", [make_record("scratch", 0, 20)])
    written = write_all(results, tmp_path / "reports")
    [row] = results.summary().to_dict("records")
    assert row["over"] == "test items"
    between = f"{row['low']:.3f}{DASH}{row['high']:.3f}"
    assert between in text(written, "tables/summary.txt")
    [head, line] = next(map(score_table, Tables(text(written, "index.html")).tables))[:2]
    assert line[head.index("95% over test items")] == between


def test_one_pair_has_a_difference_without_an_interval_and_no_verdict(tmp_path):
    records = [make_record("scratch", 0, 20, family="scratch"), make_record("linear-probe", 0, 30)]
    written = write_all(make_results(tmp_path / "results", records), tmp_path / "reports", ("text", "html"))
    assert "+0.250 (no interval)" in text(written, "tables/summary.txt")
    assert "Better than" not in text(written, "tables/summary.txt")
    assert "1 pair: no interval" in text(written, "index.html")


def test_results_in_which_all_failed_are_reported_as_that(tmp_path):
    results = make_results(tmp_path / "results", [make_record("lora", replicate, None) for replicate in range(3)])
    written = write_all(results, tmp_path / "reports")
    table = text(written, "tables/summary.txt")
    assert "3 of 3 failed" in table
    assert "3 cells run: 0 scored, 3 failed." in table
    assert "failed" in svg_words(written["charts/scores-1-digits-handwritten-tiny-letters.svg"])
    assert not [name for name in written if name.startswith("charts/cost")]


def test_cells_that_were_planned_and_never_run_are_counted(tmp_path):
    record = make_record("scratch", 0, 20)
    results = make_results(tmp_path / "results", [record], cells=[record.cell, "another", "third"], skips=[SKIP])
    table = text(write_all(results, tmp_path / "reports", ("text",)), "tables/summary.txt")
    assert "1 cell run: 1 scored, 0 failed. 3 skipped. 2 planned cells not run yet." in table


def test_one_strategy_from_two_sources_makes_two_rows_that_can_be_told_apart(tmp_path):
    records = [
        make_record(strategy, replicate, right + replicate, family="adapt", budget="0", source=source)
        for source, right in (("typed", 20), ("drawn", 25))
        for strategy in ("source-only", "coral")
        for replicate in range(2)
    ]
    written = write_all(make_results(tmp_path / "results", records), tmp_path / "reports", ("text", "charts"))
    table = " ".join(text(written, "tables/summary.txt").split())
    assert "coral from drawn" in table
    assert "90 unlabelled target inputs, 180 source labels of typed: coral from typed." in table
    shown = svg_words(written["charts/scores-1-digits-handwritten-tiny-letters.svg"])
    assert {"coral from typed", "coral from drawn"} <= set(shown)


def svg_words(content):
    return [element.text for element in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")]


def test_a_heat_map_writes_its_values_and_says_why_a_cell_is_empty(tmp_path):
    records = [
        make_record("scratch", 0, 20), make_record("lora", 0, None), make_record("knn", 0, 30),
        make_record("scratch", 0, 10, transfer="glyphs"), make_record("scratch", 0, 10, transfer="signs"),
    ]  # fmt: skip
    skip = {**SKIP, "strategy": "knn"}
    results = make_results(tmp_path / "results", records, skips=[skip])
    words = svg_words(write_all(results, tmp_path / "reports", ("charts",))["charts/heat-map-5-shot.svg"])
    assert {"0.500", "0.750", "0.250", "failed", "skipped", "not run"} <= set(words)


def test_charts_name_their_intervals_and_how_many_replicates_they_are_over(written):
    caption = " ".join(svg_words(written["charts/budget-1-digits-handwritten-tiny-letters.svg"]))
    assert "95% intervals over replicates and test items" in caption
    assert "n = 3" in caption


def test_charts_leave_the_style_of_their_caller_alone(tmp_path):
    import matplotlib

    results = make_results(tmp_path / "results", [make_record("scratch", 0, 20)])
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        before = dict(matplotlib.rcParams)
        styled = write_all(results, tmp_path / "styled", ("charts",))
        assert dict(matplotlib.rcParams) == before
    assert styled == write_all(results, tmp_path / "plain", ("charts",))
    code = "import sys, tlbench_reports.charts; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


INDUCTIVE = {"scratch", "linear-probe", "multi-task", "source-only", "coral", "target-only (upper bound)"}
TRANSDUCTIVE = {"tim", "laplacian-shot"}
CLUSTERS = {"pca-kmeans", "spectral"}
EPISODIC = {"matching"}


def mixed_records():
    """Return records of all settings, an upper bound that tops them all, episodes and scores on the source."""
    few = {"family": "few-shot"}
    adapt = {"family": "adapt", "budget": "0", "source": "typed"}
    rows = [
        ("scratch", (12, 13, 14), {"family": "scratch"}),
        ("linear-probe", (20, 22, 22), {}),
        ("multi-task", (21, 22, 23), {"family": "multi-task", "source": "typed"}),
        ("tim", (30, 31, 32), {**few, "setting": "transductive"}),
        ("laplacian-shot", (29, 30, 32), {**few, "setting": "transductive"}),
        ("source-only", (24, 25, 26), adapt),
        ("coral", (25, 25, 28), adapt),
        ("target-only", (39, 38, 39), {"family": "adapt", "budget": "0", "upper_bound": True}),
        ("pca-kmeans", (33, 34, 36), {"family": "unsupervised", "budget": "0", "setting": "unsupervised"}),
        ("spectral", (33, 35, 35), {"family": "unsupervised", "budget": "0", "setting": "unsupervised"}),
        ("matching", (27, 28, 29), {**few, "budget": "5-way 1-shot", "episodes": 4}),
    ]
    records = []
    for strategy, rights, changes in rows:
        for replicate, right in enumerate(rights):
            tasks = {"source": {"accuracy": 0.9 + replicate / 100}} if strategy == "multi-task" else {}
            records.append(make_record(strategy, replicate, right, tasks=tasks, **changes))
    return records


@pytest.fixture(scope="module")
def mixed_results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("mixed"), mixed_records())


@pytest.fixture(scope="module")
def mixed(mixed_results, tmp_path_factory):
    written = write_all(
        mixed_results, tmp_path_factory.mktemp("mixed-reports"), ("text", "csv", "markdown", "latex", "html")
    )
    pictures = {
        f"charts/{chart.name}.svg": render(chart, "svg", standalone=False)[0] for chart in charts(mixed_results)
    }
    html = text(written, "index.html")
    assert html.count("<figure") == len(pictures)
    assert all(base64.b64encode(svg.themed(picture)).decode() in html for picture in pictures.values())
    return written | pictures


class Tables(HTMLParser):
    """The tables of a page: for each its caption, then its rows as lists of texts."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.cell = [], None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("caption", "th", "td"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag == "caption":
            self.tables[-1].append([self.cell])
        if tag in ("th", "td"):
            self.tables[-1][-1].append(" ".join(self.cell.split()))

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def score_table(table):
    """Return the headings of the columns of a table of the page and its rows, without what stands above several."""
    rows = [row for row in table[1:] if len(row) > 1]
    return rows[1:] if rows[0][0] == "" else rows


def _score_heading(heads):
    return next(head.strip() for head in heads if head.strip() in ("mean", "accuracy", "clustering-accuracy"))


def score_tables(written, name):
    """Return (heading of the scores, names) of each table of scores in a report."""
    report = text(written, name)
    if name == "index.html":
        tables = [table for table in map(score_table, Tables(report).tables) if "95% over" in " ".join(table[0])]
        tables = [table for table in tables if "recall" not in [head.strip() for head in table[0]]]  # of classes
        means = [_score_heading(table[0]) for table in tables]
        return [(mean, {row[0] for row in table[1:]}) for mean, table in zip(means, tables, strict=True)]
    if name.endswith(".tex"):
        tables = [[line.split(" & ") for line in part.splitlines() if " & " in line]
                  for part in report.split(r"\begin{table}")[1:]]  # fmt: skip
    elif name.endswith(".md"):
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines()]
        starts = [i for i, cells in enumerate(lines) if cells[0] in ("strategy", "compared")] + [len(lines)]
        tables = [[cells for cells in lines[a:b] if len(cells) > 1] for a, b in pairwise(starts)]
    else:
        lines = report.splitlines()
        starts = [i for i, line in enumerate(lines) if line.startswith("strategy ")]
        tables = []
        for start in starts:
            end = lines.index("", start)
            # A long name stands above its numbers.
            names = [re.split("  +", line)[0] for line in lines[start + 2 : end] if not line.startswith(" ")]
            above = [*lines[start - 1].split(), ""][0]
            column = lines[start].split()[1]
            tables.append([["strategy", (above if above.endswith("-") else "") + column], *([each] for each in names)])
    tables = [table for table in tables if table[0][0].strip() == "strategy"]
    return [(_score_heading(table[0]), {row[0].strip() for row in table[1:] if row[0][:2] != ":-"}) for table in tables]


@pytest.mark.parametrize("name", ["tables/summary.txt", "tables/summary.md", "tables/summary.tex", "index.html"])
def test_settings_stand_in_tables_of_their_own(mixed, name):
    found = score_tables(mixed, name)
    assert set.union(*(names for _, names in found)) == INDUCTIVE | TRANSDUCTIVE | CLUSTERS | EPISODIC
    for heading, names in found:
        assert any(names <= setting for setting in (INDUCTIVE, TRANSDUCTIVE, CLUSTERS, EPISODIC))
        labelled = "accuracy" if name == "index.html" else "mean"
        assert heading == ("clustering-accuracy" if names & CLUSTERS else labelled)


def test_the_csv_files_keep_clusters_out_of_the_columns_of_labelled_rows(mixed):
    cells = pd.read_csv(io.BytesIO(mixed["tables/results.csv"]))
    clusters = cells["setting"] == "unsupervised"
    assert set(cells[clusters]["strategy"]) == CLUSTERS
    assert cells[clusters][["accuracy", "nll"]].isna().all(axis=None)
    assert cells[~clusters][["clustering-accuracy", "nmi", "ari"]].isna().all(axis=None)
    labelled = pd.read_csv(io.BytesIO(mixed["tables/summary.csv"]))
    own = pd.read_csv(io.BytesIO(mixed["tables/summary-clustering-accuracy.csv"]))
    assert "clustering-accuracy" not in labelled
    assert not CLUSTERS & set(labelled["strategy"])
    assert set(labelled[labelled["setting"] == "transductive"]["strategy"]) == TRANSDUCTIVE
    assert "mean" not in own
    assert dict(zip(own["strategy"], own["clustering-accuracy"], strict=True)) == pytest.approx(
        {"pca-kmeans": 103 / 120, "spectral": 103 / 120}
    )


def test_no_chart_shows_two_settings(mixed):
    charts = [set(svg_words(content)) for name, content in mixed.items() if name.endswith(".svg")]
    assert sum(bool(words & CLUSTERS) for words in charts) == 2  # scores, costs
    for words in charts:
        assert sum(bool(words & setting) for setting in (INDUCTIVE, TRANSDUCTIVE, CLUSTERS, EPISODIC)) == 1
        assert ("clustering-accuracy" in words) == bool(words & CLUSTERS)
    assert "accuracy, label budget 5-shot, transductive" in text(mixed, "index.html")


def test_the_page_says_the_setting_of_each_row(mixed):
    tables = map(score_table, Tables(text(mixed, "index.html")).tables)
    [table] = [each for each in tables if {row[0] for row in each[1:]} == TRANSDUCTIVE and "setting" in each[0]]
    column = table[0].index("setting")
    assert [row[column] for row in table[1:]] == ["transductive"] * 2


@pytest.mark.parametrize("name", ["tables/summary.txt", "tables/summary.md", "tables/summary.tex", "index.html"])
def test_an_upper_bound_is_marked_and_never_leads(mixed, name):
    said = "".join(Page(text(mixed, name)).words) if name == "index.html" else text(mixed, name)
    said = " ".join(said.split()).replace("\\", "")
    assert "target-only (upper bound)" in said
    assert not re.search(r"(target-only|upper bound\)) (leads|beats)", said)
    assert not re.search(r"Better than [\w-]+: [^.]*target-only", said)
    assert "every label of the target's training split" in said.replace("textquotesingle{}", "'")


def test_an_upper_bound_is_on_no_pareto_front(mixed):
    words = svg_words(mixed["charts/cost-1-digits-handwritten-tiny-letters.svg"])
    assert "target-only (upper bound)" in words
    assert "front: coral" in words  # though target-only scores more


def test_intervals_over_episodes_stand_under_a_heading_that_says_so(mixed, mixed_results):
    accuracies = np.array([1, 1, 0.7, 0, 1, 1, 0.8, 0, 1, 1, 0.9, 0])  # four episodes of ten, three replicates
    low, high = scipy_stats.t.interval(0.95, 11, accuracies.mean(), scipy_stats.sem(accuracies))
    between = f"{low:.3f}{DASH}{high:.3f}"
    table = text(mixed, "tables/summary.txt").split("episodes 5-way 1-shot\n")[1]
    assert "12 episodes" in table.splitlines()[2]
    assert between in table.splitlines()[4]
    page = next(each for each in map(score_table, Tables(text(mixed, "index.html")).tables) if each[1][0] == "matching")
    assert page[1][page[0].index("95% over 12 episodes")] == between
    assert not any("test items" in head for head in page[0])
    assert "over the episodes of all replicates" in " ".join(text(mixed, "tables/summary.md").split())


def test_scores_on_the_source_are_told_where_there_are_any(mixed, written):
    assert "On the source itself: multi-task 0.910." in " ".join(text(mixed, "tables/summary.txt").split())
    assert "On the source itself" not in text(written, "tables/summary.txt")
    tables = map(score_table, Tables(text(mixed, "index.html")).tables)
    [table] = [each for each in tables if "accuracy on the source itself" in each[0]]
    column = table[0].index("accuracy on the source itself")
    assert {row[0]: row[column] for row in table[1:]}["multi-task"] == "0.910"
    assert "accuracy on the source itself" not in text(written, "index.html")


def test_notes_speak_only_of_what_there_is(written, mixed):
    for word in ("95% episodes:", "transductive:", "upper bound:", "unsupervised:"):
        assert word in text(mixed, "index.html")
        assert word not in text(written, "index.html")


def test_a_choice_by_validation_labels_is_told(tmp_path):
    records = [make_record("scratch", 0, 20, selection="validation"), make_record("knn", 0, 20)]
    table = text(write_all(make_results(tmp_path, records), tmp_path, ("text",)), "tables/summary.txt")
    assert "Given 50 target labels, a choice by validation labels: scratch [validation]." in " ".join(table.split())


def crowd():
    """Return forty strategies of five families at two budgets, and what they are compared with."""
    records = [
        make_record("scratch", replicate, 10 + replicate, family="scratch", budget=budget)
        for budget in ("1-shot", "5-shot") for replicate in range(2)
    ]  # fmt: skip
    for number in range(40):
        family = ("extract", "finetune", "few-shot", "multi-task", "ensemble")[number % 5]
        for budget in ("1-shot", "5-shot"):
            for replicate in range(2):
                right = 12 + number // 2 + replicate + (4 if budget == "5-shot" else 0)
                name = f"{family}-{number}"
                records.append(make_record(name, replicate, right, family=family, budget=budget))
    return records


def test_forty_rows_stand_under_the_names_of_their_families(tmp_path):
    results = make_results(tmp_path / "results", crowd())
    written = write_all(results, tmp_path / "reports", ("text", "markdown", "latex"))
    table = text(written, "tables/summary.txt")
    assert max(map(len, table.splitlines())) <= 80
    part = table.split("label budget 5-shot")[1].split("\n\n")[1].splitlines()
    order = [line.split()[1] if line.startswith("--") else line.split()[0] for line in part if " " in line]
    assert order[order.index("scratch") :][:3] == ["scratch", "scratch", "extract"]
    heading = None
    for line in part[3:]:
        if line.startswith("-- "):
            heading = line.strip("- ")
        else:
            assert line.startswith(heading)
    rows = [line for line in text(written, "tables/summary.md").splitlines() if line.startswith("|")]
    assert "| *few-shot* | | | | |" in rows
    assert {row.count("|") for row in rows} == {6, 7}  # scores, and what they come to
    assert r"\multicolumn{5}{l}{\emph{few-shot}}" in text(written, "tables/summary.tex")


def test_charts_of_forty_strategies_name_the_best_and_colour_by_family(tmp_path):
    every = charts(make_results(tmp_path, crowd()))
    found = {chart.name.split("-")[0]: chart for chart in every}
    families = ("extract", "finetune", "few-shot", "multi-task", "ensemble")
    names = [f"{families[i % 5]}-{i}" for i in range(40)]
    [curve] = render(found["budget"], "svg")
    words = svg_words(curve)
    assert {name for name in names if name in words} == set(names[-8:])
    assert "scratch" in words
    assert "Pale, without names: all but the 8 best." in " ".join(words)
    by_budget = [chart for chart in every if chart.name.startswith("scores-")]
    assert all(set(names) <= set(svg_words(render(chart, "svg")[0])) for chart in by_budget)
    assert len(by_budget) == 2
    [costs] = render(found["cost"], "svg")
    legend = svg_words(costs)
    assert set(families) <= set(legend)
    assert not set(names) & set(legend)


def test_names_beside_lines_do_not_overlap_and_stay_near():
    assert spread([0.9, 0.5], [0.1, 0.1], 0.0, 1.0) == [0.9, 0.5]
    crowded = spread([0.5, 0.5, 0.5, 0.02], [0.1] * 4, 0.0, 1.0)
    assert crowded == pytest.approx([0.5, 0.4, 0.3, 0.05])
    assert spread([0.03, 0.02, 0.01], [0.1] * 3, 0.0, 1.0) == pytest.approx([0.25, 0.15, 0.05])


@pytest.mark.parametrize(("count", "families"), [(7, 2), (40, 1), (60, 4)])
def test_no_two_strategies_look_alike(count, families):
    alike = {"upper_bound": False}
    rows = [{"label": f"s{i}", "family": f"f{i % families}", "is_baseline": i == 0, **alike} for i in range(count)]
    styles = looks(rows)
    assert len({(look.colour, look.marker, look.line) for look in styles.values()}) == count


def test_the_pareto_front_holds_what_no_other_beats_on_both():
    points = [("dear", 9.0, 0.9), ("cheap", 1.0, 0.5), ("worse", 2.0, 0.4), ("equal", 1.0, 0.45), ("middle", 3.0, 0.7)]
    assert pareto(points) == ["cheap", "middle", "dear"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("no file /home/ann/data/cats.png here", "no file …/cats.png here"),
        ("folder:/home/ann/photos", "folder:…/photos"),
        (r"C:\Users\ann\cats.png", "…/cats.png"),
        ("see https://example.org/a/b for more", "see https://example.org/a/b for more"),
        ("typed/handwritten and 3/4", "typed/handwritten and 3/4"),
        ("two\nlines\x1b[0m", "two lines [0m"),
    ],
)
def test_messages_are_put_on_one_line_without_private_folders(message, said):
    assert plain(message) == said
