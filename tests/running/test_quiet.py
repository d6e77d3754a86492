"""What libraries warn of goes into records, not onto the terminal."""

import importlib
import logging
import warnings

import pytest
import torch

from tlbench.planning import make_plan
from tlbench.running import run_cell
from tlbench.running.quiet import hearing


@pytest.fixture
def loud(monkeypatch):
    """Let warnings be printed, as they are outside of tests."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield


@pytest.mark.usefixtures("loud")
def test_warnings_and_log_lines_of_a_block_are_counted_by_their_first_lines(capfd):
    with hearing() as outer:
        with hearing() as heard:
            for _ in range(2):
                warnings.warn("one\ntwo", UserWarning, stacklevel=1)
            logging.getLogger("a.library").warning("three\nfour")
        logging.getLogger("a.library").error("five")
    assert heard == {"UserWarning: one": 2, "a.library: three": 1}
    assert outer == {"a.library: five": 1}
    assert capfd.readouterr() == ("", "")


def test_who_asked_for_errors_gets_them():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with hearing(), pytest.raises(UserWarning, match="one"):
            warnings.warn("one", UserWarning, stacklevel=1)


@pytest.mark.usefixtures("loud")
def test_a_cell_keeps_what_was_warned_of_as_a_note_and_nothing_else_of_its_record_changes(
    suite, resources, monkeypatch, capfd
):
    (cell, *_) = make_plan(suite(("linear-probe",), replicates=1), resources).cells
    plain = run_cell(cell, resources, torch.device("cpu")).record
    module = importlib.import_module("tlbench.running.run_cell")  # its function has its name
    fit_task = module.fit_task

    def noisy(*arguments):
        for _ in range(3):
            warnings.warn("lbfgs failed to converge\nIncrease", UserWarning, stacklevel=1)
        return fit_task(*arguments)

    monkeypatch.setattr(module, "fit_task", noisy)
    record = run_cell(cell, resources, torch.device("cpu")).record
    assert record.notes["warnings"] == {"UserWarning: lbfgs failed to converge": 3}
    assert "warnings" not in plain.notes
    assert (record.cell, record.identity, record.scores) == (plain.cell, plain.identity, plain.scores)
    assert "lbfgs" not in capfd.readouterr().err
