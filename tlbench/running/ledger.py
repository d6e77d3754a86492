"""The ledger: what data a cell was given, and by what its classifier was chosen."""

from typing import Any

from tlbench.contract import GIVEN, Cell, Strategy, digest
from tlbench.data import Resources, find_contamination
from tlbench.running.draw_task import Drawn, division_of


def ledger(cell: Cell, strategy: Strategy, resources: Resources, drawn: Drawn, digests: list[str]) -> dict[str, Any]:
    """Return what data the cell was given; of episodes, for each. `digests` name their labelled examples.

    What a selection rule looks at counts as given: held-out source labels, and target inputs.
    """
    task, needs, evidence = drawn.task, resources.catalog.needs(strategy), drawn.evidence
    held_out = 0 if evidence is None or evidence.held_out is None else len(evidence.held_out)
    unlabelled = 0 if task.unlabelled is None else len(task.unlabelled)
    return {
        "train_labels": len(task.train),
        "val_labels": 0 if task.val is None else len(task.val),
        "unlabelled_target": max(unlabelled, 0 if evidence is None else len(evidence.target)),
        "source_labels": 0 if task.source is None else len(task.source) + held_out,
        "source_val_labels": held_out,
        "further_labels": sum(len(each.labels) for each in task.further or ()),
        "test_items": len(drawn.labels),
        "episodes": len(digests) if cell.budget.is_episodic else None,
        "transductive": needs.transductive,
        "upper_bound": needs.upper_bound,
        "pretrained_on": resources.backbone(cell.backbone).backbone.pretrained_on or "nothing",
        "splits": _splits(cell, resources),
        **find_contamination(resources, cell.transfer, cell.backbone, division_of(cell, resources)).ledger,
        "labelled_examples": digests[0] if len(digests) == 1 else digest(digests)[:16],
    }


def _splits(cell: Cell, resources: Resources) -> str:
    """Say how the target's data are divided: `given`, or what the split table's digest begins with, and the fold."""
    division = division_of(cell, resources)
    if division.table is None:
        return GIVEN
    fold = f"fold {division.fold + 1} of {division.table.folds}, " if division.table.folds else ""
    return f"{fold}table {division.table.digest[:12]}"
