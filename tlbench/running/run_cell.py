"""Run one cell: open, draw, fit, predict, score, record."""

from dataclasses import replace

import torch

from tlbench.contract import Cell
from tlbench.data import Resources
from tlbench.progress import once
from tlbench.results import Store
from tlbench.running.cell_setup import open_cell
from tlbench.running.draw_task import draw_tasks
from tlbench.running.fit_task import fit_task, predict_task
from tlbench.running.quiet import hearing
from tlbench.running.record_cell import Outcome, Scored, record_cell, record_failure, score
from tlbench.running.source_training import SourceTraining
from tlbench.running.tuning import tune_task

WARNINGS = "warnings"  # the note of a record on what libraries warned of, with how often
MOST_WARNINGS = 10


def run_cell(cell: Cell, resources: Resources, device: torch.device, store: Store | None = None) -> Outcome:
    """Run a cell and return its record with its predictions; what goes wrong becomes a record of the failure.

    An ensemble finds the predictions of its members in `store`. What libraries warn of is a note of the record.
    """
    with hearing() as heard:
        outcome = _run_cell(cell, resources, device, store)
    if not heard:
        return outcome
    notes = {**outcome.record.notes, WARNINGS: dict(heard.most_common(MOST_WARNINGS))}
    return replace(outcome, record=replace(outcome.record, notes=notes))


def _run_cell(cell: Cell, resources: Resources, device: torch.device, store: Store | None) -> Outcome:
    try:
        with once():
            setup = open_cell(cell, resources, device, store)
        source = SourceTraining(setup)
        done = []
        for drawn in draw_tasks(setup):
            if cell.tuning:
                trial = tune_task(setup, drawn, source)  # fits and predicts each of its trials, as below
            else:
                fit = fit_task(setup, drawn, source)
                trial = predict_task(setup, fit)
            scores = score(setup.metrics, trial.predictions.logits, trial.predictions.labels)
            done.append(Scored(trial, scores))
        return record_cell(setup, done, source)
    except (Exception, SystemExit) as error:  # whatever a strategy raises is a row of its own; the run goes on
        return record_failure(cell, resources, device, error)
