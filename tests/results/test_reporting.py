"""tlbench.results.reporting: reports that are still good are left alone, all others are written anew."""

import pytest

from tlbench.contract import Record
from tlbench.host import Catalog, Host
from tlbench.results import Results, Store, write_reports

LABELS = {
    "strategy": "scratch", "family": "scratch", "setting": "inductive", "baseline": True, "backbone": "tiny",
    "dataset": "toys", "source": "", "target": "all", "transfer": "toys", "budget": "5-shot", "seed": 0,
}  # fmt: skip


def stored(folder, replicate, score):
    record = Record(f"{replicate:020d}", {}, {**LABELS, "replicate": replicate}, {"nll": score}, {}, {})
    Store(folder, create=True).write(record)


def written(folder, *, anew=False):
    said = []
    write_reports(Results(folder), Catalog(Host()), ["csv", "markdown"], anew=anew, say=said.append)
    return (folder / "tables" / "summary.csv").stat().st_mtime_ns, said


@pytest.fixture
def folder(tmp_path):
    stored(tmp_path, 0, 0.5)
    stored(tmp_path, 1, 0.75)
    return tmp_path


def test_reports_of_unchanged_records_are_not_written_again(folder):
    first, said = written(folder)
    assert written(folder) == (first, said)


def test_reports_are_written_again_on_demand(folder):
    first, _ = written(folder)
    assert written(folder, anew=True)[0] > first


def test_a_new_record_makes_new_reports(folder):
    first, _ = written(folder)
    stored(folder, 2, 1.0)
    assert written(folder)[0] > first
    assert "0.75" in (folder / "tables" / "summary.csv").read_text()


def test_a_missing_report_is_written_again(folder):
    written(folder)
    (folder / "tables" / "summary.md").unlink()
    written(folder)
    assert (folder / "tables" / "summary.md").is_file()
