"""Check that a fit has learnt anything from its labels."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import bdtrc
from torch import Tensor

from tlbench.contract import Labelled, Strategy, fields_of
from tlbench.learning import Classifier, predict
from tlbench.running.fit_task import Fit, Trial

LOOKED_AT = 500  # training labels, at most, that are predicted again
NEAR = 0.95  # of the loss of guessing: a loss above it is near it
LUCK = 0.01  # probability of as many right answers by guessing, below which they are more than luck
ABOVE = 0.1  # share of what guessing gets wrong that must be right beside: an untrained head can be a little above


def did_not_learn(trials: Sequence[Trial]) -> str:
    """Return why most of a cell's fits have learnt nothing, and what to try; an empty text where they have learnt."""
    found = [reason for trial in trials if (reason := why_nothing_was_learnt(trial))]
    if 2 * len(found) <= len(trials):
        return ""
    of = f"in {len(found)} of {len(trials)} episodes " if len(trials) > 1 else ""
    return f"{of}{found[0]}; try {_advice(trials[0].fit.strategy)}"


def why_nothing_was_learnt(trial: Trial) -> str:
    """Return what shows that a fit has learnt nothing: one class for all test inputs, or a loss near that of guessing.

    The loss is the cross-entropy, in nats, on the very labels that were learnt from, and guessing knows how often each
    class occurs there: of equally many of each the loss is ln(classes). Outputs that are no log-probabilities may
    have such a loss and still be right: who is right more often than by luck has learnt.
    """
    logits, labels = trial.predictions.logits, trial.predictions.labels
    chosen = logits.argmax(axis=1)
    if len(np.unique(chosen)) == 1 and len(np.unique(labels)) > 1:
        return f"all {len(labels)} test inputs are predicted as {trial.fit.drawn.task.classes[int(chosen[0])]!r}"
    found = [_against_guessing(trial.fit, data) for data in _learnt_from(trial.fit)]
    return next(iter(found), "") if all(found) else ""


def _learnt_from(fit: Fit) -> list[Labelled]:
    """Return the labels that a fit was given, of the target and of a source with the same classes.

    None where the classifier cannot be asked: an ensemble maps its members' logits, and a transductive classifier
    needs its queries.
    """
    task = fit.drawn.task
    if fit.members or fit.strategy.needs().transductive:
        return []
    given = [task.train]
    if task.source is not None and task.source_classes == task.classes:
        given.append(task.source)
    return [data for data in given if len(data)]


def _against_guessing(fit: Fit, data: Labelled) -> str:
    """Return that a classifier is no better than guessing on labels that it was given, or an empty text."""
    rows = torch.linspace(0, len(data) - 1, min(len(data), LOOKED_AT)).long()
    wanted = data.labels[rows].cpu()
    shares = torch.bincount(wanted).double() / len(wanted)
    most = float(shares.max())
    if most == 1:
        return ""
    try:
        logits = _logits(fit, data.inputs, rows).double()
    except Exception:  # made for its test inputs alone: a check that fails must not cost a result
        return ""
    guessing = float(-(shares[shares > 0] * shares[shares > 0].log()).sum())
    loss = float(torch.nn.functional.cross_entropy(logits, wanted))
    right = int((logits.argmax(1) == wanted).sum())
    more_than_luck = right > 0 and bdtrc(right - 1, len(wanted), most) < LUCK
    if loss < NEAR * guessing or (more_than_luck and right / len(wanted) - most >= ABOVE * (1 - most)):
        return ""
    return f"its loss on the labels that it learnt from is {loss:.2f}, and that of guessing {guessing:.2f}"


def _logits(fit: Fit, inputs: Tensor, rows: Tensor) -> Tensor:
    """Return the logits of some training inputs, (N, C); features of the frozen backbone are at hand."""
    classifier, bench = fit.classifier, fit.bench
    if isinstance(classifier, Classifier) and classifier.backbone is bench.frozen_backbone():
        return predict(classifier.head, bench.features(inputs)[rows.to(bench.device)], bench.device)
    return predict(classifier, inputs[rows], bench.device)


def _advice(strategy: Strategy) -> str:
    """Return what to change of a strategy that learnt nothing: its learning rate, or its number of steps."""
    defaults = {item.name: item.default for item in fields_of(type(strategy))}
    said = []
    rate, usual = getattr(strategy, "lr", None), defaults.get("lr")
    if isinstance(rate, float) and isinstance(usual, float):
        said.append(f"lr={usual if rate != usual else rate / 10:g}")
    if "steps" in defaults:
        said.append("more steps")
    return " or ".join([*said, "another strategy"])
