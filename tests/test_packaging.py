"""What the package and its repository say of themselves: types, citation, workflow, completion in a shell."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tlbench

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
BASH = shutil.which("bash")


def test_the_package_says_that_it_is_typed():
    assert (Path(tlbench.__file__).parent / "py.typed").is_file()
    assert "Typing :: Typed" in _project()["classifiers"]


@pytest.mark.slow
def test_mypy_checks_a_users_file_against_our_types(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "mine.py").write_text(
        "import tlbench\n"
        "budget = tlbench.Budget.parse('5-shot')\n"
        "reveal_type(budget)\n"
        "budget.shotts\n"
    )  # fmt: skip
    (tmp_path / "mypy.ini").write_text("[mypy]\n[mypy-torch.*]\nfollow_imports = skip\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "mine.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert re.search(r'note: Revealed type is "tlbench\.[\w.]*Budget"', said), said
    assert 'mine.py:4: error: "Budget" has no attribute "shotts"' in said
    assert "Found 1 error in 1 file" in said


def test_the_citation_is_of_this_version():
    import yaml

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == tlbench.__version__
    assert citation["authors"] == _project()["authors"]
    assert citation["license"] == _project()["license"]
    assert {"message", "title"} <= set(citation)


def test_addresses_of_the_project_are_on_the_web_or_files_here():
    for place in _project()["urls"].values():
        assert place.startswith("https://") or (ROOT / place).is_file(), place


def test_the_workflow_runs_everything_on_linux_and_tests_that_exist_elsewhere():
    import yaml

    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    whole, core = workflow["jobs"]["whole"], workflow["jobs"]["core"]
    assert whole["runs-on"] == "ubuntu-latest"
    assert "bash .ci/run" in _commands(whole)
    assert core["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    assert 'pip install ".[test]"' in _commands(core)
    tests = [path for line in _commands(core) if line.startswith("pytest ") for path in line.split()[1:]]
    assert len(tests) > 10
    assert [path for path in tests if not (ROOT / path).exists()] == []
    used = [step["uses"] for job in (whole, core) for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used)
    assert workflow["permissions"] == {"contents": "read"}


def test_what_was_not_tried_is_said_to_be_untried():
    assert "untried" in WORKFLOW.read_text(encoding="utf-8")
    assert re.search(r"\.github/workflows/ci\.yml.*untried", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.mark.skipif(BASH is None or sys.platform == "win32", reason="there is no bash of a system like Unix")
@pytest.mark.parametrize(
    ("words", "completed"),
    [(["ru"], "run"), (["run", "--rep"], "--replicates"), (["leaderboard-i"], "leaderboard-init")],
)
def test_bash_completes_what_the_line_of_the_tutorial_sets_up(words, completed, tmp_path):
    (line,) = re.findall(r"`(eval .*bash_source.*)`", (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    command = tmp_path / "tlbench"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tlbench "$@"\n')
    command.chmod(0o755)
    given = " ".join(["tlbench", *words])
    script = (
        f'{line}\nCOMP_WORDS=({given}); COMP_CWORD={len(words)}\n_tlbench_completion tlbench\necho "${{COMPREPLY[@]}}"'
    )
    variables = os.environ | {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    done = subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True, timeout=60, env=variables)
    assert done.stdout == f"{completed}\n", done.stderr


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]
