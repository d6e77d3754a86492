"""Check the rules of every strategy, one function a rule; each raises ConformanceError where the rule is broken."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import Budget, Family, Strategy, check_strategy_class, construct
from tlbench.errors import PluginError
from tlbench.learning import predict
from tlbench.names import parse_spec
from tlbench.testing.check import checks_of, hold
from tlbench.testing.error import ConformanceError
from tlbench.testing.fitting import CPU, FEW, MANY, Fitted, budgets_for, first_occasion, fitted, logits_of, prepare
from tlbench.testing.recording import differing, listed, same_bits, state_of, storages
from tlbench.testing.run_checks import STRATEGY_RUN_RULES
from tlbench.testing.surroundings import plain
from tlbench.testing.toy import Network, Toy, pretrained

TOLERANCE = 1e-4  # of predictions one by one against a batch, relative to the largest logit
ALONE = 20  # examples that are predicted one by one
MARGIN = 4.0  # standard deviations of a guess by which accuracy must exceed it


def the_class_is_declared_as_the_catalog_asks(strategy: Strategy, toy: Toy) -> None:
    """Check for a frozen dataclass with a name that users can type and a family."""
    try:
        check_strategy_class(type(strategy))
    except PluginError as error:
        raise ConformanceError(str(error)) from None


def logits_are_finite_and_one_per_class(strategy: Strategy, toy: Toy) -> None:
    """Check for shape (N, C), a floating dtype, no infinity and no NaN."""
    once = _once(strategy, toy)
    _check_logits(strategy, once.logits, len(once.queries), len(once.task.classes))
    with torch.no_grad():
        output = once.classifier.eval()(once.queries.inputs)
    _hold(
        output.is_floating_point(),
        strategy,
        f"the classifier returns {output.dtype}; logits are float32. Write .float() at the end of its forward.",
    )


def logits_are_no_probabilities(strategy: Strategy, toy: Toy) -> None:
    """Check that rows are not what a softmax leaves, never negative with sum one; losses and metrics take logits."""
    logits = _once(strategy, toy).logits.double()
    if bool((logits == logits.round()).all()):
        return  # votes, or clusters: no softmax makes those
    sums = bool(((logits.sum(1) - 1).abs() < 1e-4).all())
    _hold(
        not (sums and bool((logits >= 0).all()) and logits.shape[1] > 1),
        strategy,
        "the classifier returns probabilities: no entry is negative and each row sums to one. Return logits: leave the "
        "softmax away, or write probabilities.log() where they are all there is.",
    )


def equal_seeds_give_equal_bits(strategy: Strategy, toy: Toy) -> None:
    """Check that a second fit, after other work drew from the global generators, predicts the same to the last bit."""
    once, twice = _once(strategy, toy), _again(strategy, toy)
    _hold(
        same_bits(once.logits, twice.logits),
        strategy,
        "a second fit with the same seeds predicts otherwise. Draw from bench.generator('purpose') or from torch's "
        "global generator, and keep nothing on the class between two fits.",
    )


def the_tensors_of_the_task_stay_as_they_were(strategy: Strategy, toy: Toy) -> None:
    """Check that inputs and labels of every part of the task are left alone."""
    changed = _once(strategy, toy).changed_tensors
    _hold(
        not changed,
        strategy,
        f"fit or the classifier changes {listed(changed)} in place. Other strategies get the same: work on a copy.",
    )


def the_next_backbone_is_pristine(strategy: Strategy, toy: Toy) -> None:
    """Check that nothing of a fit is left for the next one."""
    once, twice = _once(strategy, toy), _again(strategy, toy)
    fresh = once.bench.backbone()
    changed = differing(fresh.state_dict(), dict(toy.weights))
    first = pretrained(toy.channels)
    alike = torch.allclose(predict(fresh, first.images, CPU), first.features, rtol=TOLERANCE, atol=TOLERANCE)
    _hold(
        not changed and alike,
        strategy,
        f"after a fit bench.backbone() is no longer the pretrained network ({listed(changed) or 'its outputs differ'})."
        " Change the copy that bench.backbone() returns, never its class or the weights.",
    )
    shared = storages(once.classifier.state_dict()) & storages(twice.classifier.state_dict())
    _hold(
        not shared,
        strategy,
        "two fits return classifiers that share tensors, so that the second changes the first. Keep no module or "
        "tensor on the class or in the module; ask the bench for a fresh one.",
    )


def examples_are_predicted_alike_one_by_one_and_together(strategy: Strategy, toy: Toy) -> None:
    """Check that predictions do not depend on a batch's neighbours, unless the strategy is declared transductive."""
    if strategy.needs().transductive:
        return
    once = _once(strategy, toy)
    alone = logits_of(strategy, once.classifier, once.queries.inputs[:ALONE], batch_size=1)
    together = once.logits[:ALONE]
    bound = TOLERANCE * float(together.abs().max())
    off = float((alone - together).abs().max()) if alone.shape == together.shape else float("inf")
    _hold(
        off <= bound,
        strategy,
        f"logits of an example differ by up to {off:.2g} with its neighbours in the batch; {bound:.2g} is rounding. "
        "Put batch norms into evaluation mode and take no statistic over a batch, or declare "
        "Requirements(transductive=True).",
    )


def predicting_changes_nothing(strategy: Strategy, toy: Toy) -> None:
    """Check that predicting again gives the same bits and leaves the classifier as it was."""
    once = _once(strategy, toy)
    before = state_of(once.classifier)
    second = logits_of(strategy, once.classifier, once.queries.inputs)
    changed = differing(state_of(once.classifier), before)
    _hold(
        not changed and same_bits(second, once.logits),
        strategy,
        f"predicting changes the classifier ({listed(changed) or 'its second answer differs from the first'}). "
        "A forward pass in evaluation mode must keep every tensor as it is.",
    )


def what_is_frozen_stays_frozen(strategy: Strategy, toy: Toy) -> None:
    """Check that what was declared frozen stays so, statistics included; extraction freezes the whole backbone."""
    for fit in (_once(strategy, toy), _again(strategy, toy)):
        _hold(
            not fit.moved,
            strategy,
            f"{listed(fit.moved)}. A loss must not call .train() on what is frozen, nor write into its tensors.",
        )
    if strategy.family is not Family.EXTRACT:
        return
    for part in _once(strategy, toy).classifier.modules():
        changed = differing(part.state_dict(), dict(toy.weights)) if isinstance(part, Network) else []
        _hold(
            not changed,
            strategy,
            f"a strategy of the family extract returns a backbone that is no longer the pretrained one "
            f"({listed(changed)}). Leave bench.classifier(head) its frozen backbone, or choose another family.",
        )


def chance_is_beaten_on_an_easy_problem(strategy: Strategy, toy: Toy) -> None:
    """Check that test accuracy is clearly above chance; of clusters, by the best matching with the classes."""
    many = fitted(strategy, toy, replace(first_occasion(strategy, toy), recipe=MANY))
    logits, labels = many.logits.numpy(), many.queries.labels.numpy()
    if strategy.needs().setting(first_occasion(strategy, toy).budget) == "unsupervised":
        accuracy = _matched_accuracy(logits, labels)
    else:
        accuracy = float((logits.argmax(1) == labels).mean())
    chance = 1 / toy.classes
    wanted = chance + MARGIN * (chance * (1 - chance) / len(labels)) ** 0.5
    _hold(
        accuracy > wanted,
        strategy,
        f"accuracy on an easy problem of {toy.classes} classes is {accuracy:.2f} after {MANY.steps} steps, where a "
        f"guess has {chance:.2f} and {wanted:.2f} would be clearly better. Look for labels in a wrong order, a head "
        "that is not trained, or a learning rate that is far off.",
    )


def two_classes_and_seven_work(strategy: Strategy, toy: Toy) -> None:
    """Check that two classes and seven work, the seven in three channels: nothing is made for one number of classes."""
    for other in (toy.with_classes(2), toy.with_classes(7, channels=3)):
        fit = fitted(strategy, other, first_occasion(strategy, other))
        _check_logits(strategy, fit.logits, len(fit.queries), other.classes)


def a_batch_of_one_is_predicted(strategy: Strategy, toy: Toy) -> None:
    """Check that one example gets logits of shape (1, C)."""
    once = _once(strategy, toy)
    try:
        one = predict(once.classifier, once.queries.inputs[:1], CPU)
    except Exception as error:
        raise ConformanceError(
            f"{strategy.variant}: the classifier raised {type(error).__name__} on a batch of one: {error}"
        ) from error
    _check_logits(strategy, one, 1, len(once.task.classes))


def no_file_is_written_and_no_socket_opened(strategy: Strategy, toy: Toy) -> None:
    """Check that a fit stays in memory; a first one has done the late imports."""
    _once(strategy, toy)
    traces = _again(strategy, toy).traces
    _hold(
        not traces,
        strategy,
        f"in fit {listed(traces)}. Facts go into the record by bench.note; data come with the task and weights with "
        "the backbone.",
    )


def the_text_of_the_variant_gives_the_strategy_back(strategy: Strategy, toy: Toy) -> None:
    """Check that `catalog.strategy(strategy.variant)` is an equal strategy with an equal hash."""
    cls = type(strategy)
    try:
        found = construct(cls, "strategy", cls.name, parse_spec(strategy.variant).parameters)
        alike = found == strategy and hash(found) == hash(strategy) and found.variant == strategy.variant
    except Exception as error:
        raise ConformanceError(
            f"{strategy.variant}: the text does not give the strategy back: {error} Use fields of numbers, texts, "
            "booleans and tuples of them."
        ) from error
    _hold(
        alike,
        strategy,
        f"the text gives {found!r} back, which is not {strategy!r}. Keep fields as they are given.",
    )


def global_settings_stay_as_they_were(strategy: Strategy, toy: Toy) -> None:
    """Check that threads, dtype, gradient mode and determinism stay those of the run."""
    changed = _once(strategy, toy).changed_settings
    _hold(not changed, strategy, f"fit changes {listed(changed)} for all that runs after it. Use a context manager.")


def global_generators_are_not_seeded(strategy: Strategy, toy: Toy) -> None:
    """Check that fits that start from different global states leave different ones."""
    once = _once(strategy, toy)
    other = fitted(strategy, toy, replace(first_occasion(strategy, toy), start=2))
    states = ((name, once.generators[name], other.generators[name]) for name in ("torch", "numpy", "random"))
    seeded = [name for name, one, another in states if plain(one) == plain(another)]
    _hold(
        not seeded,
        strategy,
        f"fit seeds the global generator of {listed(seeded)}, so that replicates are no longer independent. Draw from "
        "bench.generator('purpose').",
    )


def what_was_prepared_loads_into_its_replay(strategy: Strategy, toy: Toy) -> None:
    """Check that the structure of what `prepare` returns is independent of the training, and its state complete."""
    if not strategy.prepares:
        return
    trained, _ = prepare(strategy, toy, FEW, replay=False)
    replayed, _ = prepare(strategy, toy, FEW, replay=True)
    try:
        replayed.load_state_dict(trained.state_dict())
    except RuntimeError as error:
        raise ConformanceError(
            f"{strategy.variant}: the state of what prepare returned does not load into what it returns when "
            f"bench.train is left out: {error}. Its structure must not depend on the training."
        ) from error
    once = _once(strategy, toy)
    from_cache = fitted(strategy, toy, replace(first_occasion(strategy, toy), replays=True))
    _hold(
        same_bits(once.logits, from_cache.logits),
        strategy,
        "a prepared module that comes from the cache predicts otherwise: part of what it learnt is not in its "
        "state_dict. Keep it in parameters or persistent buffers.",
    )


def every_budget_that_it_takes_works(strategy: Strategy, toy: Toy) -> None:
    """Check that fit works with every budget that `unsuitable` is silent about, be it one label per class."""
    for budget in budgets_for(strategy, toy):
        fit = fitted(strategy, toy, replace(first_occasion(strategy, toy), budget=budget))
        _check_logits(strategy, fit.logits, len(fit.queries), toy.classes)


def validation_labels_can_be_given(strategy: Strategy, toy: Toy) -> None:
    """Check that fit works where the protocol keeps validation labels out of the budget."""
    budget = max(budgets_for(strategy, toy), key=lambda budget: budget.amount)
    fit = fitted(strategy, toy, replace(first_occasion(strategy, toy), budget=budget, validation=True))
    _check_logits(strategy, fit.logits, len(fit.queries), toy.classes)


def the_classifier_of_the_source_knows_its_classes(strategy: Strategy, toy: Toy) -> None:
    """Check that `source_classifier`, where there is one, gives a finite logit per class of the source."""
    once = _once(strategy, toy)
    if not strategy.needs().source_labels:
        return
    other = strategy.source_classifier(once.classifier)
    if other is None:
        return
    source = toy.source(strategy.needs())
    _check_logits(strategy, logits_of(strategy, other, source.train.inputs), len(source.train), len(source.classes))


def unsuitable_answers_none_or_a_sentence(strategy: Strategy, toy: Toy) -> None:
    """Check that `unsuitable` returns None or a sentence, which is shown to the user as it is."""
    for budget in ("0", "4-shot", "10%", "full", "2-way 1-shot"):
        answer = strategy.unsuitable(toy.backbone, toy.dataset, Budget.parse(budget))
        _hold(
            answer is None or (isinstance(answer, str) and answer.endswith(".") and " " in answer),
            strategy,
            f"unsuitable answers {answer!r} to budget {budget}; it must return None, or a sentence that says what "
            "would be suitable, with a full stop.",
        )


_RULES = (
    the_class_is_declared_as_the_catalog_asks,
    logits_are_finite_and_one_per_class,
    logits_are_no_probabilities,
    equal_seeds_give_equal_bits,
    the_tensors_of_the_task_stay_as_they_were,
    the_next_backbone_is_pristine,
    examples_are_predicted_alike_one_by_one_and_together,
    predicting_changes_nothing,
    what_is_frozen_stays_frozen,
    chance_is_beaten_on_an_easy_problem,
    two_classes_and_seven_work,
    a_batch_of_one_is_predicted,
    no_file_is_written_and_no_socket_opened,
    the_text_of_the_variant_gives_the_strategy_back,
    global_settings_stay_as_they_were,
    global_generators_are_not_seeded,
    what_was_prepared_loads_into_its_replay,
    every_budget_that_it_takes_works,
    validation_labels_can_be_given,
    the_classifier_of_the_source_knows_its_classes,
    unsuitable_answers_none_or_a_sentence,
)
STRATEGY_CHECKS = (*checks_of(_RULES), *checks_of(STRATEGY_RUN_RULES, in_a_run=True))


def _once(strategy: Strategy, toy: Toy) -> Fitted:
    return fitted(strategy, toy, first_occasion(strategy, toy))


def _again(strategy: Strategy, toy: Toy) -> Fitted:
    """Return a second fit: the first comes before it, so that it imports nothing."""
    _once(strategy, toy)
    return fitted(strategy, toy, replace(first_occasion(strategy, toy), again=True))


def _hold(kept: bool, strategy: Strategy, sentence: str) -> None:
    hold(kept, strategy.variant, sentence)


def _check_logits(strategy: Strategy, logits: Tensor, count: int, classes: int) -> None:
    _hold(
        tuple(logits.shape) == (count, classes),
        strategy,
        f"the classifier's logits for {count} inputs and {classes} classes have shape {tuple(logits.shape)}; they must "
        f"be ({count}, {classes}).",
    )
    _hold(
        bool(torch.isfinite(logits).all()),
        strategy,
        "logits are not all finite. Where a logarithm of 0 is possible, add a small number first.",
    )


def _matched_accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the accuracy of clusters under the best matching of clusters and classes."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((scores.shape[1], scores.shape[1]))
    np.add.at(table, (scores.argmax(1), labels), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(labels))
