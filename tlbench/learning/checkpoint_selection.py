"""Score the checkpoints of a training, or other candidates, by a selection rule."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlbench.contract import DENSITY, EMBEDDED, ENTROPY, INFORMATION, ORACLE, SOURCE_VALIDATION, Labelled
from tlbench.learning.training import accuracy_and_fit
from tlbench.learning.validators import embedded_validation, information, negative_entropy, neighbourhood_density

LOOKED_AT = 500  # inputs of each kind that a look is taken at, and at most

Answer = Callable[[Tensor], tuple[Tensor, Tensor | None]]  # encoded inputs to logits (N, C), and features (N, d) if any


@dataclass(frozen=True, eq=False)
class Evidence:
    """Hold the data that selection rules judge by. Only the oracle is given test examples."""

    target: Tensor  # encoded inputs of the target's training split
    source: Tensor | None = None  # encoded inputs of the source's training examples
    held_out: Labelled | None = None  # source examples that no training sees
    test: Labelled | None = None


@dataclass(eq=False)
class Judge:
    """Score candidates by one rule, and keep how every rule would have scored them."""

    rule: str
    evidence: Evidence
    looks: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Answer] = field(default_factory=list)  # the candidate of each look, as it was then

    def score(self, answer: Answer, kept: Answer, **where: int) -> tuple[float, ...]:
        """Return what the rule ranks a candidate by, larger is better; `where` names the candidate in the looks.

        `kept` goes on answering as the candidate does now: it is tested once the fit is over, when no strategy can
        meet the test inputs any more.
        """
        ranks = self._ranks(answer)
        self.looks.append({**where, "scores": {name: rank[0] for name, rank in ranks.items()}})
        self.kept.append(kept)
        test = self.evidence.test
        if test is not None:
            ranks[ORACLE] = accuracy_and_fit(answer(test.inputs)[0].float().cpu(), test.labels)
        return ranks[self.rule]

    def _ranks(self, answer: Answer) -> dict[str, tuple[float, ...]]:
        """Return what every rule but the oracle's ranks a candidate by, so that all looks can be set side by side."""
        given = self.evidence
        logits, features = answer(given.target)
        logits = logits.float().cpu()
        ranks: dict[str, tuple[float, ...]] = {
            ENTROPY: (negative_entropy(logits),),
            INFORMATION: (information(logits),),
            DENSITY: (neighbourhood_density(logits),),
        }
        if given.held_out is not None and given.source is not None:
            labels = given.held_out.labels.cpu()
            own, held_out = answer(given.held_out.inputs)
            ranks[SOURCE_VALIDATION] = accuracy_and_fit(own.float().cpu(), labels)
            trained, apart = answer(given.source)
            if apart is None or held_out is None or features is None:  # the logits stand for features
                apart, held_out, features = trained, own, logits
            ranks[EMBEDDED] = (embedded_validation(apart.cpu(), held_out.cpu(), features.cpu(), own.cpu(), labels),)
        return ranks

    def told(self, test: Labelled) -> list[dict[str, Any]]:
        """Return the looks with the accuracy of each on test examples, by which none was chosen but the oracle's."""
        labels = test.labels.cpu()
        with torch.no_grad():
            predictions = [answer(test.inputs)[0].float().cpu().argmax(1) for answer in self.kept]
        self.kept.clear()
        return [
            {**look, "accuracy": float((prediction == labels).double().mean())}
            for look, prediction in zip(self.looks, predictions, strict=True)
        ]


def sample_positions(count: int, seed: int) -> np.ndarray:
    """Return at most `LOOKED_AT` of `count` positions, sorted, drawn by a seed."""
    if count <= LOOKED_AT:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:LOOKED_AT])
