"""results/ in git: records, tables, and of the charts those that documents show. The rest is made by a command."""

import re
import subprocess

import pytest
from documents import DOCUMENTS, ROOT

RESULTS = ROOT / "results"
MOST_BYTES = 60_000_000  # of which the logits of photographs are half


def links():
    """Return the paths under results/ that documents link to or show, with what was linked: a file or a folder."""
    found = set()
    for document in (*DOCUMENTS, *sorted((ROOT / "docs").glob("*.rst"))):
        for target in re.findall(r"\]\(([^)\s#]+)", document.read_text(encoding="utf-8")):
            path = (document.parent / target).resolve()
            if "://" not in target and path.is_relative_to(RESULTS):
                found.add(path.relative_to(ROOT).as_posix())
    return found


def shown():
    return {link for link in links() if link.split("/")[2:3] == ["charts"]}


@pytest.fixture(scope="module")
def tracked():
    """Return the files under results/ that git knows; skip where this is no checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    done = subprocess.run(["git", "ls-files", "-z", "results"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name}


def test_the_charts_in_git_are_those_that_documents_show(tracked):
    assert len(shown()) >= 4
    assert {name for name in tracked if name.split("/")[2:3] == ["charts"]} == shown()
    assert {name for name in tracked if name.endswith(".html")} == set()


def test_what_documents_link_to_is_in_git(tracked):
    folders = {name.rsplit("/", depth)[0] for name in tracked for depth in range(1, name.count("/") + 1)}
    assert links() - tracked - folders == set()


def test_the_results_in_git_are_small(tracked):
    assert sum((ROOT / name).stat().st_size for name in tracked if (ROOT / name).is_file()) <= MOST_BYTES


def test_git_ignores_all_charts_but_those_that_documents_show():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/results/*/index.html", "/results/*/charts/*"} <= set(ignored)
    assert {line.removeprefix("!/") for line in ignored if line.startswith("!/results/")} == shown()


def test_the_charts_that_documents_show_are_there():
    assert {name for name in shown() if not (ROOT / name).is_file()} == set()
