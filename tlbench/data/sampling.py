"""Draw which examples are labelled, which of them validate, and which make an episode; no strategy changes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tlbench.contract import Budget, BudgetKind, Episode, Episodes, Labelled


def class_counts(labels: np.ndarray, classes: int) -> tuple[int, ...]:
    """Return how many examples each class has."""
    return tuple(int(count) for count in np.bincount(labels, minlength=classes)[:classes])


def labelled_positions(labels: np.ndarray, classes: int, budget: Budget, seed: int) -> np.ndarray:
    """Draw the positions of a budget's labels, int64, in order of drawing.

    Budgets nest: for one seed the 1-shot set is a subset of the 5-shot set, and every stratified count or
    share is a prefix of every larger one. Raises ValueError where the split is too small.
    """
    rank, quantile = _ranks(labels, classes, seed)
    if budget.kind is BudgetKind.SHOTS:
        if min(class_counts(labels, classes)) < budget.amount:
            raise ValueError(f"budget {budget} wants more labels of a class than there are")
        chosen = np.flatnonzero(rank < budget.amount)
    else:
        wanted = budget.labels(class_counts(labels, classes))
        if wanted > len(labels):
            raise ValueError(f"budget {budget} wants {wanted} labels of {len(labels)}")
        chosen = _stratified_order(labels, rank, quantile)[:wanted]
    ordered: np.ndarray = chosen[_stratified_order(labels[chosen], rank[chosen], quantile[chosen])]
    return ordered


def _ranks(labels: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffle each class; return each example's rank in its class, and that rank as a share of the class."""
    draw = np.random.default_rng(seed)
    rank = np.zeros(len(labels), dtype=np.int64)
    quantile = np.zeros(len(labels))
    by_class = np.argsort(labels, kind="stable")
    ends = np.cumsum(class_counts(labels, classes))
    for members in np.split(by_class, ends[:-1]):
        order = draw.permutation(len(members))
        rank[members[order]] = np.arange(len(members))
        quantile[members[order]] = (np.arange(len(members)) + 0.5) / max(len(members), 1)
    return rank, quantile


def _stratified_order(labels: np.ndarray, rank: np.ndarray, quantile: np.ndarray) -> np.ndarray:
    """Order examples so that each prefix is stratified: one of every class first, then in proportion."""
    return np.lexsort((labels, quantile, rank > 0))


def carve_validation(positions: np.ndarray, labels: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Split drawn positions into (train, validation), stratified; every class keeps at least one for training.

    The last drawn of each class validate, so that training sets of growing budgets stay nested where they can.
    """
    validates = np.zeros(len(positions), dtype=bool)
    for label in np.unique(labels[positions]):
        members = np.flatnonzero(labels[positions] == label)
        count = min(max(1, round(len(members) * share)), len(members) - 1)
        if count > 0:
            validates[members[-count:]] = True
    return positions[~validates], positions[validates]


@dataclass(frozen=True, eq=False)
class EpisodeRows:
    """Hold the rows of one episode's examples."""

    ways: np.ndarray  # its classes, int64 (ways,)
    support: np.ndarray  # rows of the training split, class by class
    queries: np.ndarray  # rows of the test split, class by class


def episode_classes(train: Sequence[int], test: Sequence[int], shots: int, queries: int) -> np.ndarray:
    """Return the classes that can be ways: enough examples to learn from, and to be asked about."""
    enough = [of_train >= shots and of_test >= queries for of_train, of_test in zip(train, test, strict=True)]
    classes: np.ndarray = np.flatnonzero(enough)
    return classes


def episode_rows(
    train_labels: np.ndarray, test_labels: np.ndarray, budget: Budget, queries: int, unbalanced: float, seed: int
) -> EpisodeRows:
    """Draw an episode: support from the training split, queries from the test split.

    For one seed the 1-shot support is a subset of the 5-shot support. Raises ValueError where classes are short.
    """
    classes, shots = int(max(train_labels.max(), test_labels.max())) + 1, int(budget.amount)
    available = class_counts(test_labels, classes)
    eligible = episode_classes(class_counts(train_labels, classes), available, shots, queries)
    if len(eligible) < budget.ways:
        raise ValueError(f"budget {budget} wants {budget.ways} classes; {len(eligible)} have enough examples")
    draw = np.random.default_rng(seed)
    ways = draw.permutation(eligible)[: budget.ways]
    support = [draw.permutation(np.flatnonzero(train_labels == way))[:shots] for way in ways]
    counts = _query_counts(np.asarray(available)[ways], queries, unbalanced, draw)
    asked = [
        draw.permutation(np.flatnonzero(test_labels == way))[:count] for way, count in zip(ways, counts, strict=True)
    ]
    return EpisodeRows(ways, np.concatenate(support), np.concatenate(asked))


def _query_counts(available: np.ndarray, queries: int, unbalanced: float, draw: np.random.Generator) -> np.ndarray:
    """Return how many queries each way gets, int64 (ways,), ways * queries in all.

    With `unbalanced` their shares come from a symmetric Dirichlet (Veilleux et al., 2021, arXiv:2204.11181).
    """
    ways = len(available)
    if not unbalanced:
        return np.full(ways, queries)
    wanted = draw.dirichlet(np.full(ways, unbalanced)) * ways * queries
    counts: np.ndarray = np.floor(wanted).astype(np.int64)
    counts[np.argsort(counts - wanted, kind="stable")[: ways * queries - counts.sum()]] += 1
    counts = np.minimum(counts, available)
    for way in range(ways):  # what a class cannot give falls to the next that can
        counts[way] += min(ways * queries - counts.sum(), available[way] - counts[way])
    return counts


def draw_episode(episodes: Episodes, generator: torch.Generator) -> Episode:
    """Draw one n-way k-shot episode; support and query never share an example."""
    labels = episodes.data.labels
    need = episodes.k_shot + episodes.n_query
    counts = torch.bincount(labels)
    eligible = (counts >= need).nonzero().flatten()
    if len(eligible) < episodes.n_way:
        raise ValueError(
            f"{episodes.n_way}-way episodes of {episodes.k_shot} + {episodes.n_query} examples want as many classes "
            f"with {need} examples each; there are {len(eligible)}"
        )
    ways = eligible[torch.randperm(len(eligible), generator=generator)[: episodes.n_way]]
    support, query = [], []
    for way in ways:
        members = (labels == way).nonzero().flatten()
        drawn = members[torch.randperm(len(members), generator=generator)[:need]]
        support.append(drawn[: episodes.k_shot])
        query.append(drawn[episodes.k_shot :])
    return Episode(_part(episodes.data, support), _part(episodes.data, query))


def _part(data: Labelled, positions: list[torch.Tensor]) -> Labelled:
    labels = torch.arange(len(positions)).repeat_interleave(len(positions[0]))
    return Labelled(data.inputs[torch.cat(positions)], labels)
