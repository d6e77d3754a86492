"""An interrupted run goes on where it stopped, and its tables equal an uninterrupted run's bytes."""

import os
import signal
import subprocess
import time

import pytest

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


def wait_for_records(process, folder, count):
    """Wait until a running process has stored some records, and not yet all."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        stored = len(list((folder / "records").glob("*.json"))) if folder.is_dir() else 0
        if stored >= count:
            assert process.poll() is None, "the run was over before it could be interrupted"
            assert stored < CELLS
            return
        assert process.poll() is None, process.communicate()
        os.sched_yield()
    raise AssertionError("no record appeared")


def finish(cli, arguments, folder):
    result = cli(*arguments, folder)
    assert result.exit_code == 0
    return result


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_resumes_and_its_tables_equal_those_of_an_uninterrupted_run(
    jobs, arguments, uninterrupted, started_process, cli, tmp_path
):
    folder = tmp_path / "killed"
    process = started_process(*arguments, folder, "--jobs", jobs)
    wait_for_records(process, folder, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / "records").glob("*.json")}
    (folder / "records" / ".4711-half.json.tmp").write_bytes(b"{")  # what a process killed while writing leaves
    assert 2 <= len(kept) < CELLS
    result = finish(cli, arguments, folder)
    assert f"{len(kept)} of {CELLS} found" in result.stderr
    assert summaries(folder) == summaries(uninterrupted)
    now = {path.name: path.stat().st_mtime_ns for path in (folder / "records").glob("*.json")}
    assert kept.items() <= now.items()
    assert not [path.name for path in folder.rglob(".*")]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_control_c_says_one_line_and_exits_130_and_the_same_command_goes_on(
    jobs, arguments, uninterrupted, started_process, cli, tmp_path
):
    folder = tmp_path / "interrupted"
    process = started_process(*arguments, folder, "--jobs", jobs)
    wait_for_records(process, folder, 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: every process of the group
    _, stderr = process.communicate(timeout=60)
    said = [line for line in stderr.splitlines() if not line.startswith(("note:", "encoded", "["))]
    assert process.returncode == 130
    assert len(said) == 1
    assert said[0].startswith("interrupted; ")
    finish(cli, arguments, folder)
    assert summaries(folder) == summaries(uninterrupted)


def test_a_second_run_runs_no_cell_and_gives_the_same_bytes(arguments, uninterrupted, cli):
    def everything():
        return {
            str(path.relative_to(uninterrupted)): path.read_bytes()
            for path in uninterrupted.rglob("*")
            if path.is_file() and path.suffix not in (".png", ".pdf")
        }

    before = everything()
    result = finish(cli, arguments, uninterrupted)
    assert f"0 cells run, {CELLS} of {CELLS} found" in result.stderr
    assert everything() == before


def test_workers_do_not_outlive_a_killed_parent(arguments, started_process, tmp_path):
    folder = tmp_path / "orphans"
    process = started_process(*arguments, folder, "--jobs", "2")
    wait_for_records(process, folder, 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while members_of_group(process.pid):
        assert time.monotonic() < deadline, "workers outlived their parent"


def members_of_group(group):
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [pid for pgid, status, pid in rows if int(pgid) == group and not status.startswith("Z")]
