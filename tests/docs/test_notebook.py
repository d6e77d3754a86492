"""The notebook runs, its stored outputs are of what it does, and it knows nothing of the machine that ran it."""

import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
MOST_BYTES = 300_000
OF_A_MACHINE = re.compile(r"/(?:home|Users|root|tmp|work|opt)/|[A-Z]:\\\\")

pytestmark = pytest.mark.skipif(not NOTEBOOK.is_file(), reason="no documents beside the package")


def test_the_stored_notebook_was_run_and_names_no_folder_of_a_machine():
    nbformat = pytest.importorskip("nbformat")
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in cells)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    text = "".join(str(output) for cell in cells for output in cell.outputs if "image/png" not in str(output))
    assert not OF_A_MACHINE.findall(text)


def test_the_notebook_runs_and_shows_what_it_shows(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "cache"))
    stored = nbformat.read(NOTEBOOK, 4)
    again = nbformat.read(NOTEBOOK, 4)
    nbclient.NotebookClient(again, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [kinds(cell) for cell in again.cells] == [kinds(cell) for cell in stored.cells]
    assert (tmp_path / "tlbench-results" / "notebook" / "records").is_dir()


def kinds(cell):
    """Return which kinds of output a cell has."""
    outputs = cell.get("outputs", ())
    return [(output.output_type, sorted(output.get("data", {}))) for output in outputs]
