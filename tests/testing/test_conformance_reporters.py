"""The kit for reporters: each rule is broken by a reporter that keeps the others, and all installed ones keep all."""

import html
import itertools
import json
import socket

import pytest

from tlbench import Reporter
from tlbench.files import write_atomically
from tlbench.host import Catalog, Host
from tlbench.testing import REPORTER_CHECKS, ConformanceError, ReporterConformance, ReporterSubject

INSTALLED = Catalog(Host()).reporter_list()
RUNS = itertools.count()


def broken(reporter):
    """Return what the kit says, by the names of the checks that fail."""
    found, subject = {}, ReporterSubject(reporter)
    for check in REPORTER_CHECKS:
        if check.in_a_run:
            continue  # tests/testing/test_run_checks.py breaks those
        try:
            check.run(subject)
        except ConformanceError as error:
            found[check.name] = str(error)
    return found


def lines(results):
    return "".join(f"{record.cell} {html.escape(str(record.labels['strategy']))}\n" for record in results.records)


def sound(results, folder):
    write_atomically(folder / "short.html", lines(results).encode())
    return [folder / "short.html"]


def as_text(results, folder):
    return [str(path) for path in sound(results, folder)]


def elsewhere(results, folder):
    write_atomically(folder.parent / "beside.html", b"")
    return [*sound(results, folder), folder.parent / "beside.html"]


def promised(results, folder):
    return [*sound(results, folder), folder / "missing.txt"]


def touching(results, folder):
    (folder.parent / "note.log").write_text("done")
    return sound(results, folder)


def editing(results, folder):
    path = next((folder / "records").glob("*.json"))
    path.write_text(json.dumps(json.loads(path.read_text())))
    return sound(results, folder)


def directly(results, folder):
    (folder / "short.txt").write_text("rows\n", encoding="utf-8")
    return [folder / "short.txt"]


def leftover(results, folder):
    write_atomically(folder / "short.tmp", b"half")
    return sound(results, folder)


def counting(results, folder):
    write_atomically(folder / "short.txt", f"{next(RUNS)}\n".encode())
    return [folder / "short.txt"]


def all_scored(results, folder):
    if results.records and all(not record.ok for record in results.records):
        raise KeyError("accuracy")
    return sound(results, folder)


def with_intervals(results, folder):
    if results.frame()["replicate"].nunique() == 1 and all(record.ok for record in results.records):
        raise ZeroDivisionError("of one there is no spread")
    return sound(results, folder)


def of_labels(results, folder):
    if not any("accuracy" in record.scores for record in results.records) and any(r.ok for r in results.records):
        raise KeyError("accuracy")
    return sound(results, folder)


def of_shots(results, folder):
    for record in results.records:
        int(str(record.labels["budget"]).removesuffix("-shot").replace("5-way ", "x" * (len(results.records) < 12)))
    return sound(results, folder)


def unescaped(results, folder):
    write_atomically(folder / "short.html", html.unescape(lines(results)).encode())
    return [folder / "short.html"]


def in_latin(results, folder):
    write_atomically(folder / "short.txt", "é\n".encode("latin-1"))
    return [folder / "short.txt"]


def connecting(results, folder):
    socket.socket().close()
    return sound(results, folder)


DRAWN = ("charts", "html")  # each rule draws them all
PATHS = "it returns the paths of its files"
INSIDE = "it writes inside the folder alone"
WHOLE = "files are written whole or not at all"


@pytest.mark.parametrize(
    "installed",
    [pytest.param(each, marks=[pytest.mark.slow] * (each.name in DRAWN), id=each.name) for each in INSTALLED],
)
def test_every_installed_reporter_keeps_every_rule(installed):
    assert broken(installed) == {}


def test_a_sound_reporter_breaks_nothing():
    assert broken(Reporter("mine", sound, "one line a record")) == {}


@pytest.mark.parametrize(
    ("write", "rules", "words"),
    [
        (as_text, [PATHS], "returns str among its paths; each is a pathlib.Path"),
        (elsewhere, [PATHS, INSIDE], "which is not in the folder that it was given. Write folder / 'name'"),
        (promised, [PATHS], "returns missing.txt, and there is no such file"),
        (touching, [INSIDE], "note.log' to write, which is outside of the folder"),
        (editing, ["the records stay as they were"], "A reporter reads records and writes files of its own"),
        (directly, [WHOLE], r"writes into short.txt directly.*write_atomically\(path, data\)"),
        (leftover, [WHOLE], "leaves short.tmp behind"),
        (counting, ["equal results give equal bytes"], "writes short.txt otherwise"),
        (unescaped, ["names are escaped in pages"], "Use html.escape"),
        (in_latin, ["texts are utf 8"], "short.txt is not UTF-8"),
        (connecting, ["no socket is opened"], "Publish in a command of its own"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_reporter_that_breaks_one_rule_is_told_of_it(write, rules, words):
    found = broken(Reporter("mine", write, "one line a record"))
    assert list(found) == rules
    with pytest.raises(ConformanceError, match=words):
        raise ConformanceError(found[rules[0]])


@pytest.mark.parametrize(
    ("write", "rule", "kind", "words"),
    [
        (all_scored, "failures and skips are taken", "failures", "raised KeyError: 'accuracy'"),
        (with_intervals, "one replicate is taken", "one replicate", "of one there is no spread"),
        (of_labels, "clusterings alone are taken", "clusters", "raised KeyError: 'accuracy'"),
        (of_shots, "episodes are taken", "episodes", "raised ValueError"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_results_of_each_kind_are_a_rule_of_their_own(write, rule, kind, words):
    found = broken(Reporter("mine", write, "one line a record"))
    kinds = {
        "failures and skips are taken",
        "one replicate is taken",
        "clusterings alone are taken",
        "episodes are taken",
    }
    assert kinds & set(found) == {rule}
    assert f"({kind})" in found[rule]
    assert words in found[rule]


def test_a_reporter_without_a_description_is_told_so():
    assert list(broken(Reporter("mine", sound))) == ["it is declared as the catalog asks"]


class TestSound(ReporterConformance):
    """The pytest class, as plugin authors use it."""

    reporter = Reporter("mine", sound, "one line a record")


def test_the_pytest_class_has_a_test_for_every_check():
    names = {f"test_{check.run.__name__}" for check in REPORTER_CHECKS}
    assert names == {name for name in dir(TestSound) if name.startswith("test_")}
