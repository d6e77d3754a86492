"""Runs one cell: draw, fit, predict, score, record."""

import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from tlbench.contract import LAST, UNSUPERVISED, VALIDATION, Cell, Failure, Metric, Predictions, Record, Strategy
from tlbench.data import BackboneEntry, Resources, examples_digest
from tlbench.errors import StoreError, TlbenchError
from tlbench.learning import FeatureSource, Workbench, predict, seed_everything
from tlbench.results import Store
from tlbench.running.costs import flops_per_example, parameters_stored, peak_memory_bytes
from tlbench.running.draw_task import Drawn, draw, draw_further_test, draw_source_test
from tlbench.running.environment import environment, provenance
from tlbench.running.fit_task import Members, Trial, fit_and_predict, mixes_examples
from tlbench.running.ledger import ledger
from tlbench.running.showing import shown_features
from tlbench.running.source_training import Preparation, setting_of
from tlbench.running.tuning import tuned
from tlbench.seeds import derive


@dataclass(frozen=True, eq=False)
class Outcome:
    """A record with the predictions that it was scored on."""

    record: Record
    predictions: Predictions | None = None


def run_cell(cell: Cell, resources: Resources, device: torch.device, store: Store | None = None) -> Outcome:
    """Run a cell and return its record; what goes wrong inside becomes a record of the failure.

    An ensemble finds the predictions of its members in `store`.
    """
    try:
        return _run(cell, resources, device, store)
    except (Exception, SystemExit) as error:  # whatever a strategy raises is a row of its own; the run goes on
        return Outcome(failed(cell, resources, device, _failure(error)))


def _run(cell: Cell, resources: Resources, device: torch.device, store: Store | None) -> Outcome:
    strategy, _ = resources.catalog.strategy(cell.strategy)
    backbone = resources.backbone(cell.backbone)
    start_of_cell(cell, backbone, device)
    features = _feature_source(cell, backbone, resources, device)
    preparation = Preparation(cell, strategy, resources, device, _feature_source(cell, backbone, resources, device))
    members = _members(cell, store)
    metrics = [metric for metric in resources.catalog.metric_list() if metric.of == _scored(cell)]
    parts, scores, digests, seconds, chosen_by = [], [], [], [], list[str]()
    by_members = [VALIDATION] if strategy.needs().validation else []
    by_members += [rule for record, _ in members if (rule := record.ledger["selection"]) != LAST]
    for index, drawn in enumerate(draw(cell, strategy, resources, features)):
        own_members = [(str(record.labels["strategy"]), episodes[index]) for record, episodes in members]

        def fit(variant: Strategy, drawn: Drawn = drawn, members: Members = own_members) -> Trial:
            seed_everything(_init_seed(cell, backbone))
            own = preparation if variant == strategy else preparation.of(variant)
            return fit_and_predict(cell, variant, backbone, drawn, own, members, features, device)

        trial = tuned(cell, strategy, cell.tuning, fit) if cell.tuning else fit(strategy)
        parts.append(trial.predictions)
        scores.append(score(metrics, trial.predictions.logits, trial.predictions.labels))
        digests.append(examples_digest(drawn.task.train.inputs, drawn.task.train.labels))
        seconds.append((trial.fit_seconds, trial.predict_seconds))
        chosen_by.append(trial.bench.journal.chosen_by)
    means = {metric.name: float(np.mean([each[metric.name] for each in scores])) for metric in metrics}
    record = Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=dict(cell.labels),
        scores=_finite_or_none(means),
        ledger={
            **ledger(cell, strategy, resources, trial.drawn, digests),
            "selection": next((rule for rule in (*by_members, *chosen_by) if rule != LAST), LAST),
            "transductive_measured": mixes_examples(trial),
        },
        costs={**_costs(trial, strategy, seconds), **_finite_or_none({"prepare_seconds": preparation.seconds})},
        tasks=_task_scores(cell, strategy, resources, trial, means, metrics),
        notes=trial.bench.journal.notes,
        provenance=provenance(cell, resources),
        environment=environment(device, resources.catalog.host),
        trials=trial.tried,
        looks=trial.looks,
    )
    predictions = parts[0] if len(parts) == 1 else Predictions.joined(parts)
    if cell.replicate == 0 and not cell.budget.is_episodic:
        predictions = replace(predictions, **shown_features(trial, cell.seed))
    return Outcome(record, predictions)


def _costs(trial: Trial, strategy: Strategy, seconds: Sequence[tuple[float, float]]) -> dict[str, float | None]:
    """Return what a cell cost; `seconds` to fit and to predict are of each episode, the rest of the last."""
    fit_seconds, predict_seconds = np.mean(seconds, axis=0)
    device, classifier = trial.bench.device, trial.classifier
    counted = not (strategy.needs().transductive or strategy.members)
    return _finite_or_none(
        {
            "fit_seconds": fit_seconds,
            "predict_seconds": predict_seconds,
            "tuning_seconds": trial.tuning_seconds,
            "parameters_trained": trial.bench.journal.trained_parameters,
            "parameters_stored": parameters_stored(classifier),
            "flops_per_example": flops_per_example(classifier, trial.drawn.queries[:1], device)
            if counted
            else math.nan,
            "peak_memory_bytes": peak_memory_bytes(device),
        }
    )


def _members(cell: Cell, store: Store | None) -> list[tuple[Record, list[Predictions]]]:
    """Return the records of an ensemble's members with their predictions by episode.

    Raises StoreError where one is missing, or failed.
    """
    found = []
    for member in cell.members:
        if store is None or not store.has(member):
            raise StoreError(f"the record of the member {member} is not in the results folder: run it first.")
        record = store.read(member)
        if not record.ok:
            variant = record.labels["strategy"]
            raise StoreError(f"its member {variant} failed in this cell ({member}), so there is nothing to combine.")
        found.append((record, store.predictions(member).by_episode()))
    return found


def _task_scores(
    cell: Cell,
    strategy: Strategy,
    resources: Resources,
    trial: Trial,
    own: Mapping[str, float],
    metrics: list[Metric],
) -> dict[str, dict[str, float | None]]:
    """Return scores by task where the classifier serves the source, or further label columns, too."""
    needs, device = strategy.needs(), trial.bench.device
    found = {}
    other = strategy.source_classifier(trial.classifier) if needs.source_labels else None
    if other is not None:
        test = draw_source_test(cell, resources)
        found["source"] = score(metrics, predict(other, test.inputs, device).numpy(), test.labels)
    further = strategy.further_classifiers(trial.classifier) if needs.further_labels else {}
    if further:
        inputs, columns = draw_further_test(cell, resources)
        for name, classifier in further.items():
            logits = predict(classifier, inputs, device).numpy()
            found[f"column {name}"] = score(metrics, logits, columns[name].labels)
    scores = {"target": own, **found} if found else {}
    return {task: _finite_or_none(values) for task, values in scores.items()}


def start_of_cell(cell: Cell, backbone: BackboneEntry, device: torch.device) -> None:
    """Forget what ran before: seed the global generators, by nothing that depends on the strategy."""
    seed_everything(_init_seed(cell, backbone))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _init_seed(cell: Cell, backbone: BackboneEntry) -> int:
    return derive(cell.seed, "init", backbone=backbone.backbone.name, replicate=cell.replicate)


def _feature_source(cell: Cell, backbone: BackboneEntry, resources: Resources, device: torch.device) -> FeatureSource:
    """Return where this cell finds features; those of a random start belong to one replicate alone."""
    start = (cell.seed, cell.replicate) if backbone.weights_digest is None else None
    bench = Workbench(setting_of(cell, backbone, 0, device))
    return FeatureSource(resources.cache, device, (backbone.identity, start), bench.frozen_backbone)


def _scored(cell: Cell) -> str:
    """Say what a cell's metrics are of: without any label there are clusters, whose numbers mean nothing."""
    return "clusters" if cell.labels["setting"] == UNSUPERVISED else "labels"


def score(metrics: list[Metric], logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return every metric's value by name."""
    return {metric.name: float(metric.compute(logits, labels)) for metric in metrics}


def _finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return values with None, which JSON knows, for what is no number."""
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


def failed(cell: Cell, resources: Resources, device: torch.device, failure: Failure) -> Record:
    """Return the record of a cell that has no scores."""
    return Record(
        cell=cell.id,
        identity=dict(cell.identity),
        labels=dict(cell.labels),
        scores={},
        ledger={},
        costs={},
        provenance=provenance(cell, resources),
        environment=environment(device, resources.catalog.host),
        failure=failure,
    )


def _failure(error: BaseException) -> Failure:
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    kind = "OutOfMemory" if out_of_memory else type(error).__name__
    text = " ".join(str(error).split()) or kind
    trace = "" if isinstance(error, TlbenchError) else traceback.format_exc()
    return Failure(kind, text, trace)
