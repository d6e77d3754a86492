"""`tlbench check`: what a name means, a verdict per rule, the exit code and the badge."""

import re

import pytest

import tlbench
from tlbench.cli.check import Verdict, badge, written

RELEASE = ".".join(tlbench.__version__.split(".")[:2])

METRIC = """
from tlbench import Metric, Strategy, hookimpl


def right(logits, labels):
    return float((logits.argmax(1) == labels).mean())


def sorting(logits, labels):
    value = right(logits, labels)
    labels.sort()
    return value


@hookimpl
def tlbench_metrics():
    return [Metric("hits", right, description="right answers"), Metric("sorting", sorting, description="and sorts")]
"""


@pytest.fixture
def metrics(plugin_file):
    return plugin_file(METRIC, "metrics_of_mine.py")


def test_what_keeps_all_rules_has_a_line_for_each_and_exit_code_0(cli, metrics):
    result = cli("check", "-p", metrics, "hits")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == f"metric hits, file {metrics}"
    assert "pass  the order of examples has no say" in lines
    assert lines[-2] == "metric hits keeps all 13 rules."
    assert [line[:4] for line in lines[1:-2]] == ["pass"] * 13


def test_a_broken_rule_has_its_sentence_and_exit_code_1(cli, metrics, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    result = cli("check", "-p", metrics, "sorting")
    assert result.exit_code == 1
    assert "FAIL  logits and labels stay as they were\n      sorting: compute changes labels in place." in result.stdout
    assert "breaks 2 of 13 rules." in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()[1:]) <= 60


def test_several_names_are_checked_in_turn(cli, metrics):
    result = cli("check", "-p", metrics, "hits", "sorting")
    assert re.findall(r"^metric (\w+),", result.stdout, re.MULTILINE) == ["hits", "sorting"]
    assert result.exit_code == 1


def test_a_badge_alone_stands_on_stdout_and_only_when_all_rules_are_kept(cli, metrics):
    good, bad = cli("check", "-p", metrics, "hits", "--badge"), cli("check", "-p", metrics, "sorting", "--badge")
    assert (
        good.stdout
        == f"![tlbench {RELEASE} | 13/13](https://img.shields.io/badge/tlbench%20{RELEASE}-13%2F13-brightgreen)\n"
    )
    assert "keeps all 13 rules" in good.stderr
    assert (bad.stdout, bad.exit_code) == ("", 1)


def test_a_badge_counts_the_rules():
    assert badge(21).startswith(f"![tlbench {RELEASE} | 21/21](https://img.shields.io/badge/")


def test_each_kind_is_found_by_its_name(cli, toy, monkeypatch):
    from tlbench.cli import check

    monkeypatch.setattr(check.Candidate, "verdicts", lambda self: iter([Verdict("a rule")]))
    result = cli("check", "-p", toy, "nearest-mean", "tiny.corners",
                 "blobs[->day]", "blobs(each=5)", "nll", "csv")  # fmt: skip
    titles = re.findall(r"^(\w+) ([^,\n]+), (?:file|tlbench)", result.stdout, re.MULTILINE)
    assert titles == [
        ("strategy", "nearest-mean"),
        ("backbone", "tiny.corners"),
        ("dataset", "blobs"),
        ("dataset", "blobs(each=5)"),
        ("metric", "nll"),
        ("reporter", "csv"),
    ]


def test_a_name_of_several_kinds_is_checked_as_each(cli, plugin_file, monkeypatch):
    from tlbench.cli import check

    monkeypatch.setattr(check.Candidate, "verdicts", lambda self: iter([Verdict("a rule")]))
    result = cli("check", "-p", plugin_file(METRIC.replace('"hits"', '"latex"'), "named_like_another.py"), "latex")
    assert re.findall(r"^(\w+) latex,", result.stdout, re.MULTILINE) == ["metric", "reporter"]


def test_a_member_of_a_family_is_found_and_the_family_itself_is_refused(cli, refused, monkeypatch):
    from tlbench.cli import check

    monkeypatch.setattr(check.Candidate, "verdicts", lambda self: iter([Verdict("a rule")]))
    assert "backbone resnet18, tlbench" in cli("check", "resnet18").stdout
    assert "'timm' is a family of backbones: check one of them, such as" in refused("check", "timm")


def test_near_misses_are_sought_over_all_kinds(refused):
    assert "is named 'finetun'. Did you mean 'finetune'?" in refused("check", "finetun")
    assert "Did you mean 'digits'?" in refused("check", "digit")
    assert "Did you mean 'accuracy'?" in refused("check", "acuracy")
    assert "'quick' is a suite" in refused("check", "quick")
    assert "strategy 'finetune' has no parameter 'lrr'. Did you mean 'lr'?" in refused("check", "finetune(lrr=1)")
    assert "a metric takes no parameters. Write nll." in refused("check", "nll(a=1)")
    assert "needs a path" in refused("check", "folder")


def test_a_sentence_is_told_once():
    told = set()
    assert written(Verdict("one", "the fault."), 80, told) == "FAIL  one\n      the fault."
    assert written(Verdict("two", "the fault."), 80, told) == "FAIL  two\n      The same as above."


def test_a_strategy_and_a_backbone_are_checked_for_good(cli, toy):
    result = cli("check", "-p", toy, "nearest-mean", "tiny.corners", "lone")
    assert "strategy nearest-mean keeps all" in result.stdout
    assert "backbone tiny.corners" in result.stdout
    assert "dataset lone" in result.stdout
