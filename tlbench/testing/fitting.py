"""Fit a strategy once on a toy problem as a run would do it, and record what it touched."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract import Budget, Labelled, Member, Recipe, Strategy, Task, fields_of
from tlbench.learning import Setting, predict, seed_everything
from tlbench.testing.error import ConformanceError
from tlbench.testing.recording import RecordingWorkbench, State, differing
from tlbench.testing.surroundings import Traces, advance_generators, as_in_a_run, generator_states, settings, watched
from tlbench.testing.toy import Toy

CPU = torch.device("cpu")
BUDGETS = tuple(map(Budget.parse, ("0", "4-shot", "1-shot")))
FEW = Recipe(steps=4, batch_size=8, evaluate_every=2)  # for properties that hold however little is learnt
MANY = Recipe(steps=50, batch_size=16)  # to learn something by


@dataclass(frozen=True)
class Occasion:
    """Describe the circumstances of a fit."""

    budget: Budget
    recipe: Recipe = FEW
    validation: bool = False  # whether validation labels are kept out of the budget
    replays: bool = False  # whether what was prepared is loaded into its replay, as a run does
    start: int = 1  # what the global generators are seeded with
    again: bool = False  # a second time: after other work, and watched


@dataclass(frozen=True, eq=False)
class Fitted:
    """Hold the outcome of a fit: classifier, logits, and everything that it changed."""

    task: Task
    bench: RecordingWorkbench
    classifier: nn.Module
    queries: Labelled  # test inputs (of an ensemble: its members' logits) with their labels
    logits: Tensor  # of the queries, as a run predicts them
    moved: list[str]  # sentences on what was declared frozen and changed
    changed_tensors: list[str]  # of the task
    changed_settings: list[str]
    generators: Mapping[str, Any]  # states of the global generators afterwards
    traces: list[str]  # of files and sockets, where it was watched


def budgets_for(strategy: Strategy, toy: Toy) -> list[Budget]:
    """Return the budgets, of 0 and a few shots, that a strategy takes on a toy."""
    needs = strategy.needs()
    least = max(needs.min_labels_per_class, 2 if needs.validation else 0)  # of one there is nothing to keep
    taken, refusals = [], []
    for budget in BUDGETS:
        if budget.amount < least:
            continue
        with as_in_a_run():
            refusal = strategy.unsuitable(toy.backbone, toy.dataset, budget)
        if refusal is None:
            taken.append(budget)
        refusals.append(str(refusal))
    if not taken:
        raise ConformanceError(f"{strategy.variant} takes no budget of the toy problem: {' '.join(refusals)}")
    return taken


def first_occasion(strategy: Strategy, toy: Toy) -> Occasion:
    """Return what most checks look at: budget 0 where the strategy takes it, a few shots otherwise."""
    return Occasion(budgets_for(strategy, toy)[0])


KEEP = 32
_kept: OrderedDict[Any, Fitted] = OrderedDict()  # the latest fits: checks that only look share them


def fitted(strategy: Strategy, toy: Toy, occasion: Occasion) -> Fitted:
    """Return the fit of an occasion, made once for all checks."""
    key = (type(strategy), repr(strategy), toy, occasion)
    if key not in _kept:
        _kept[key] = _fit(strategy, toy, occasion)
        if len(_kept) > KEEP:
            _kept.popitem(last=False)
    return _kept[key]


def _fit(strategy: Strategy, toy: Toy, occasion: Occasion) -> Fitted:
    """Fit a strategy as a run does; what it raises becomes a ConformanceError that says what the task held."""
    if occasion.recipe is FEW:
        strategy = _shortened(strategy)
    task = toy.task(strategy.needs(), occasion.budget, occasion.validation)
    queries = _queries(strategy, toy, task)
    copies = {name: value.clone() for name, value in _tensors(task).items()}
    with as_in_a_run():
        prepared, moved = _prepared(strategy, toy, occasion) if strategy.prepares else (None, [])
        bench = RecordingWorkbench(
            _setting(toy, len(task.classes), occasion.recipe),
            prepared=prepared,
            validation=task.val,
            members=_members(strategy, toy, task),
        )
        before = settings()
        if occasion.again:
            advance_generators()
        seed_everything(occasion.start)
        with watched() if occasion.again else nullcontext(Traces()) as traces, _said(f"{strategy.variant}: fit", task):
            classifier = strategy.fit(task, bench)
        generators = generator_states()
        changed_settings = [name for name, value in settings().items() if value != before[name]]
    if not isinstance(classifier, nn.Module):
        raise ConformanceError(
            f"{strategy.variant}: fit returned {type(classifier).__name__}; it must return a torch.nn.Module from "
            f"encoded inputs to logits, such as bench.classifier(head)."
            + (" A strategy is not the network that it fits." if classifier is strategy else "")
        )
    with _said(f"{strategy.variant}: the classifier", task):
        logits = logits_of(strategy, classifier, queries.inputs)
    return Fitted(
        task=task,
        bench=bench,
        classifier=classifier,
        queries=queries,
        logits=logits,
        moved=[*moved, *bench.moved()],
        changed_tensors=differing(_tensors(task), copies),
        changed_settings=changed_settings,
        generators=generators,
        traces=traces.found,
    )


def _shortened(strategy: Strategy) -> Strategy:
    """Return a strategy whose own `steps`, where it has a number of them, are few: a hundred would prove no more."""
    own = {field.name: getattr(strategy, field.name) for field in fields_of(strategy)}.get("steps")
    if not isinstance(own, int) or own <= MANY.steps:
        return strategy
    try:
        shorter: Strategy = replace(strategy, steps=MANY.steps)  # type: ignore[type-var]
    except (ValueError, TypeError):
        return strategy
    return shorter


def logits_of(strategy: Strategy, classifier: nn.Module, inputs: Tensor, batch_size: int = 0) -> Tensor:
    """Return logits, float32 (N, C), all at once unless batches are asked for; transductive ones always at once."""
    whole = batch_size == 0 or strategy.needs().transductive
    with as_in_a_run():
        return predict(classifier, inputs, CPU, len(inputs) if whole else batch_size)


def prepare(strategy: Strategy, toy: Toy, recipe: Recipe, replay: bool) -> tuple[nn.Module, list[str]]:
    """Return what a strategy's `prepare` makes, with `replay` its structure alone; and what moved though frozen."""
    source = toy.source(strategy.needs())
    bench = RecordingWorkbench(_setting(toy, len(source.classes), recipe), replay=replay)
    with as_in_a_run(), _said(f"{strategy.variant}: prepare"):
        seed_everything(0)
        return strategy.prepare(source, bench), bench.moved()


def _prepared(strategy: Strategy, toy: Toy, occasion: Occasion) -> tuple[Callable[[], nn.Module], list[str]]:
    """Return what gives fresh copies of the prepared module, and what moved though frozen."""
    module, moved = prepare(strategy, toy, occasion.recipe, replay=False)
    if occasion.replays:
        trained = module.state_dict()
        module, _ = prepare(strategy, toy, occasion.recipe, replay=True)
        module.load_state_dict(trained)
    return (lambda: deepcopy(module).eval()), moved


def _setting(toy: Toy, classes: int, recipe: Recipe) -> Setting:
    return Setting(toy.backbone, toy.weights, classes, recipe, CPU, seed=0, replicate=0)


def _queries(strategy: Strategy, toy: Toy, task: Task) -> Labelled:
    """Return what the classifier is tested on: of an ensemble its members' logits, of others the test inputs."""
    test = toy.examples("target", "test")
    if strategy.members:
        return Labelled(toy.member_logits(test, len(strategy.members)), test.labels)
    return test if task.queries is None else Labelled(task.queries, test.labels)


def _members(strategy: Strategy, toy: Toy, task: Task) -> list[Member]:
    told: list[Labelled | None] = [None] * len(strategy.members)
    if task.val is not None and strategy.members:
        logits = toy.member_logits(task.val, len(strategy.members))
        told = [Labelled(each.clone(), task.val.labels.clone()) for each in logits.unbind(1)]
    return [Member(variant, labelled) for variant, labelled in zip(strategy.members, told, strict=True)]


@contextmanager
def _said(what: str, task: Task | None = None) -> Iterator[None]:
    """Turn an error into a sentence; what a task does not hold explains many a failure."""
    try:
        yield
    except ConformanceError:
        raise
    except Exception as error:
        sentence = f"{what} raised {type(error).__name__}: {' '.join(str(error).split())}"
        if task is not None:
            absent = [name for name in ("val", "unlabelled", "source", "queries") if getattr(task, name) is None]
            sentence += (
                f" (the task held {len(task.train)} labels of {len(task.classes)} classes; what `requires` does not "
                f"ask for, or the protocol does not give, is None: {', '.join(absent) or 'nothing'})"
            )
        raise ConformanceError(sentence) from error


def _tensors(task: Task) -> State:
    """Return a task's tensors by the names that a strategy knows them by."""
    found: State = {}
    for name in ("train", "val", "source"):
        part = getattr(task, name)
        if part is not None:
            found |= {f"task.{name}.inputs": part.inputs, f"task.{name}.labels": part.labels}
    for name in ("unlabelled", "queries"):
        if getattr(task, name) is not None:
            found[f"task.{name}"] = getattr(task, name)
    return found
