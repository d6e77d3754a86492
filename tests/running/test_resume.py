"""An interrupted run goes on where it stopped, and its tables equal an uninterrupted run's bytes."""

import os
import signal

import pytest

import tlbench
from tlbench.host import Catalog, Host
from tlbench.results import write_reports

SUITE = """
strategies = ["scratch(steps=150)", "linear-probe"]
backbones = ["tiny.corners"]
datasets = ["blobs[->day]"]
budgets = ["2-shot", "5-shot"]
replicates = 3
"""
CELLS = 12
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "toy.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="module")
def arguments(suite_file, toy):
    return ("run", "--suite", suite_file, "-p", toy, "--device", "cpu", "--jobs", "1", "--out")


@pytest.fixture(scope="module")
def uninterrupted(arguments, tmp_path_factory):
    """Return the folder of a run that nobody interrupted, made in this process."""
    from click.testing import CliRunner

    from tlbench.cli import main

    folder = tmp_path_factory.mktemp("results") / "whole"
    result = CliRunner().invoke(main, [str(argument) for argument in (*arguments, folder)])
    assert result.exit_code == 0, result.stderr
    assert len(list((folder / "records").glob("*.json"))) == CELLS
    return folder


def summaries(folder):
    """Return the bytes of everything that does not report seconds: each cell's scores and logits, and the summary."""
    tables = {path.name: path.read_bytes() for path in folder.rglob("summary*.csv")}
    assert tables
    return tables | {path.name: path.read_bytes() for path in (folder / "records").glob("*.safetensors")}


def wait_for_cells(process, count):
    """Wait until a running process has said that this many cells are stored; plain lines, since nobody watches."""
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(f"[{count}/"):
            return
    raise AssertionError("".join(said))


def resumed(folder, suite_file, toy):
    """Go on with a run from Python, and write the tables."""
    results = tlbench.run(suite_file, out=folder, device="cpu", plugins=[toy])
    write_reports(results, Catalog(Host([toy])), ["csv", "text"], say=lambda text: None)
    return summaries(folder)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_leaves_no_worker_and_resumes_to_the_tables_of_an_uninterrupted_run(
    jobs, arguments, uninterrupted, started_process, suite_file, toy, tmp_path
):
    folder = tmp_path / "killed"
    process = started_process(*arguments, folder, "--jobs", jobs)
    wait_for_cells(process, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)  # ends when the last worker has let go of the pipes
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / "records").glob("*.json")}
    assert 2 <= len(kept) < CELLS
    (folder / "records" / ".4711-half.json.tmp").write_bytes(b"{")  # what a process killed while writing leaves
    assert resumed(folder, suite_file, toy) == summaries(uninterrupted)
    now = {path.name: path.stat().st_mtime_ns for path in (folder / "records").glob("*.json")}
    assert kept.items() <= now.items()
    assert not [path.name for path in folder.rglob(".*")]


def test_control_c_says_one_line_and_exits_130_and_the_same_suite_goes_on(
    arguments, uninterrupted, started_process, suite_file, toy, tmp_path
):
    folder = tmp_path / "interrupted"
    process = started_process(*arguments, folder)
    wait_for_cells(process, 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: every process of the group
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert one_line(stderr).startswith("interrupted; ")
    assert resumed(folder, suite_file, toy) == summaries(uninterrupted)


OF_PROGRESS = ("note:", "encoded", "[", "starting", "planning", "reading", "looking for copies", "extracting")


def one_line(stderr):
    said = [line for line in stderr.splitlines() if not line.startswith(OF_PROGRESS)]
    assert len(said) == 1, stderr
    return said[0]


def test_a_second_run_runs_no_cell_and_gives_the_same_bytes(arguments, uninterrupted, cli):
    def everything():
        return {
            str(path.relative_to(uninterrupted)): path.read_bytes()
            for path in uninterrupted.rglob("*")
            if path.is_file() and path.suffix not in (".png", ".pdf")
        }

    before = everything()
    result = cli(*arguments, uninterrupted)
    assert f"0 cells run, {CELLS} of {CELLS} found" in result.stderr
    assert everything() == before
