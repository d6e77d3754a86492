"""Fit a row of some results again, to use it: on the labels that it was measured with, or on all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from tlbench.contract import Budget, Cell, Record
from tlbench.data import BackboneEntry, Cache, Resources
from tlbench.errors import ParameterError, StoreError
from tlbench.host import Catalog, Host
from tlbench.learning import configure, predict, resolve_device
from tlbench.running.best_row import best_row, why_no_classifier
from tlbench.running.cell_setup import open_cell
from tlbench.running.draw_task import draw_tasks
from tlbench.running.fit_task import Trial, fit_task, predict_task
from tlbench.running.rebuild import CannotRebuildError, Rebuilder
from tlbench.running.source_training import SourceTraining
from tlbench.running.tuning import tune_task

if TYPE_CHECKING:
    from tlbench.results import Results


@dataclass(frozen=True, eq=False)
class Fitted:
    """Hold a classifier that was fitted again from a row of some results."""

    row: dict[str, Any]  # of the summary: what was measured
    record: Record  # of the replicate that was fitted again
    cell: Cell  # what was fitted, under another budget than the record's where more labels were asked for
    trial: Trial
    resources: Resources
    results: "Results"

    @property
    def classifier(self) -> nn.Module:
        """Return the network from encoded inputs to logits."""
        return self.trial.fit.classifier

    @property
    def backbone(self) -> BackboneEntry:
        """Return the backbone with its weights' origin."""
        return self.resources.backbone(self.cell.backbone)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of the logits."""
        return tuple(self.trial.fit.drawn.task.classes)

    @property
    def labels(self) -> int:
        """Return how many labels of the target it was fitted on, those to select on included."""
        task = self.trial.fit.drawn.task
        return len(task.train) + (len(task.val) if task.val is not None else 0)

    @property
    def unused(self) -> int:
        """Return how many further labels of the target's training split it was not fitted on."""
        cell = self.cell
        division = self.resources.division(cell.transfer.dataset, cell.protocol, cell.seed, cell.replicate)
        return len(division.labels(cell.transfer.target, "train")) - self.labels

    @property
    def measured(self) -> bool:
        """Tell whether it was fitted on labels as many as the row was measured with: its score is then known."""
        return self.cell.id == self.record.cell

    @property
    def same_as_measured(self) -> bool:
        """Tell whether it answers the test inputs as the stored replicate did, to the last bit."""
        if not self.measured:
            return False
        stored = self.results.store.predictions(self.record.cell)
        return bool(np.array_equal(stored.logits, self.trial.predictions.logits))

    @property
    def test_accuracy(self) -> float:
        """Return the share of the test inputs that this very fit names rightly."""
        found = self.trial.predictions
        return float((found.logits.argmax(axis=1) == found.labels).mean())

    def predict(self, inputs: Sequence[Any]) -> np.ndarray:
        """Return logits, float32 (N, C), of raw inputs as a dataset serves them: PIL images, or uint8 arrays."""
        encoded = self.backbone.backbone.encode(inputs)
        logits: np.ndarray = predict(self.classifier, encoded, self.trial.fit.bench.device).numpy()
        return logits

    def test_inputs(self) -> Sequence[Any]:
        """Return the raw test inputs in the order of the predictions; empty where folds put them together."""
        transfer = self.cell.transfer
        division = self.resources.division(transfer.dataset, self.cell.protocol, self.cell.seed, self.cell.replicate)
        (own, rows), *others = division.parts(transfer.target, "test")
        raw: Sequence[Any] = self.resources.dataset(transfer.dataset).dataset.load(transfer.target, own).inputs
        return () if others else raw if rows is None else [raw[row] for row in rows.tolist()]


def fit_best(
    results: "Results | Path | str",
    *,
    row: Sequence[str] = (),
    labels: str | None = None,
    replicate: int | None = None,
    device: str = "auto",
    resources: Resources | None = None,
    before: Callable[[dict[str, Any], BackboneEntry], None] = lambda row, backbone: None,
) -> Fitted:
    """Fit the winning row of some results again and return it, ready to predict.

    `row` names another, as `best_row` reads it. `labels` is a label budget in the place of the row's own: `full` for
    every label of the training split. `replicate` is the one whose labels and start are taken, the first by default.
    `before` is told the row and its backbone before anything is fitted, and may refuse.
    Raises a TlbenchError before anything is fitted where the row is no classifier of single inputs, or data, backbone
    or strategy are not what they were.
    """
    from tlbench.results import Results

    found = results if isinstance(results, Results) else Results(results)
    chosen = best_row(found, row)
    record = _record(found, chosen, replicate)
    resources = resources or Resources(Catalog(Host()), Cache())
    where = resolve_device(device)
    if labels is not None and Budget.parse(labels).is_episodic:
        raise ParameterError(f"--labels {labels}: a budget of labels is needed, as full or 20-shot.")
    if refusal := why_no_classifier(record, bool(record.identity.get("members"))):
        raise ParameterError(refusal)
    try:
        cell = Rebuilder(found.store.read_plan(), resources, {}).cell(record, labels)
    except CannotRebuildError as error:
        raise StoreError(
            f"{record.labels['strategy']} cannot be fitted again as it was: {error}. Run the suite again, and export "
            f"from there."
        ) from None
    before(chosen, resources.backbone(cell.backbone))
    configure(1)
    return Fitted(chosen, record, cell, _fit(cell, resources, where), resources, found)


def _fit(cell: Cell, resources: Resources, device: torch.device) -> Trial:
    setup = open_cell(cell, resources, device)
    (drawn,) = draw_tasks(setup)
    source = SourceTraining(setup)
    return tune_task(setup, drawn, source) if cell.tuning else predict_task(setup, fit_task(setup, drawn, source))


def _record(results: "Results", row: dict[str, Any], replicate: int | None) -> Record:
    from tlbench.results import ROW

    own = [
        record for record in results.records
        if record.ok and all((record.labels.get(key) or "") == (row[key] or "") for key in ROW if key in record.labels)
    ]  # fmt: skip
    chosen = [record for record in own if replicate is None or record.labels["replicate"] == replicate]
    if not chosen:
        known = ", ".join(map(str, sorted({record.labels["replicate"] for record in own})))
        raise ParameterError(f"{row['strategy']} has no replicate {replicate}. It has: {known}.")
    return min(chosen, key=lambda record: (record.labels["seed"], record.labels["replicate"]))
