"""Measure the rule's past hit rate: each stored dataset is left out in turn and advised on from the others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tlbench_advice.evidence import Block, Candidate
from tlbench_advice.rule import Question, rank


@dataclass(frozen=True)
class Hits:
    """Count how a way to choose did on the left-out datasets."""

    rate: float  # share of tasks on which the choice was best or tied with the best
    regret: float  # mean accuracy that the choice lost to the best, 0.01 for a point


@dataclass(frozen=True)
class Hindsight:
    """Hold leave-one-dataset-out over the stored results. A task is a dataset's target at one budget."""

    tasks: int  # on which the rule could advise
    unanswered: int  # on which it could not
    datasets: int  # that these tasks are of
    rule: Hits
    winner: Hits  # always the candidate that was best on most of the other datasets' tasks
    chance: Hits  # a candidate at random: the expectation


def look_back(blocks: Sequence[Block], has_source: bool) -> Hindsight | None:
    """Return the rule's hits on each stored dataset when advised from all others; None where it never could."""
    usable = [block for block in blocks if (has_source or not block.source) and len(block.scores) > 1]
    winners = [(block.dataset, block.leader) for block in usable]
    rule, winner, chance, datasets = [], [], [], set()
    unanswered = 0
    for block in usable:
        question = Question(block.dataset, block.classes, block.labels_per_class, bool(block.source))
        ranking = rank((other.only(block.scores) for other in usable), question)
        if ranking is None:
            unanswered += 1
            continue
        datasets.add(block.dataset)
        rule.append(_judged(block, [ranking.standings[0].candidate]))
        winner.append(_judged(block, [_most_frequent(winners, block)]))
        chance.append(_judged(block, list(block.scores)))
    if not rule:
        return None
    return Hindsight(len(rule), unanswered, len(datasets), _mean(rule), _mean(winner), _mean(chance))


def _most_frequent(winners: Sequence[tuple[str, Candidate]], block: Block) -> Candidate:
    """Return which of a block's candidates was best most often on other datasets; of equals the first by name."""
    counted = Counter(
        candidate for dataset, candidate in winners if dataset != block.dataset and candidate in block.scores
    )
    return min(block.scores, key=lambda candidate: (-counted[candidate], candidate))


def _judged(block: Block, chosen: Sequence[Candidate]) -> Hits:
    """Judge choices within a block, averaged."""
    highest = block.means[block.leader]
    hits = sum(candidate in block.tied for candidate in chosen) / len(chosen)
    return Hits(hits, highest - sum(block.means[candidate] for candidate in chosen) / len(chosen))


def _mean(judged: Sequence[Hits]) -> Hits:
    return Hits(sum(each.rate for each in judged) / len(judged), sum(each.regret for each in judged) / len(judged))
