"""`tlbench report`: it writes reports and blocks of documents, and --check finds what its records do not make."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from report_records import make_record, make_results

from tlbench import Reporter, Results
from tlbench.cli import main
from tlbench.results import content_digest
from tlbench_reports.drawing import INEXACT
from tlbench_reports.report_command import checking

SHOWN = "differences-1-digits-handwritten-tiny-letters"
FORMATS = ("--format", "markdown", "--format", "csv", "--format", "parquet", "--format", "text", "--format", "latex")
BEFORE, AFTER = "# Mine\n\nwords before\n", "\nwords after\n"


def records():
    rights = {"scratch": (20, 21, 22), "linear-probe": (24, 26, 25)}
    return [
        make_record(strategy, replicate, right, family=family)
        for (strategy, own), family in zip(rights.items(), ("scratch", "extract"), strict=True)
        for replicate, right in enumerate(own)
    ]


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Return a results folder with all its reports, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "mine"
    make_results(folder, records())
    assert run(folder).exit_code == 0
    return folder


@pytest.fixture
def folder(reported, tmp_path):
    return shutil.copytree(reported, tmp_path / "mine")


def run(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def check(*arguments):
    """Return the lines of a check, whose exit code is 0 where they are one that says that all is well."""
    result = run(*arguments, "--check")
    lines = result.output.splitlines()
    agree = len(lines) == 1 and "as the records make them" in lines[0]
    assert result.exit_code == (0 if agree else 1), result.output
    return lines


def restamped(folder, **changes):
    """Change what stands in reports.json."""
    path = folder / "reports.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def listed(folder):
    """Return the digests that stand in reports.json."""
    return json.loads((folder / "reports.json").read_text())["files"]


def unlisted(folder, name):
    restamped(folder, files={other: digest for other, digest in listed(folder).items() if other != name})


def without_charts_and_page(folder):
    """Take away what git does not keep of a reference run; return the names of these files."""
    gone = [folder / "index.html", *(folder / "charts").iterdir()]
    for path in gone:
        path.unlink()
    return {path.relative_to(folder).as_posix() for path in gone}


def test_every_kind_of_change_is_named_with_its_file_and_line(folder):
    [line] = check(folder)
    assert re.match(r"\d+ files of .*mine: as the records make them\.", line)
    markdown = folder / "tables" / "summary.md"
    lines = markdown.read_text().splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if line.startswith("| linear-probe"))
    lines[number - 1] = lines[number - 1].replace("0.", "1.", 1)
    markdown.write_text("\n".join([*lines, ""]))
    unlisted(folder, "tables/summary.tex")
    (folder / "tables" / "summary.tex").unlink()
    (folder / "tables" / "old.md").write_text("from long ago")
    (folder / "charts" / "gone.png").write_bytes(b"")
    page = folder / "index.html"
    page.write_text(page.read_text().replace("<h1", "<h1 class='mine'"))
    drawing = folder / "charts" / f"{SHOWN}.svg"
    drawing.write_text(drawing.read_text().replace(">linear-probe<", ">Linear-probe<"))
    [picture] = (folder / "charts").glob("scores-*.png")
    picture.write_bytes((folder / "charts" / f"{SHOWN}.png").read_bytes())
    said = {line.partition("/mine/")[2] for line in check(folder)}
    starts = {re.split("[,:]", line)[0] for line in said}
    assert starts == {
        "tables/summary.md", "tables/summary.tex", "tables/old.md", "charts/gone.png", "index.html",
        f"charts/{SHOWN}.svg", f"charts/{picture.name}",
    }  # fmt: skip
    assert any(line.startswith(f"tables/summary.md, line {number}: it has '| linear-probe") for line in said)
    assert "tables/summary.tex: is not there." in said


def test_a_number_in_a_picture_is_seen(tmp_path):
    from matplotlib.figure import Figure

    paths = []
    for number in ("0.871", "0.971"):
        figure = Figure(figsize=(5, 4), dpi=100)
        figure.text(0.5, 0.5, number, fontsize=9)
        paths.append(tmp_path / f"{number}.png")
        figure.savefig(paths[-1])
    assert checking._png(*paths) == ": it is not the picture that the records make."
    assert checking._png(paths[0], paths[0]) == ""


def test_a_forged_score_of_a_record_is_seen_in_all_its_tables(folder):
    path = min((folder / "records").glob("linear-probe*.json"))
    text = path.read_text()
    path.write_text(re.sub(r'("accuracy": )0\.\d+', r"\g<1>0.999", text, count=1))
    lines = check(folder, *FORMATS)
    names = {re.search(r"tables/([\w.]+)", line).group(1) for line in lines}
    assert {"results.csv", "results.parquet", "summary.csv", "summary.parquet", "summary.md", "summary.tex"} <= names


def test_absent_files_are_compared_by_their_digests(folder):
    gone = without_charts_and_page(folder)
    result = run(folder, "--check")
    assert result.exit_code == 0
    by_digest, agree = result.output.splitlines()
    assert by_digest == f"Compared by the digests of reports.json: {len(gone)} absent files."
    assert "as the records make them" in agree


def test_a_forged_score_of_a_record_is_seen_in_absent_files(folder):
    gone = without_charts_and_page(folder)
    path = min((folder / "records").glob("linear-probe*.json"))
    path.write_text(re.sub(r'("accuracy": )0\.\d+', r"\g<1>0.999", path.read_text(), count=1))
    ending = ": is not there, and what the records make has another digest than reports.json lists."
    said = {line.partition("/mine/")[2].removesuffix(ending) for line in check(folder) if line.endswith(ending)}
    assert said <= gone
    assert {
        "index.html",
        f"charts/{SHOWN}.svg",
        f"charts/{SHOWN}.png",
    } <= said


@pytest.mark.parametrize("stamp", ["without digests", "without the file", "none"])
def test_an_absent_file_that_no_digest_stands_for_is_a_difference(folder, stamp):
    if stamp == "without digests":  # as version 0.1 wrote them
        restamped(folder, files=list(listed(folder)))
    elif stamp == "without the file":
        unlisted(folder, "index.html")
    else:
        (folder / "reports.json").unlink()
    (folder / "index.html").unlink()
    [line] = check(folder)
    assert line.endswith("index.html: is not there.")


def test_charts_of_another_matplotlib_are_counted_and_not_compared(folder):
    shown = folder / "charts" / f"{SHOWN}.png"
    others = {name: "0" * 64 for name in listed(folder) if name.startswith("charts/")}
    restamped(folder, matplotlib="3.9.1", files={**listed(folder), **others})
    kept = shown.read_bytes()
    gone = without_charts_and_page(folder)
    shown.write_bytes(kept[:100])
    result = run(folder, "--check")
    assert result.exit_code == 0
    by_digest, by_nothing, _ = result.output.splitlines()
    assert by_digest == "Compared by the digests of reports.json: 1 absent file."
    assert f"Not compared: pictures of {len(gone) - 1} files; they were drawn by matplotlib 3.9.1, and" in by_nothing
    restamped(folder, files={**listed(folder), "index.html": "0" * 64})
    lines = run(folder, "--check").output.splitlines()
    assert [line.partition("/mine/")[2].partition(":")[0] for line in lines if "/mine/" in line] == ["index.html"]


def test_a_shown_chart_is_compared_without_its_drawing_beside_it(folder):
    shown = folder / "charts" / f"{SHOWN}.png"
    other = next((folder / "charts").glob("scores-*.png")).read_bytes()
    without_charts_and_page(folder)
    shown.write_bytes(other)
    [line, _] = check(folder)
    assert line.endswith(f"{SHOWN}.png: it is not the picture that the records make.")


def test_an_absent_png_of_other_bytes_is_not_compared_where_its_drawing_is_the_same(folder):
    name = f"charts/{SHOWN}.png"
    restamped(folder, files={**listed(folder), name: "0" * 64})
    gone = without_charts_and_page(folder)
    lines = run(folder, "--check").output.splitlines()
    assert lines[0].endswith(f": {len(gone) - 1} absent files.")
    assert lines[1].startswith("Not compared: 1 absent PNG file; ")
    restamped(folder, files={**listed(folder), name.replace("png", "svg"): "0" * 64})
    lines = run(folder, "--check").output.splitlines()
    assert sum(re.search(rf"{SHOWN}\.(svg|png): is not there, and", line) is not None for line in lines) == 2


def test_a_digest_of_what_no_report_makes_any_more_is_a_difference(folder):
    restamped(folder, files={**listed(folder), "charts/old.svg": "0" * 64})
    [line] = check(folder)
    assert line.endswith("charts/old.svg: reports.json lists it, and no report makes it.")


def test_a_page_is_compared_whatever_library_compresses_its_data(folder, monkeypatch):
    monkeypatch.setattr("tlbench_reports.downloads.packed", lambda text: f"H4sI{len(text)}")
    (folder / "index.html").unlink()
    assert "1 absent file" in run(folder, "--check", "--format", "html").output.splitlines()[0]
    assert run(folder, "--check", "--format", "html").exit_code == 0


def test_numbers_may_differ_in_their_last_digits_and_not_before(folder):
    table = folder / "tables" / "summary.csv"
    text = table.read_text()
    number = re.search(r"0\.\d{15,}", text).group()
    table.write_text(text.replace(number, number[:14] + str(9 - int(number[14])), 1))
    assert len(check(folder, "--format", "csv")) == 1
    table.write_text(text.replace(number, number[:5] + str(9 - int(number[5])) + number[6:], 1))
    [line] = check(folder, "--format", "csv")
    assert "summary.csv, line " in line


@pytest.mark.parametrize(
    ("there", "anew", "difference", "note"),
    [
        ("v3.9.1, a", "v3.9.1, a", "", ""),
        ("v3.9.1, a", "v3.9.1, b", "line 1: it has 'Matplotlib v3.9.1, a'", ""),
        ("v3.9.1, a", "v3.9.2, b", "", "they were drawn by matplotlib 3.9.1, and here is"),
        (f"v3.9.1, a {INEXACT}", f"v3.9.1, b {INEXACT}", "", ""),
    ],
)
def test_charts_are_compared_where_the_same_matplotlib_draws_the_same(tmp_path, there, anew, difference, note):
    def write(results, folder):
        (folder / "one.svg").write_text(f"Matplotlib {anew}")
        return [folder / "one.svg"]

    (tmp_path / "one.svg").write_text(f"Matplotlib {there}")
    check = checking.Check()
    check.reports(SimpleNamespace(folder=tmp_path), [Reporter("one", write)], strays=False)
    assert difference in "".join(check.differences)
    assert len(check.differences) == bool(difference)
    assert note in "".join(check.notes)
    assert len(check.notes) == bool(note)


@pytest.mark.parametrize(
    ("words", "listed", "difference", "note"),
    [
        ("", "", ": is not there, and what the records make", ""),
        (INEXACT, "", "", "Not compared: 1 absent chart file; each processor"),
        (INEXACT, "same", "", "Compared by the digests of reports.json: 1 absent file."),
    ],
)
def test_an_absent_chart_of_last_digits_is_compared_where_these_are_the_same(tmp_path, words, listed, difference, note):
    def write(results, folder):
        (folder / "one.svg").write_text(f"Matplotlib v3.9.1, {words}")
        return [folder / "one.svg"]

    [path] = write(None, tmp_path)
    digest = content_digest(path) if listed else "0" * 64
    path.unlink()
    (tmp_path / "reports.json").write_text(json.dumps({"matplotlib": "3.9.1", "files": {"one.svg": digest}}))
    check = checking.Check()
    check.reports(SimpleNamespace(folder=tmp_path), [Reporter("one", write)], strays=False)
    assert difference in "".join(check.differences)
    assert len(check.differences) == bool(difference)
    assert note in "".join(check.notes)
    assert len(check.notes) == bool(note)


def document(folder, inside=""):
    path = folder.parent / "README.md"
    path.write_text(f"{BEFORE}<!-- mine:begin -->\n{inside}<!-- mine:end -->{AFTER}")
    return path


def test_a_block_is_written_and_nothing_around_it(folder):
    readme = document(folder, "of yore\n")
    result = run(folder, "--format", "markdown", "--document", readme)
    assert result.exit_code == 0
    text = readme.read_text()
    assert text.startswith(BEFORE + "<!-- mine:begin -->\n")
    assert text.endswith("<!-- mine:end -->" + AFTER)
    assert "of yore" not in text
    answer = Results(folder).answer()
    assert answer.sentence.replace("_", "\\_") in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len({(card.transfer, card.backbone) for card in answer.cards})
    assert all(f"{card.score:.3f}" in " ".join(rows) for card in answer.cards)
    [picture] = re.findall(r"!\[[^]]{40,}\]\((.*)\)", text)
    assert (readme.parent / picture).is_file()
    assert run(folder, "--format", "markdown", "--document", readme).exit_code == 0
    assert readme.read_text() == text


def test_a_block_that_is_not_what_the_records_make_is_named_with_its_line(folder):
    readme = document(folder)
    run(folder, "--format", "markdown", "--document", readme)
    assert "and the blocks of" in check(folder, "--format", "markdown", "--document", readme)[0]
    text = readme.read_text()
    number = next(i for i, line in enumerate(text.splitlines(), start=1) if line.startswith("| ") and "**" in line)
    readme.write_text(text.replace("** 0.", "** 9.", 1))
    [line] = check(folder, "--format", "markdown", "--document", readme)
    assert f"README.md, line {number}: it has '| " in line
    readme.write_text(text + "\nprose that nobody checks\n")
    assert run(folder, "--format", "markdown", "--document", readme, "--check").exit_code == 0


def test_a_check_writes_nothing(folder):
    (folder / "tables" / "summary.md").write_text("wrong")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    check(folder, "--format", "markdown")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "markdwon"), "unknown report format 'markdwon'. Did you mean 'markdown'?"),
        (("--format", "markdwon", "--check"), "unknown report format 'markdwon'. Did you mean 'markdown'?"),
        (("--baseline", "scrach"), "Did you mean 'scratch'?"),
        (("--document", "nowhere.md"), "cannot read nowhere.md"),
    ],
)
def test_a_slip_is_met_before_anything_is_written(reported, arguments, said):
    before = (reported / "reports.json").stat().st_mtime_ns
    result = run(reported, *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.splitlines()) == 1
    assert (reported / "reports.json").stat().st_mtime_ns == before


def test_a_document_without_the_markers_is_told_which_it_has(folder):
    readme = document(folder)
    readme.write_text(readme.read_text().replace("mine:", "mien:"))
    result = run(folder, "--document", readme, "--check")
    assert result.exit_code == 2
    assert "has no line <!-- mine:begin -->. Did you mean 'mien'?" in " ".join(result.output.split())
    readme.write_text("<!-- mine:begin -->\n")
    assert "has no line <!-- mine:end -->." in run(folder, "--document", readme).output


def test_two_folders_are_checked_at_once(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "tables" / "summary.md").write_text("wrong")
    [line] = check(folder, other, "--format", "markdown")
    assert "other/tables/summary.md, line 1" in line


def test_all_are_compared_with_a_baseline_of_the_users_choice(folder):
    assert run(folder, "--format", "markdown", "--baseline", "linear-probe").exit_code == 0
    assert "95% vs linear-probe" in (folder / "tables" / "summary.md").read_text()
    assert len(check(folder, "--format", "markdown", "--baseline", "linear-probe")) == 1
    assert run(folder, "--format", "markdown", "--check").exit_code == 1
