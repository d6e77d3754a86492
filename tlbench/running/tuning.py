"""Tune a strategy inside a cell: fit several settings of its parameters, at one and the same budget for all."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tlbench.contract import Between, Cell, OneOf, SearchSpace, fields_of, option_name
from tlbench.errors import ParameterError, TrainingError
from tlbench.planning import free_space
from tlbench.running.cell_setup import CellSetup
from tlbench.running.draw_task import DrawnTask
from tlbench.running.fit_task import Trial, fit_task, predict_task
from tlbench.running.source_training import SourceTraining
from tlbench.seeds import derive

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def tune_task(setup: CellSetup, drawn: DrawnTask, source: SourceTraining) -> Trial:
    """Fit several variants to a task; return the trial that the cell's selection rule ranks highest, with all tried.

    The first trial is the strategy as it was given; the others are drawn by optuna's tree-structured Parzen
    estimator (Bergstra et al., 2011, NeurIPS), whose seed depends on the root seed and the replicate alone. A trial
    whose loss is not finite is one that failed, and counts. By seconds the number of trials depends on the machine.
    Raises TrainingError where every trial failed.
    """
    strategy, budget, space = setup.strategy, setup.cell.tuning, free_space(setup.strategy)
    assert budget is not None
    study, distributions = _study(setup.cell, space)
    given = {name: getattr(strategy, name) for name in space}
    options = {field.name: option_name(field) for field in fields_of(strategy)}
    if known_to_sampler := all(_holds(values, given[name]) for name, values in space.items()):
        study.enqueue_trial(given)
    best: Trial | None = None
    tried: list[dict[str, Any]] = []
    ranks: list[tuple[float, ...] | None] = []
    looks: list[dict[str, Any]] = []
    seconds = 0.0
    while not tried or (len(tried) < budget.trials if budget.trials else seconds < budget.seconds):
        number = len(tried)
        asked = study.ask(distributions) if number or known_to_sampler else None
        values = given if number == 0 or asked is None else asked.params
        start = time.perf_counter()
        entry: dict[str, Any] = {"parameters": {options[name]: value for name, value in values.items()}}
        try:
            fit = fit_task(setup, drawn, source.of(strategy.but(**values)))
            trial = predict_task(setup, fit)
            rank = fit.bench.rank(fit.classifier, trial=number)
        except TrainingError as error:
            if asked is not None:
                study.tell(asked, state=_failed())
            ranks.append(None)
            entry |= {"score": None, "accuracy": None, "failure": str(error)}
        else:
            if asked is not None:
                study.tell(asked, rank[0])
            if all(rank > other for other in ranks if other is not None):
                best = trial
            ranks.append(rank)
            looks += [{**look, "trial": number} for look in trial.looks]
            right = trial.predictions.logits.argmax(axis=1) == trial.predictions.labels
            entry |= {"score": rank[0], "accuracy": float(right.mean())}
        entry["seconds"] = time.perf_counter() - start
        seconds += entry["seconds"]
        tried.append({**entry, "best": False})
    if best is None:
        raise TrainingError(f"all {len(tried)} trials of the tuning failed; the first: {tried[0]['failure']}")
    known = [rank for rank in ranks if rank is not None]
    tried[ranks.index(max(known))]["best"] = True
    return replace(best, looks=looks, tried=tried, tuning_seconds=seconds)


def _study(cell: Cell, space: SearchSpace) -> tuple[Any, dict[str, "BaseDistribution"]]:
    optuna = import_optuna()
    seed = derive(cell.seed, "tuning", replicate=cell.replicate) % 2**32
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    return study, {name: _distribution(optuna.distributions, values) for name, values in space.items()}


def import_optuna() -> Any:
    """Return optuna, quiet; raise ParameterError where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise ParameterError("tuning needs optuna, which is not installed: pip install 'tlbench[tune]'.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _distribution(kinds: Any, values: Between | OneOf) -> "BaseDistribution":
    if isinstance(values, OneOf):
        return kinds.CategoricalDistribution(values.values)  # type: ignore[no-any-return]
    whole = isinstance(values.low, int) and isinstance(values.high, int)
    kind = kinds.IntDistribution if whole else kinds.FloatDistribution
    return kind(values.low, values.high, log=values.log)  # type: ignore[no-any-return]


def _holds(values: Between | OneOf, given: Any) -> bool:
    """Whether a default lies in its range: one that does not is tried, but the sampler cannot be told of it."""
    if isinstance(values, OneOf):
        return given in values.values
    return isinstance(given, (int, float)) and values.low <= given <= values.high


def _failed() -> Any:
    return import_optuna().trial.TrialState.FAIL
