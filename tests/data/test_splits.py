"""Cross-validation and splits from a file: nothing is parted that belongs together, and everybody gets the same."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from documents import ROOT
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from tlbench import DataError, Dataset, Labelled, ParameterError, Protocol
from tlbench.contract import SplitRule, suite_from_mapping
from tlbench.data import SplitTable, draw_folds, draw_split, read_split_table
from tlbench.data.split_file import rows_by_split
from tlbench.errors import PlanError
from tlbench.planning import make_plan
from tlbench.results import Results, t_interval
from tlbench.running.cell_setup import open_cell
from tlbench.running.draw_task import KnownInputs, draw_source
from tlbench_reports.words import notes

RECORDS = ROOT / "results" / "quick" / "records"


@dataclass(frozen=True, eq=False)
class Scans(Dataset):
    """Numbers as images of one pixel, each of a patient, in the order that is given."""

    name = "scans"
    classes = ("ill", "well")
    version = "1"

    values: tuple[int, ...] = tuple(range(60))
    patients: tuple[str, ...] | None = None
    order: tuple[int, ...] | None = None

    def _rows(self, split):
        rows = self.order or tuple(range(len(self.values)))
        cut = 2 * len(rows) // 3
        return rows[:cut] if split == "train" else rows[cut:]

    def load(self, domain, split):
        rows = self._rows(split)
        images = np.array([self.values[row] for row in rows], dtype=np.uint8).reshape(-1, 1, 1)
        return Labelled(images, np.array([row % 2 for row in rows], dtype=np.int64))

    def groups(self, domain, split):
        return None if self.patients is None else [self.patients[row] for row in self._rows(split)]


def parts_of(table, scans):
    """Return the part of each example by its row."""
    found = {}
    for split in ("train", "test"):
        for row, digest in zip(scans._rows(split), scans.digests("all", split), strict=True):
            found[row] = table.parts["all", digest]
    return found


@pytest.mark.parametrize("text", ["5-fold", "5 folds", "5fold"])
def test_a_number_of_folds_is_read(text):
    assert SplitRule.parse(text) == SplitRule(folds=5)


@pytest.mark.parametrize("text", ["1-fold", "five-fold", "missing.csv", ""])
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(ParameterError, match="fold"):
        SplitRule.parse(text)


def test_folds_part_everything_once_and_each_holds_its_share_of_every_class():
    scans = Scans()
    parts = parts_of(draw_folds(scans, 5, seed=1), scans)
    assert len(parts) == 60
    for fold in "01234":
        rows = [row for row, part in parts.items() if part == fold]
        assert (len(rows), sum(row % 2 for row in rows)) == (12, 6)


def test_another_seed_draws_other_folds_and_the_same_seed_the_same():
    drawn = [draw_folds(Scans(), 3, seed).digest for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@given(st.permutations(range(24)), st.lists(st.integers(0, 7), min_size=24, max_size=24))
@settings(max_examples=25, deadline=None)
def test_no_patient_stands_on_both_sides_whatever_the_order(order, patients):
    names = tuple(f"p{number}" for number in patients)
    scans = Scans(tuple(range(24)), names, tuple(order))
    for parity in (0, 1):  # three patients of each class, or the drawing is refused
        assume(len({names[row] for row in range(24) if row % 2 == parity}) >= 3)
    try:
        table = draw_folds(scans, 3, seed=0)
    except DataError:  # all of a class would fall into one fold
        reject()
    parts = parts_of(table, scans)
    for name in set(names):
        assert len({parts[row] for row in range(24) if names[row] == name}) == 1
    assert draw_folds(Scans(tuple(range(24)), names), 3, seed=0).digest == table.digest


def test_copies_fall_into_one_fold_and_join_their_groups():
    values = (*range(30), *range(30))  # each image twice
    patients = tuple(f"p{row}" for row in range(60))
    parts = parts_of(draw_folds(Scans(values, patients), 3, seed=0), Scans(values, patients))
    assert all(parts[row] == parts[row + 30] for row in range(30))


def test_too_few_separate_examples_are_refused_naming_the_class():
    patients = tuple("one" if row % 2 else f"p{row}" for row in range(60))  # all that are well are one patient
    with pytest.raises(DataError, match=r"class 'well' has 1\. Use fewer folds"):
        draw_folds(Scans(patients=patients), 3, seed=0)


def test_one_split_has_about_its_shares_of_every_class():
    scans = Scans()
    parts = parts_of(draw_split(scans, test=0.2, val=0.2, seed=0), scans)
    counts = {name: sum(part == name for part in parts.values()) for name in ("train", "val", "test")}
    assert counts == {"train": 36, "val": 12, "test": 12}


def test_a_table_that_is_written_reads_back_and_has_the_same_digest_in_any_order(tmp_path):
    table = draw_folds(Scans(), 4, seed=0)
    lines = table.text().splitlines(keepends=True)
    (tmp_path / "splits.csv").write_text(lines[0] + "".join(reversed(lines[1:])))
    read = read_split_table(tmp_path / "splits.csv")
    assert (read.parts, read.digest, read.folds) == (table.parts, table.digest, 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "does not begin with the columns"),
        ("domain,example,part\nall,1\n", "line 2: 2 values"),
        ("domain,example,part\nall,1,0\nall,1,1\n", "line 3: example 1 is in '1' and in another"),
        ("domain,example,part\nall,1,train\nall,2,holdout\n", "parts holdout, train"),
        ("domain,example,part\nall,1,0\nall,2,2\n", "parts 0, 2"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text, says):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        read_split_table(tmp_path / "splits.csv")


def test_a_table_of_other_data_is_refused_in_both_directions():
    table = draw_folds(Scans(), 3, seed=0)
    more = Scans(tuple(range(66)))
    with pytest.raises(DataError, match=r"lacks 6 examples of these data, such as all/test\["):
        rows_by_split(table, more, "all", 0)
    with pytest.raises(DataError, match="names 6 examples that these data have not"):
        rows_by_split(draw_folds(more, 3, seed=0), Scans(), "all", 0)


def test_rows_of_a_fold_are_the_test_split_and_all_others_train():
    scans, table = Scans(), draw_folds(Scans(), 3, seed=0)
    found = rows_by_split(table, scans, "all", 1)
    tested = [scans._rows(own)[row] for own, rows in found["test"] for row in rows]
    learnt = [scans._rows(own)[row] for own, rows in found["train"] for row in rows]
    parts = parts_of(table, scans)
    assert sorted(tested) == sorted(row for row, part in parts.items() if part == "1")
    assert sorted([*tested, *learnt]) == list(range(60))


def test_a_suite_under_folds_has_a_replicate_for_each_unless_it_says_otherwise():
    content = {
        "strategies": ["scratch"], "backbones": ["b"], "datasets": ["d"], "budgets": ["1-shot"], "splits": "4-fold",
    }  # fmt: skip
    assert suite_from_mapping(content).replicates == 4
    assert suite_from_mapping({**content, "replicates": 8}).replicates == 8
    with pytest.raises(ParameterError, match="'4-fol'"):
        suite_from_mapping({**content, "splits": "4-fol"})


def test_cells_of_the_datas_own_splits_keep_their_names(resources):
    from tlbench.running import find_suite

    stored = [json.loads(path.read_text(encoding="utf-8")) for path in RECORDS.glob("*.json")]
    cells = make_plan(find_suite("quick", resources.catalog), resources).cells
    assert {cell.id for cell in cells} == {record["cell"] for record in stored}


def folded(suite, **rest):
    return suite(replicates=3, protocol=Protocol(splits="3-fold"), **rest)


def test_every_example_is_tested_once_in_a_round_and_none_that_was_learnt_from(suite, resources, run_suite):
    store = run_suite(folded(suite, budgets=("full",)), resources)
    records = sorted(store.records(), key=lambda record: record.labels["replicate"])
    assert [record.ledger["test_items"] + record.ledger["train_labels"] for record in records] == [120] * 3
    assert sum(record.ledger["test_items"] for record in records) == 120
    assert [record.ledger["splits"].partition(",")[0] for record in records] == [
        f"fold {n} of 3" for n in (1, 2, 3)
    ]  # fmt: skip


def test_folds_pair_every_strategy_and_cost_no_second_extraction(suite, fresh_resources, run_suite):
    store = run_suite(folded(suite, strategies=("linear-probe", "scratch")), fresh_resources)
    labelled = {(record.labels["replicate"], record.ledger["labelled_examples"]) for record in store.records()}
    assert len(labelled) == 3
    kinds = fresh_resources.cache.sizes()
    assert kinds["features"][0] == 2  # one of each own split


def test_another_domain_of_the_same_data_is_divided_alike(suite, resources):
    cell = make_plan(
        folded(suite, strategies=("source-only",), datasets=("blobs[night->day]",), budgets=("0",)), resources
    ).cells[0]
    source = draw_source(open_cell(cell, resources, torch.device("cpu")), KnownInputs(features=None))
    assert len(source.train) == 80  # two folds of three of the 120 by night


def test_an_interval_over_folds_is_wider_than_one_over_replicates_and_speaks_of_all_items(suite, resources, run_suite):
    store = run_suite(folded(suite), resources)
    row = Results(store.folder).summary().iloc[0]
    scores = np.array([record.scores["accuracy"] for record in store.records()])
    expected = t_interval(scores, overlap=0.5)
    assert (row.seed_low, row.seed_high) == pytest.approx((expected.low, expected.high))
    assert (row.n_items, row.splits) == (120, "3-fold")
    said = " ".join(notes(Results(store.folder)))
    assert "corrected resampled t" in said
    assert "Replicates on one split" not in said


def test_the_corrected_interval_is_that_of_its_paper():
    values = np.array([0.6, 0.7, 0.65, 0.8])
    width = t_interval(values, overlap=1 / 3).high - t_interval(values).mean
    variance = (1 / 4 + 1 / 3) * values.var(ddof=1)  # Nadeau & Bengio, 2003, section 3
    assert width == pytest.approx(3.182446 * np.sqrt(variance))


def test_a_file_fixes_the_splits_for_whoever_has_the_data(suite, resources, run_suite, tmp_path):
    table = draw_folds(resources.dataset("blobs").dataset, 3, seed=9)
    (tmp_path / "splits.csv").write_text(table.text())
    by_file = suite(replicates=3, protocol=Protocol(splits=str(tmp_path / "splits.csv")))
    (tmp_path / "elsewhere.csv").write_text(table.text())
    elsewhere = suite(replicates=3, protocol=Protocol(splits=str(tmp_path / "elsewhere.csv")))
    cells = [cell.id for cell in make_plan(by_file, resources).cells]
    assert cells == [cell.id for cell in make_plan(elsewhere, resources).cells]
    assert {record.identity["splits"]["digest"] for record in run_suite(by_file, resources).records()} == {table.digest}
    with pytest.raises(PlanError, match="holds 3 folds: use --replicates 3"):
        make_plan(replace(by_file, replicates=4), resources)


def test_one_fixed_split_serves_all_replicates(suite, resources, run_suite, tmp_path):
    table = draw_split(resources.dataset("blobs").dataset, test=0.3, val=0.0, seed=9)
    (tmp_path / "splits.csv").write_text(table.text())
    store = run_suite(suite(protocol=Protocol(splits=str(tmp_path / "splits.csv"))), resources)
    assert [record.ledger["test_items"] for record in store.records()] == [40, 40]


def test_results_under_two_protocols_do_not_share_a_folder(suite, resources, run_suite):
    run_suite(suite(), resources)
    from tlbench.errors import StoreError

    with pytest.raises(StoreError, match="'given' in its protocol, and these would have '3-fold'"):
        run_suite(folded(suite), resources)
    with pytest.raises(StoreError, match="steps 5 in its recipe"):
        run_suite(replace(suite(), recipe=replace(suite().recipe, steps=6)), resources)


def test_parts_are_read_whatever_way_a_table_names_them():
    assert SplitTable({("all", "a"): "train", ("all", "b"): "test"}).folds == 0
    assert SplitTable({("all", "a"): "0", ("all", "b"): "1"}).folds == 2


def test_a_run_keeps_the_tables_that_it_was_divided_by(suite, resources, run_suite):
    store = run_suite(folded(suite), resources)
    [path] = (store.folder / "splits").iterdir()
    digest = next(iter(store.records())).identity["splits"]["digest"]
    assert path.name == f"{digest[:20]}.csv"
    assert read_split_table(path).digest == digest


# ---- tlbench data split ------------------------------------------------------------------------------------------


def test_data_split_writes_folds_that_a_run_takes(cli, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cli("data", "split", "blobs", "-p", toy, "--folds", 3)
    path = Path(done.stdout.splitlines()[-1])
    assert "blobs: day: fold 0 40, fold 1 40, fold 2 40" in done.stdout
    assert path.name == f"splits-{read_split_table(path).digest[:12]}.csv"
    planned = cli("plan", "-p", toy, "-s", "scratch", "-b", "tiny", "-d", "blobs[->day]", "--splits", path)
    assert planned.exit_code == 0
    assert cli("data", "split", "blobs", "-p", toy, "--folds", 3).stdout == done.stdout  # a second time changes nothing


def test_data_split_writes_down_the_splits_that_are_there(cli, toy, tmp_path):
    cli("data", "split", "blobs", "-p", toy, "--out", tmp_path / "own.csv")
    parts = read_split_table(tmp_path / "own.csv").parts
    assert sum(part == "test" for (domain, _), part in parts.items() if domain == "night") == 40


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--folds", 3, "--test", 0.2), "Leave one of them away"),
        (("--val", 0.2), "--val goes with --test"),
        (("--folds", 40), "class 'north-west' of day has 30. Use fewer folds"),
        (("--folds", 3, "--out", "there.csv"), "is there already, with other content"),
        (("--folds", 3, "--out", "no/where.csv"), "name a file in a folder that is there"),
    ],
)
def test_data_split_refuses_in_one_line(refused, toy, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    assert says in refused("data", "split", "blobs", "-p", toy, *options)
    assert (tmp_path / "there.csv").read_text() == "mine"
