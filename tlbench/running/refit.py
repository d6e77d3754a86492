"""Fit a row of some results again, to use it: on the labels that it was measured with, or on all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from tlbench.contract import Block, Budget, Cell, Protocol, Recipe, Record, Suite, canonical
from tlbench.data import BackboneEntry, Cache, Resources
from tlbench.errors import ParameterError, StoreError
from tlbench.host import Catalog, Host
from tlbench.learning import configure, predict, resolve_device
from tlbench.planning import make_plan
from tlbench.running.best_row import best_row, why_no_classifier
from tlbench.running.cell_setup import open_cell
from tlbench.running.draw_task import draw_tasks
from tlbench.running.fit_task import Trial, fit_task, predict_task
from tlbench.running.source_training import SourceTraining
from tlbench.running.tuning import tune_task

if TYPE_CHECKING:
    from tlbench.results import Results

FULL = "full"


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
    strategy = resources.catalog.strategy(str(_command(record)["strategy"]))[0]
    if refusal := why_no_classifier(record, bool(strategy.members)):
        raise ParameterError(refusal)
    cell = find_cell(record, found.store.read_plan(), resources, labels)
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
    own = [record for record in own if replicate is None or record.labels["replicate"] == replicate]
    if not own:
        known = plural_of(results, row)
        raise ParameterError(f"{row['strategy']} has no replicate {replicate}. It has: {known}.")
    return min(own, key=lambda record: (record.labels["seed"], record.labels["replicate"]))


def plural_of(results: "Results", row: dict[str, Any]) -> str:
    """Name the replicates of a row."""
    frame = results.frame()
    own = frame[(frame["strategy"] == row["strategy"]) & (frame["budget"] == row["budget"])]
    return ", ".join(map(str, sorted(set(own["replicate"]))))


def _command(record: Record) -> dict[str, Any]:
    command = record.provenance.get("command")
    if not isinstance(command, dict):
        raise StoreError(f"the record {record.cell} does not say by which command it was made. Run the suite again.")
    return command


def find_cell(record: Record, plan: dict[str, Any], resources: Resources, labels: str | None = None) -> Cell:
    """Return the cell of a record, planned anew, or the one that differs from it in its label budget alone.

    Raises StoreError, saying what differs, where the cell cannot be the same here.
    """
    near: list[Cell] = []
    wanted = str(Budget.parse(labels)) if labels else str(record.identity["budget"])
    for suite in _suites(record, plan, wanted):
        cells = make_plan(suite, resources).cells
        near += cells
        if any(cell.id == record.cell for cell in cells):
            like = {**record.identity, "budget": wanted}
            same = [cell for cell in cells if canonical(cell.identity) == canonical(like)]
            if same:
                return same[0]
            raise ParameterError(
                f"{record.labels['strategy']} cannot be given {wanted} labels: `tlbench plan` says why."
            )
    raise StoreError(
        f"{record.labels['strategy']} cannot be fitted again as it was: {_difference(record, near)}. Run the suite "
        f"again, and export from there."
    )


def _suites(record: Record, plan: dict[str, Any], budget: str) -> Iterator[Suite]:
    """Yield suites of one row: the record's own, under its own budget and another."""
    command, identity, labels = _command(record), record.identity, record.labels
    source = identity.get("source") or {}
    texts = [f"{command['dataset']}[{source.get('domain', '')}->{identity['target']}]"]
    if source and source.get("fingerprint") != identity["dataset"]["fingerprint"]:  # of another dataset: as typed
        blocks = plan.get("suite", {}).get("blocks", ())
        texts = [text for block in blocks for text in block["datasets"] if text.startswith(command["dataset"])]
    stored = plan.get("suite", {}).get("protocol", {})
    names = {field.name for field in fields(Protocol)}
    protocol = Protocol(**{key: value for key, value in {**stored, **identity["protocol"]}.items() if key in names})
    budgets = tuple(dict.fromkeys((str(identity["budget"]), budget)))
    for text in texts:
        block = Block((command["strategy"],), (command["backbone"],), (text,), budgets)
        suite = Suite(
            "export", (block,), "", identity["replicate"] + 1, identity["seed"], protocol, Recipe(**identity["recipe"])
        )
        if identity.get("selection"):
            suite = replace(suite, selection=(identity["selection"],))
        yield replace(suite, tune=identity["tuning"]["budget"]) if labels.get("tuned") else suite


def _difference(record: Record, near: Sequence[Cell]) -> str:
    """Say which part of the identity is another here."""
    for cell in near:
        if cell.budget == Budget.parse(str(record.identity["budget"])) and cell.replicate == record.labels["replicate"]:
            keys = {**cell.identity, **record.identity}
            parts = [key for key in keys if canonical(cell.identity.get(key)) != canonical(record.identity.get(key))]
            return f"its {' and its '.join(parts)} {'is' if len(parts) == 1 else 'are'} not what was measured"
    return "its combination is no longer planned"
