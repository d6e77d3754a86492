"""docs/plugin-hooks.md against the hooks: each stands there with its signature, and its example does what it says."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from documents import ROOT, fenced
from rehearsal import make_cheap

from tlbench.cli import main
from tlbench.host import hookspecs

PAGE = ROOT / "docs" / "plugin-hooks.md"
PROBE = ["-s", "linear-probe", "-b", "test_resnet.glyphs", "-d", "digits[->handwritten]", "--budget", "1-shot",
         "--replicates", "1", "--jobs", "1", "--out", "out"]  # fmt: skip


def hooks():
    """Return the signature of every hook by its name, as the specification spells it."""
    module = ast.parse(Path(hookspecs.__file__).read_text(encoding="utf-8"))
    return {
        node.name: f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}".replace("'", "")
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("tlbench_")
    }


def section(name):
    """Return the part of the page on a hook."""
    return PAGE.read_text(encoding="utf-8").partition(f"\n### {name}\n")[2].partition("\n### ")[0]


@pytest.mark.parametrize("name", hooks())
def test_every_hook_is_documented_under_its_name_with_its_exact_signature(name):
    assert f"\n`{hooks()[name]}`\n" in section(name)
    assert f"def {name}(" in section(name), "the example implements the hook"


def test_no_hook_is_documented_that_is_not_there():
    assert re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE) == list(hooks())


# What is typed with the example of a hook loaded, and where its effect is seen: without the hook there is none.
EFFECTS = {
    "tlbench_strategies": (["run", *PROBE, "-s", "cosine-means"], lambda seen: "cosine-means" in seen.strategies),
    "tlbench_backbones": (
        ["run", *PROBE, "-b", "average-pixels"],
        lambda seen: {record["labels"]["backbone"] for record in seen.records} >= {"average-pixels"},
    ),
    "tlbench_datasets": (
        ["run", *PROBE, "-d", "stripes"],
        lambda seen: {record["labels"]["dataset"] for record in seen.records} >= {"stripes"},
    ),
    "tlbench_metrics": (["run", *PROBE], lambda seen: 0 < seen.records[0]["scores"]["top-two-accuracy"] <= 1),
    "tlbench_suites": (["plan", "--suite", "frozen-only"], lambda seen: "Suite frozen-only: 2 cells" in seen.text),
    "tlbench_reporters": (
        ["run", *PROBE],
        lambda seen: json.loads(Path("out/tables/results.jsonl").read_text().splitlines()[0])["budget"] == "1-shot",
    ),
    "tlbench_trackers": (
        ["run", *PROBE, "--track", "lines:lines.jsonl"],
        lambda seen: json.loads(Path("lines.jsonl").read_text())["strategy"] == "linear-probe",
    ),
    "tlbench_environment": (["run", *PROBE], lambda seen: seen.records[0]["environment"]["pillow"]),
    "tlbench_add_commands": (["failures", "--help"], lambda seen: "failed cells of a results folder" in seen.text),
    "tlbench_run_started": (["run", *PROBE], lambda seen: "1 cells planned, 0 skipped" in seen.text),
    "tlbench_cell_started": (["run", *PROBE], lambda seen: "1 of 1: linear-probe, 1-shot, replicate 0" in seen.text),
    "tlbench_cell_finished": (
        ["run", *PROBE, "-s", "failing", "-p", "failing.py"],
        lambda seen: re.search(r"[0-9a-f]{20} failed: on purpose", seen.text),
    ),
    "tlbench_run_finished": (["run", *PROBE], lambda seen: f"records are in {Path('out/records')}" in seen.text),
}

FAILING = '''
from dataclasses import dataclass
from tlbench import Family, Strategy, hookimpl

@dataclass(frozen=True)
class Failing(Strategy):
    """Fail."""

    name = "failing"
    family = Family.EXTRACT

    def fit(self, task, bench):
        raise RuntimeError("on purpose")

@hookimpl
def tlbench_strategies():
    return [Failing]
'''


class Seen:
    """What a command has left: its output, and the records in `out`."""

    def __init__(self, text):
        self.text = text
        self.records = [json.loads(path.read_text()) for path in Path("out/records").glob("*.json")]
        self.strategies = {record["labels"]["strategy"] for record in self.records}


@pytest.fixture(scope="module")
def cheap():
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch)
        yield


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("name", hooks())
def test_every_hook_is_called_and_its_example_has_the_effect_that_it_shows(name, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    [example] = [block.text for block in fenced(PAGE) if f"def {name}(" in block.text and name in section_of(block)]
    (tmp_path / "shown.py").write_text(example, encoding="utf-8")
    (tmp_path / "failing.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.setenv("TLBENCH_PLUGINS", "shown.py")
    monkeypatch.setattr(main, "_asked_plugins", False)
    arguments, has_effect = EFFECTS[name]
    result = cli(*arguments)
    assert has_effect(Seen(result.output)), result.output
    sys.modules.pop("shown", None)


def section_of(block):
    """Return the heading that a block of the page stands under."""
    above = PAGE.read_text(encoding="utf-8").splitlines()[: block.line]
    return next(line for line in reversed(above) if line.startswith("### "))
