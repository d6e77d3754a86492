"""Check the tables of a small run of a plugin beside the kit's own; each rule raises ConformanceError where broken."""

import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from tlbench.contract import UNSUPERVISED, Backbone, Budget, Metric, Protocol, Strategy
from tlbench.errors import TlbenchError
from tlbench.host import sentence_of
from tlbench.results import Results, Store
from tlbench.testing.backbone_subject import BackboneSubject
from tlbench.testing.beside import (
    Beside,
    Few,
    FiledBackbone,
    Nearest,
    PartOf,
    ReadAnything,
    ToyData,
    Trained,
    installed_host,
)
from tlbench.testing.dataset_subject import DatasetSubject, scratch_folder
from tlbench.testing.error import ConformanceError
from tlbench.testing.fitting import MANY, budgets_for
from tlbench.testing.reporter_subject import ReporterSubject
from tlbench.testing.small_run import BATCHES, Crossed, SmallRun, hold_resumed, hold_rows, hold_sane
from tlbench.testing.toy import Toy, pretrained

WITH, WITHOUT, DATA = "kit-with-weights", "kit-at-random", "kit-data"
MARGIN = 4.0  # standard deviations of a guess by which a score must exceed it
TOLERANCE = 1e-6


@cache
def _toy_weights() -> Path:
    path = scratch_folder() / "toy.safetensors"
    save_file({name: value.clone() for name, value in pretrained(1).weights.items()}, path)
    return path


# ---- strategies --------------------------------------------------------------------------------------------

_runs: dict[tuple[Any, ...], SmallRun] = {}  # the rules of one plugin share its run


def _kept(key: tuple[Any, ...], make: Callable[[], SmallRun]) -> SmallRun:
    if key not in _runs:
        _runs.clear()
        _runs[key] = make()
    return _runs[key]


def _of_strategy(strategy: Strategy, toy: Toy) -> SmallRun:
    return _kept((type(strategy), repr(strategy), toy), lambda: _run_strategy(strategy, toy))


def _run_strategy(strategy: Strategy, toy: Toy) -> SmallRun:
    budget = max(budgets_for(strategy, toy), key=lambda each: each.amount)
    host = toy.host or installed_host()
    reference = _reference(strategy, budget)
    things = {
        strategy.variant: strategy,
        reference.variant: reference,
        WITH: FiledBackbone(channels=toy.channels, weights=_toy_weights()),
        WITHOUT: FiledBackbone(channels=toy.channels),
        DATA: ToyData(toy.classes),
    }
    crossed = Crossed(
        strategies=tuple(dict.fromkeys((strategy.variant, reference.variant, *strategy.members))),
        backbones=(WITH, WITHOUT),
        datasets=(f"{DATA}[source->target]",),
        budgets=(str(budget),),
        steps=MANY.steps,
        protocol=Protocol(validation=0.25 if strategy.needs().validation else 0.0),
    )
    return SmallRun(strategy.variant, Beside(host, things), crossed)


def _reference(strategy: Strategy, budget: Budget) -> Strategy:
    if not budget.is_zero:
        return Nearest()
    return Nearest("clusters" if strategy.needs().setting(budget) == UNSUPERVISED else "source")


def a_run_beside_ours_has_rows_of_its_own(strategy: Strategy, toy: Toy) -> None:
    """Check that a small run, with and without weights, at two batch sizes, gives a row for each and a name for it."""
    run = _of_strategy(strategy, toy)
    plan = run.plan(BATCHES[0])
    kept = {(cell.strategy, cell.backbone) for cell in plan.cells}
    if (strategy.variant, WITH) not in kept:
        reason = next((skip.reason for skip in plan.skips if skip.strategy == strategy.variant), "nobody says why.")
        raise ConformanceError(f"{strategy.variant}: a small run leaves it out, even with weights: {reason}")
    hold_rows(run, len(kept), f"{strategy.variant} and {run.crossed.strategies[1]}")


def its_scores_in_a_run_are_sane(strategy: Strategy, toy: Toy) -> None:
    """Check that scores are from 0 to 1, and at both batch sizes clearly above chance on an easy problem."""
    run = _of_strategy(strategy, toy)
    chance, items = 1 / toy.classes, len(toy.examples("target", "test"))
    hold_sane(run, {strategy.variant: chance + MARGIN * (chance * (1 - chance) / items) ** 0.5})


def a_run_that_was_interrupted_ends_equal(strategy: Strategy, toy: Toy) -> None:
    """Check that a run that lost half of its records and goes on has equal tables, and predictions to the bit."""
    hold_resumed(_of_strategy(strategy, toy))


STRATEGY_RUN_RULES = (
    a_run_beside_ours_has_rows_of_its_own,
    its_scores_in_a_run_are_sane,
    a_run_that_was_interrupted_ends_equal,
)


# ---- backbones ---------------------------------------------------------------------------------------------


def _of_backbone(subject: BackboneSubject) -> SmallRun:
    return _kept((subject,), lambda: _run_backbone(subject))


def _run_backbone(subject: BackboneSubject) -> SmallRun:
    starts = _starts(subject)
    nearest, trained = Nearest(), Trained()
    things = {
        nearest.variant: nearest,
        trained.variant: trained,
        DATA: Few(tuple(subject.taken), subject.backbone.modality),
        **starts,
    }
    crossed = Crossed((nearest.variant, trained.variant), tuple(starts), (DATA,), ("full",), steps=2)
    return SmallRun(subject.name, Beside(installed_host(), things), crossed)


def _starts(subject: BackboneSubject) -> dict[str, Backbone]:
    """Return the backbone with weights and without, as far as it can be both."""
    backbone = subject.backbone
    if "weights" not in getattr(backbone, "__dataclass_fields__", {}):
        return {WITHOUT if backbone.weights is None else WITH: backbone}
    found = {}
    weights = backbone.weights or _made_weights(subject)
    for text, path in ((WITH, weights), (WITHOUT, None)):
        if path is not None or text == WITHOUT:
            with subject.said(f"replace(..., weights={path})"):
                found[text] = dataclasses.replace(backbone, weights=path)  # type: ignore[type-var]
    return found


def _made_weights(subject: BackboneSubject) -> Path | None:
    """Return a file of weights that fit, of a random start; None where its network takes other names."""
    state = {name: value.clone().contiguous() for name, value in subject.build(None, seed=3).state_dict().items()}
    try:
        subject.build(state)
    except ConformanceError:
        return None
    path = scratch_folder() / "own.safetensors"
    save_file(state, path)
    return path


def a_run_with_and_without_weights_has_a_row_for_each(subject: BackboneSubject) -> None:
    """Check that a small run at two batch sizes keeps the pretrained and the random start apart."""
    run = _of_backbone(subject)
    hold_rows(run, 2 * len(run.crossed.backbones), f"two strategies on {' and '.join(run.crossed.backbones)}")


def scores_in_a_run_are_sane(subject: BackboneSubject) -> None:
    """Check that examples which stand in both splits are found again by their features."""
    hold_sane(_of_backbone(subject), {Nearest().variant: 0.75})


def a_run_on_it_that_was_interrupted_ends_equal(subject: BackboneSubject) -> None:
    """Check that a run that lost half of its records and goes on has equal tables, and predictions to the bit."""
    hold_resumed(_of_backbone(subject))


BACKBONE_RUN_RULES = (
    a_run_with_and_without_weights_has_a_row_for_each,
    scores_in_a_run_are_sane,
    a_run_on_it_that_was_interrupted_ends_equal,
)


# ---- datasets ----------------------------------------------------------------------------------------------


def _of_dataset(subject: DatasetSubject) -> SmallRun | None:
    """Return a run on a part of a dataset, None where the kit reads nothing of its kind."""
    if subject.dataset.modality not in ("image", "text"):
        return None
    return _kept((subject,), lambda: _run_dataset(subject))


def _run_dataset(subject: DatasetSubject) -> SmallRun:
    nearest, trained = Nearest(), Trained()
    with subject.said("load"):
        part = PartOf(subject.dataset)
    things = {
        nearest.variant: nearest,
        trained.variant: trained,
        WITHOUT: ReadAnything(modality=subject.dataset.modality),
        DATA: part,
    }
    datasets = tuple(f"{DATA}[->{domain}]" for domain in list(part.domains)[:2])
    crossed = Crossed((nearest.variant, trained.variant), (WITHOUT,), datasets, ("full",))
    return SmallRun(subject.name, Beside(installed_host(), things), crossed)


def a_run_on_it_has_rows_of_its_own(subject: DatasetSubject) -> None:
    """Check that a small run on a part of it gives a row for each domain, at two batch sizes, with scores of 0 to 1."""
    run = _of_dataset(subject)
    if run is not None:
        hold_rows(run, 2 * len(run.crossed.datasets), f"two strategies on {subject.name}")
        hold_sane(run, {})


def an_interrupted_run_on_it_ends_equal(subject: DatasetSubject) -> None:
    """Check that a run that lost half of its records and goes on has equal tables, and predictions to the bit."""
    run = _of_dataset(subject)
    if run is not None:
        hold_resumed(run)


DATASET_RUN_RULES = (a_run_on_it_has_rows_of_its_own, an_interrupted_run_on_it_ends_equal)


# ---- metrics and reporters ---------------------------------------------------------------------------------


def toy_run(*metrics: Metric, clusters: bool = False) -> SmallRun:
    """Return a run of the kit's own, at one label budget or at none."""
    strategies = (Nearest("clusters"),) if clusters else (Nearest(), Trained())
    things: dict[str, Any] = {strategy.variant: strategy for strategy in strategies}
    things |= {WITH: FiledBackbone(weights=_toy_weights()), DATA: ToyData()}
    budget = "0" if clusters else "4-shot"
    crossed = Crossed(tuple(each.variant for each in strategies), (WITH,), (f"{DATA}[->target]",), (budget,))
    name = metrics[0].name if metrics else "the kit"
    return SmallRun(name, Beside(installed_host(), things, metrics), crossed)


def a_run_has_a_column_of_its_scores(metric: Metric) -> None:
    """Check that the table of a small run shows it, at two batch sizes, with the values of the stored predictions."""
    key = (metric.name, metric.version, id(metric.compute))
    run = _kept(key, lambda: toy_run(metric, clusters=metric.of == "clusters"))
    for results in run.results.values():
        if metric.name not in results.metrics:
            raise ConformanceError(f"{metric.name}: the table of a small run has no column of that name.")
        for record in results.records:
            said = results.store.predictions(record.cell)
            again, stored = float(metric.compute(said.logits, said.labels)), record.scores[metric.name]
            if not np.isclose(again, np.nan if stored is None else stored, atol=TOLERANCE, equal_nan=True):
                raise ConformanceError(
                    f"{metric.name}: a small run recorded {stored}, and the same predictions now score {again:.6g}. "
                    "Leave chance and counters out of compute."
                )
    hold_resumed(run)


METRIC_RUN_RULES = (a_run_has_a_column_of_its_scores,)


def a_small_run_is_reported(subject: ReporterSubject) -> None:
    """Check that results of a real run are written without an error."""
    run = _kept(("reporter",), toy_run)
    for folder in list(run.folders.values())[:1]:
        try:
            paths = list(subject.reporter.write(Results(folder), folder))
        except TlbenchError as error:
            raise ConformanceError(f"{subject.name}: write refused the results of a small run: {error}") from error
        except Exception as error:
            raise ConformanceError(sentence_of(error, f"{subject.name}: write of a small run")) from error
        missing = [str(path) for path in paths if not Path(path).is_file()]
        if missing or not Store(folder).cells():
            raise ConformanceError(f"{subject.name}: after a small run there is no file {', '.join(missing)}.")


REPORTER_RUN_RULES = (a_small_run_is_reported,)
