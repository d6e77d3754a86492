"""Two of a kind that differ in what they are stand apart in tables, pages, charts and on boards."""

import csv
import re
from collections import Counter
from xml.etree import ElementTree

import pytest
from twins import write_twins

from tlbench import Results
from tlbench_reports.charts import charts
from tlbench_reports.drawing import render
from tlbench_reports.rows import groups, summary_rows

AXES = ("strategy version", "backbone without weights", "dataset content", "metric version")


@pytest.fixture(scope="module", params=AXES)
def results(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    return Results(write_twins(folder, request.param))


def names_of(results):
    """Return what tells the rows of finetune apart: where each stands, and its label there."""
    rows = [row for metric in results.primaries for row in summary_rows(results, metric)]
    keys = ("transfer", "backbone", "label")
    return [tuple(row[key] for key in keys) for row in rows if row["strategy"].startswith("finetune")]


def words(chart):
    [picture] = render(chart, "svg")
    return " ".join(
        element.text or "" for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    )


def test_each_has_a_line_in_the_tables_with_its_own_replicates(results):
    tables = [group for metric in results.primaries for group in groups(summary_rows(results, metric))]
    lines = [row for group in tables for row in group.rows if row.values["strategy"].startswith("finetune")]
    assert [row.values["n"] for row in lines] == [3, 3]
    assert len(set(names_of(results))) == (1 if len(results.primaries) == 2 else 2)


def test_each_is_a_series_of_its_own_in_the_charts(results):
    found = charts(results)
    by_place = [chart for chart in found if chart.name.startswith(("labels-", "scores-", "costs-"))]
    shown = [f"{chart.title} {words(chart)}" for chart in by_place]
    for transfer, backbone, label in names_of(results):
        for part in (transfer, backbone, label):
            bracket = re.search(r"\[.*\]", part)
            if bracket:
                assert any(bracket.group().replace(" ", "") in re.sub(r"\s", "", text) for text in shown), (
                    part,
                    [chart.name for chart in by_place],
                )


def test_the_csv_table_and_the_page_name_both(results, cli):
    assert cli("report", results.folder, "--format", "csv", "--format", "html").exit_code == 0
    with (results.folder / "tables" / "results.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["strategy"].startswith("finetune")]
    counts = Counter((line["transfer"], line["backbone"], line["strategy"], line["tuned"]) for line in lines)
    assert set(counts.values()) == ({6} if len(results.primaries) == 2 else {3})
    page = (results.folder / "index.html").read_text(encoding="utf-8")
    for names in names_of(results):
        for name in names:
            assert name in page


def test_each_is_a_row_of_the_board(results, cli, tmp_path):
    done = cli("publish", results.folder, "-o", tmp_path / "site")
    assert done.exit_code == 0, done.stderr
    rows = [path.read_text() for path in (tmp_path / "site").glob("boards/*/rows/*.html") if "finetune" in path.name]
    assert len(rows) == 2
    assert len({re.search(r"<h1>(.*?)</h1>", row).group(1) for row in rows}) == (
        1 if len(results.primaries) == 2 else 2
    )
