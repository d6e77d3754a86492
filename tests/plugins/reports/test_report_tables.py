"""The tables of a report in each format: ties, comparisons, ranks, the oracle and tuned rows, and their bytes."""

import io
import re
from dataclasses import replace

import pandas as pd
import pyarrow.parquet
import pytest
from report_records import make_record, make_results

from tlbench import Results
from tlbench.results.comparisons import holm
from tlbench_reports import tlbench_reporters
from tlbench_reports.document import Table
from tlbench_reports.table_text import MOST
from tlbench_reports.words import NOTHING, chance

REPORTERS = {reporter.name: reporter for reporter in tlbench_reporters()}
RIGHTS = {  # of 40 test items; lp-ft is best, bitfit tied with it, knn below scratch in every replicate
    "scratch": ("scratch", (20, 21, 22, 20, 21, 22)),
    "linear-probe": ("extract", (24, 25, 26, 25, 25, 26)),
    "knn": ("extract", (15, 16, 17, 15, 17, 17)),
    "bitfit": ("finetune", (30, 33, 30, 33, 30, 33)),
    "lp-ft": ("finetune", (32, 32, 32, 32, 32, 32)),
}


def records(**changes):
    return [
        make_record(strategy, replicate, right, family=family, **changes)
        for strategy, (family, rights) in RIGHTS.items()
        for replicate, right in enumerate(rights)
    ]


def written(results, folder, *names):
    found = {}
    for name in names or ("text", "csv", "markdown", "latex", "parquet"):
        for path in REPORTERS[name].write(results, folder):
            found[path.name] = path.read_bytes() if path.suffix == ".parquet" else path.read_text(encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("results"), records())


@pytest.fixture(scope="module")
def tables(results, tmp_path_factory):
    return written(results, tmp_path_factory.mktemp("written"))


def line(text, start, place=0):
    return [line for line in text.splitlines() if line.startswith(start)][place]


def test_the_best_and_what_ties_with_it_are_marked_in_each_format(tables):
    assert line(tables["summary.md"], "| lp-ft ").split("|")[2].strip() == "**0.800**"
    assert line(tables["summary.md"], "| bitfit ").split("|")[2].strip() == "0.788 ="
    assert line(tables["summary.md"], "| knn ").split("|")[2].strip() == "0.404"
    assert r"lp-ft & \textbf{0.800} &" in tables["summary.tex"]
    assert r"bitfit & 0.788\rlap{$^{=}$} &" in tables["summary.tex"]
    assert line(tables["summary.txt"], "lp-ft").split()[1] == "0.800*"
    assert line(tables["summary.txt"], "bitfit").split()[1] == "0.788="
    assert line(tables["summary.txt"], "knn").split()[1] == "0.404"


@pytest.mark.parametrize("name", ["summary.md", "summary.tex", "summary.txt"])
def test_each_format_says_what_its_marks_mean(tables, name):
    said = " ".join(tables[name].split()).lower()
    assert "not clearly below it" in said
    assert "tied with" in said


def test_digits_stand_below_digits_on_the_terminal(tables):
    lines = [line(tables["summary.txt"], strategy) for strategy in RIGHTS]
    assert len({each.index("0.") for each in lines}) == 1
    assert {len(each.split()[1]) for each in lines} == {5, 6}


def test_comparisons_show_p_as_it_is_and_corrected_effect_and_the_replicates_needed(tables, results):
    rows = results.summary().set_index("strategy")
    for strategy, reading in (("knn", "negative transfer"), ("lp-ft", "better")):
        cells = [cell.strip() for cell in line(tables["summary.md"], f"| {strategy} ", 1).strip("|").split("|")]
        row = rows.loc[strategy]
        figures = [chance(row["p"]), chance(row["p_holm"]), f"{row['effect']:+.2f}", NOTHING]  # clear as it is
        cells = [cell.replace("&lt;", "<") for cell in cells]
        assert cells == [strategy, *figures, reading]
        assert line(tables["summary.txt"], strategy, 1).split() == " ".join(cells).split()
    assert rows["p_holm"].dropna().to_numpy() == pytest.approx(holm(rows["p"].dropna().to_numpy()))


def test_tables_fit_the_terminal_and_end_with_the_answer(tables):
    text = tables["summary.txt"]
    assert max(map(len, text.splitlines())) <= 80
    assert "lp-ft" in text.rpartition("In words")[2]
    assert tables["summary.md"].index("In words") < tables["summary.md"].index("Scores")


def test_latex_tables_close_what_they_open(tables):
    latex = tables["summary.tex"]
    for kind in ("table", "tabular", "itemize"):
        assert latex.count(rf"\begin{{{kind}}}") == latex.count(rf"\end{{{kind}}}") > 0
    for table in re.findall(r"\\begin\{tabular\}\{(l?r+|lr+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL):
        rows = [row for row in table[1].splitlines() if row.endswith(r"\\") and "multicolumn" not in row]
        assert {row.count(" & ") + 1 for row in rows} == {len(table[0])}


def test_parquet_holds_what_the_csv_files_hold(tables):
    for name in ("results", "summary"):
        frame = pyarrow.parquet.read_table(io.BytesIO(tables[f"{name}.parquet"])).to_pandas()
        again = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
        pd.testing.assert_frame_equal(again, pd.read_csv(io.StringIO(tables[f"{name}.csv"])))
    schema = pyarrow.parquet.read_schema(io.BytesIO(tables["results.parquet"]))
    assert schema.field("accuracy").type == "double"
    assert schema.field("train_labels").type == "int64"
    assert schema.field("upper_bound").type == "bool"
    assert len(pyarrow.parquet.read_table(io.BytesIO(tables["results.parquet"]))) == len(records())


def test_no_table_but_the_costs_holds_seconds(tables):
    assert "seconds" not in tables["results.csv"].splitlines()[0]
    names = pyarrow.parquet.read_schema(io.BytesIO(tables["results.parquet"])).names
    assert not [name for name in names if "seconds" in name or "memory" in name]
    assert "fit_seconds" in tables["costs.csv"]


def test_the_same_records_make_the_same_bytes_and_other_costs_change_the_costs_alone(tables, tmp_path):
    slower = [replace(record, costs={**record.costs, "fit_seconds": 99.0}) for record in records()]
    again = written(make_results(tmp_path / "results", slower), tmp_path)
    changed = {name for name in tables if again[name] != tables[name]}
    # The answer in words says what the best costs.
    assert changed - {"summary.txt", "summary.md", "summary.tex"} == {"costs.csv"}
    assert written(make_results(tmp_path / "again", records()), tmp_path) == tables


def test_all_pairs_stand_in_a_file_of_their_own(tables):
    pairs = pd.read_csv(io.StringIO(tables["pairwise.csv"]))
    assert len(pairs) == 10
    assert {"a", "b", "delta", "p_holm", "needed"} <= set(pairs)


def test_pairs_that_are_too_many_for_a_file_are_left_to_the_results(tmp_path, monkeypatch):
    results = make_results(tmp_path / "results", records())
    monkeypatch.setattr("tlbench_reports.table_csv.MOST_PAIRS", 9)
    names = written(results, tmp_path)
    assert "pairwise.csv" not in names
    assert "summary.csv" in names
    assert len(results.pairwise()) == 10


def test_rows_that_the_oracle_chose_stand_in_a_table_of_their_own(tmp_path):
    some = records()
    for replicate in range(6):
        record = make_record("lp-ft", replicate, 39, family="finetune", setting="oracle")
        some.append(replace(record, cell=f"o{replicate}", labels={**record.labels, "selection": "oracle"}))
    markdown = written(make_results(tmp_path, some), tmp_path, "markdown")["summary.md"]
    parts = [part for part in markdown.split("\n**") if "| strategy |" in part]
    [own] = [part for part in parts if "0.975" in part]
    assert "oracle" in own.split("\n")[0]
    assert "scratch |" not in own.split("| strategy |")[1].split("\n", 1)[1].split("\n\n")[0]
    [others] = [part for part in parts if part is not own]
    assert "**0.800**" in others


def test_a_tuned_row_stands_beside_its_default(tmp_path):
    some = records()
    for replicate in range(6):
        record = make_record("linear-probe", replicate, 28)
        some.append(replace(record, cell=f"t{replicate}", labels={**record.labels, "tuned": "10 trials"}))
    text = written(make_results(tmp_path, some), tmp_path, "text")["summary.txt"]
    lines = [each.split("  ")[0] for each in text.splitlines()]
    assert lines.index("linear-probe [10 trials]") - lines.index("linear-probe") == 1


def test_ranks_over_datasets_have_a_table_and_a_file(tmp_path):
    some = [record for place in range(4) for record in records(transfer=f"data{place}", dataset=f"data{place}")]
    some = [replace(record, cell=f"c{i}") for i, record in enumerate(some)]
    found = written(make_results(tmp_path, some), tmp_path)
    part = found["summary.md"].split("Over 4 datasets")[1]
    assert line(part, "| lp-ft ").split("|")[2:5][0].strip() == "1.00"
    # Demšar, 2006, table 5: 2.728 * sqrt(5 * 6 / (6 * 4)).
    assert "Critical difference of mean ranks (Nemenyi, 5%): 3.05." in part
    ranks = pd.read_csv(io.StringIO(found["across.csv"]))
    assert ranks["candidate"].tolist()[0] == "lp-ft"
    assert ranks["blocks"].tolist() == [4] * 5
    assert max(map(len, found["summary.txt"].splitlines())) <= 80


def test_rules_that_need_no_target_label_have_a_table_beside_the_oracle(tmp_path):
    some = []
    for replicate in range(3):
        record = make_record("dann", replicate, 20, family="adapt", budget="0", source="typed")
        looks = [{"step": i, "scores": {"entropy": float(i)}, "accuracy": 0.1 * i} for i in range(5)]
        some.append(replace(record, labels={**record.labels, "selection": "entropy"}, looks=looks))
    found = written(make_results(tmp_path, some), tmp_path)
    part = found["summary.md"].split("Choosing without target labels")[1]
    assert line(part, "| entropy ").split("|")[2].strip() == "+1.00"
    assert len(pd.read_csv(io.StringIO(found["validators.csv"]))) == 1


def test_the_terminal_is_spared_tables_by_the_thousand(monkeypatch):
    from tlbench_reports import table_text
    from tlbench_reports.document import Answer, Bullets, Heading

    table = Table("place", ("strategy", "mean"), (("a", "0.5"),), {})
    blocks = [Heading("Scores"), *[block for _ in range(MOST + 5) for block in (table, Bullets(("said",)))],
              Heading("How to read this"), Bullets(("a note",))]  # fmt: skip
    kept = table_text._bounded(blocks)
    assert sum(isinstance(block, Table) for block in kept) == MOST
    assert any("5 more tables are in tables/summary.md" in getattr(block, "text", "") for block in kept)
    assert kept[-1] == Bullets(("a note",))
    lines = table_text._lines(Answer(tuple(f"sentence {i}" for i in range(40))))
    assert "* (28 more in tables/summary.md)" in lines


def test_a_baseline_of_the_users_choice_is_what_all_are_compared_with(tmp_path):
    make_results(tmp_path, records())
    found = written(Results(tmp_path, baseline="linear-probe"), tmp_path, "markdown")["summary.md"]
    assert "95% vs linear-probe" in found
    assert "vs scratch" not in found
