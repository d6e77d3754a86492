"""Reports that are still good are left alone, all others are written anew; each file has a digest."""

import hashlib
import json
from importlib.metadata import version

import pytest

from tlbench.contract import Record
from tlbench.host import Catalog, Host
from tlbench.results import Results, Stamp, Store, content_digest, read_stamp, write_reports

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


def test_the_stamp_has_the_digest_of_each_file_and_what_drew_the_charts(folder):
    write_reports(Results(folder), Catalog(Host()), say=lambda text: None)
    stamp = json.loads((folder / "reports.json").read_text())
    files = [path for part in ("tables", "charts") for path in (folder / part).iterdir()]
    digests = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    page = stamp["files"].pop("index.html")
    assert page == content_digest(folder / "index.html")
    assert stamp["files"] == digests
    assert stamp["matplotlib"] == version("matplotlib")


def test_the_digest_of_a_page_is_that_of_all_but_its_pictures(tmp_path):
    def digest(source, width, words):
        (tmp_path / "page.html").write_text(f'<img src="data:image/svg+xml;base64,{source}" width="{width}">{words}')
        return content_digest(tmp_path / "page.html")

    assert digest("YQ==", 10, "0.5") == digest("YWI=", 11, "0.5")
    assert digest("YQ==", 10, "0.5") != digest("YQ==", 10, "0.6")


def test_the_digest_of_a_page_does_not_depend_on_how_its_data_are_packed(tmp_path):
    def digest(data, lines, words):
        packed = f'<script type="application/octet-stream" data-lines="{lines}">{data}</script>'
        (tmp_path / "page.html").write_text(f"<script>one</script>{packed}{words}")
        return content_digest(tmp_path / "page.html")

    assert digest("H4sIAAAA\nH4sI", 9, "0.5") == digest("H4sIAAAB\nH4sJ", 9, "0.5")
    assert digest("H4sIAAAA\nH4sI", 9, "0.5") != digest("H4sIAAAA\nH4sI", 8, "0.5")
    assert digest("H4sIAAAA\nH4sI", 9, "0.5") != digest("H4sIAAAA\nH4sI", 9, "0.6")


def test_writing_one_format_keeps_what_is_known_of_the_others(folder):
    write_reports(Results(folder), Catalog(Host()), say=lambda text: None)
    before = json.loads((folder / "reports.json").read_text())
    (folder / "reports.json").write_text(json.dumps({**before, "matplotlib": "3.9.1"}))
    written(folder, anew=True)
    after = read_stamp(folder)
    assert after.files == before["files"]
    assert after.matplotlib == "3.9.1"
    assert after.made_from != before["made_from"]


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ('{"made_from": "a", "files": ["x.md"]}', Stamp("a", "", {"x.md": ""})),  # as version 0.1 wrote it
        ('{"made_from": "a", "files": {"x.md": "0"}}', Stamp("a", "", {"x.md": "0"})),
        ('{"made_from": "a", "files": null}', Stamp("a")),
        ('["x.md"]', Stamp()),
        ("{", Stamp()),
    ],
)
def test_old_and_odd_stamps_are_read(folder, text, stamp):
    (folder / "reports.json").write_text(text)
    assert read_stamp(folder) == stamp
    written(folder)
    assert (folder / "tables" / "summary.csv").is_file()
