"""Rank candidates by how they did on other data that are like these, at a budget like this one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from tlbench_advice.evidence import Block, Candidate

LEAST = 2  # datasets that the rule advises from
FARTHEST = 2.0  # doublings between the labels per class of two budgets that still say something of each other


@dataclass(frozen=True)
class Question:
    """Describe data as advice sees them, those at hand and stored ones alike."""

    dataset: str  # the name under which stored results of the same data are left out
    classes: int
    labels_per_class: float
    has_source: bool


@dataclass(frozen=True)
class Standing:
    """Describe how one candidate did on the stored datasets, against the reference."""

    candidate: Candidate
    gain: float  # mean difference to the reference, weighted by similarity
    lowest: float  # over datasets
    highest: float
    datasets: int  # on which both were scored
    tied: int  # on how many of these it was best or not separable from the best


@dataclass(frozen=True)
class Similar:
    """Describe a stored dataset that the advice rests on, with what was scored there at the nearest budget."""

    dataset: str
    similarity: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Ranking:
    """List candidates from the best down, with the datasets that this is drawn from."""

    reference: Candidate
    standings: tuple[Standing, ...]
    similar: tuple[Similar, ...]
    seldom: tuple[Candidate, ...]  # scored on too few of these datasets to be ranked


def distance(question: Question, block: Block) -> float:
    """Return how far stored data are from those at hand: doublings in classes plus doublings in labels per class."""
    return abs(log2(block.classes / question.classes)) + _doublings(question.labels_per_class, block.labels_per_class)


def _doublings(one: float, other: float) -> float:
    if min(one, other) <= 0:
        return 0.0 if one == other else float("inf")
    return abs(log2(one / other))


def similar(blocks: Iterable[Block], question: Question) -> tuple[Similar, ...]:
    """Return the other datasets with two candidates or more at a budget near the question's, the most similar first.

    The similarity is 1 / (1 + distance). Of each target only the nearest budget counts.
    """
    nearest: dict[str, dict[tuple[str, str], list[Block]]] = {}
    for block in blocks:
        away = _doublings(question.labels_per_class, block.labels_per_class)
        if block.dataset == question.dataset or (block.source and not question.has_source):
            continue
        if away > FARTHEST or len(block.scores) < 2:
            continue
        own = nearest.setdefault(block.dataset, {})
        place = (block.transfer, block.source)
        known = own.get(place)
        before = _doublings(question.labels_per_class, known[0].labels_per_class) if known else float("inf")
        if away < before:
            own[place] = [block]
        elif known and away == before:
            known.append(block)
    found = []
    for name, places in nearest.items():
        own_blocks = tuple(block for place in places.values() for block in place)
        found.append(Similar(name, max(1 / (1 + distance(question, block)) for block in own_blocks), own_blocks))
    return tuple(sorted(found, key=lambda each: (-each.similarity, each.dataset)))


def rank(blocks: Iterable[Block], question: Question) -> Ranking | None:
    """Rank candidates by their mean difference to a reference, on the datasets where both were scored.

    Each dataset counts by its similarity, whatever the number of its records. The reference is the candidate of
    most datasets, of equals a baseline. A candidate is ranked that was scored on two datasets and on half of those of
    the reference. None where there are no two such candidates.
    """
    found = similar(blocks, question)
    coverage: dict[Candidate, int] = {}
    for each in found:
        for candidate in {candidate for block in each.blocks for candidate in block.scores}:
            coverage[candidate] = coverage.get(candidate, 0) + 1
    if not coverage:
        return None
    baselines = {candidate for each in found for block in each.blocks for candidate in block.baselines}
    reference = min(coverage, key=lambda one: (-coverage[one], one not in baselines, one))
    standings = [_standing(candidate, reference, found) for candidate in sorted(coverage)]
    needed = max(LEAST, (coverage[reference] + 1) // 2)
    ranked = [each for each in standings if each is not None and each.datasets >= needed]
    if len(ranked) < 2:
        return None
    seldom = tuple(candidate for candidate in sorted(coverage) if candidate not in {each.candidate for each in ranked})
    ranked.sort(key=lambda each: (-each.gain, each.candidate))
    return Ranking(reference, tuple(ranked), found, seldom)


def _standing(candidate: Candidate, reference: Candidate, found: Sequence[Similar]) -> Standing | None:
    gains, weights, tied = [], [], 0
    for each in found:
        shared = [block for block in each.blocks if candidate in block.scores and reference in block.scores]
        if not shared:
            continue
        gains.append(sum(block.means[candidate] - block.means[reference] for block in shared) / len(shared))
        weights.append(each.similarity)
        tied += sum(candidate in block.tied for block in shared) * 2 >= len(shared)
    if not gains:
        return None
    gain = sum(one * weight for one, weight in zip(gains, weights, strict=True)) / sum(weights)
    return Standing(candidate, gain, min(gains), max(gains), len(gains), tied)
