"""Boost decision trees on frozen features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge
from torch import nn
from torch.nn import functional as F

from tlbench import Between, Family, Strategy


@dataclass(frozen=True)
class Boosting(Strategy):
    """Boost decision trees on frozen features by SAMME (Zhu, Zou, Rosset & Hastie, 2009, Multi-class AdaBoost).

    Each tree is fitted to weights that grow with the errors of the trees before it (algorithm 2). The sum of a
    class's votes is its logit: that is where the paper's exponential loss puts the log-odds.
    """

    name = "boosting"
    family = Family.ENSEMBLE
    search_space = {"rounds": Between(10, 500), "depth": Between(1, 6, log=False)}

    rounds: Annotated[int, Ge(1)] = 100  # trees at most
    depth: Annotated[int, Ge(1)] = 3  # of each tree, with at most 2 ** depth leaves

    def fit(self, task, bench):
        """Return the trees as a head on the frozen backbone."""
        features = bench.features(task.train.inputs).cpu().numpy()
        labels, classes = task.train.labels.cpu().numpy(), len(task.classes)
        seed = int(torch.randint(2**31, (), generator=bench.generator("trees")))
        trees, votes = samme(features, labels, classes, self.rounds, self.depth, seed)
        bench.note("trees", len(trees))
        return bench.classifier(Trees(trees, votes, classes))


def samme(
    features: np.ndarray, labels: np.ndarray, classes: int, rounds: int, depth: int, seed: int
) -> tuple[list[Any], list[float]]:
    """Return trees of scikit-learn with their votes, for float32 features (N, D) and labels 0 to C - 1 that all occur.

    Boosting ends with a tree that makes no error, which has one vote, and before one that is no better than chance;
    where that is the first it stands alone, without a vote.
    """
    from sklearn.tree import DecisionTreeClassifier

    random = np.random.RandomState(seed)  # of equally good splits one is drawn
    weights = np.full(len(labels), 1 / len(labels))
    trees, votes = [], []
    for _ in range(rounds):
        tree = DecisionTreeClassifier(max_depth=depth, random_state=random.randint(np.iinfo(np.int32).max))
        wrong = tree.fit(features, labels, sample_weight=weights).predict(features) != labels
        error = float(weights[wrong].sum() / weights.sum())
        if error >= 1 - 1 / classes:
            return (trees, votes) if trees else ([tree], [0.0])
        trees.append(tree)
        votes.append(1.0 if error <= 0 else np.log((1 - error) / error) + np.log(classes - 1))
        if error <= 0:
            break
        weights = np.exp(np.log(weights) + votes[-1] * wrong)
        weights = (weights / weights.sum()).clip(min=np.finfo(np.float64).eps)  # an easy example does not vanish
    return trees, votes


class Trees(nn.Module):
    """Sum the votes of decision trees for each class, (N, C), on features (N, D)."""

    def __init__(self, trees: Sequence[Any], votes: Sequence[float], classes: int) -> None:
        super().__init__()
        self.depth, self.classes = max(tree.get_depth() for tree in trees), classes
        width = max(tree.tree_.node_count for tree in trees)
        tables = zip(*(nodes(tree.tree_, width) for tree in trees), strict=True)
        feature, threshold, left, right, answer = (torch.from_numpy(np.stack(table)) for table in tables)
        self.register_buffer("feature", feature)  # what a node looks at, (trees, nodes)
        self.register_buffer("threshold", threshold)  # up to here an example goes to the left
        self.register_buffer("left", left)
        self.register_buffer("right", right)
        self.register_buffer("answer", answer)  # the class of most of a node's weight
        self.register_buffer("votes", torch.tensor(votes, dtype=torch.float32))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        tree = torch.arange(len(self.votes), device=features.device)
        node = torch.zeros(len(features), len(tree), dtype=torch.int64, device=features.device)
        for _ in range(self.depth):
            goes_left = features.gather(1, self.feature[tree, node]) <= self.threshold[tree, node]
            node = torch.where(goes_left, self.left[tree, node], self.right[tree, node])
        answers = F.one_hot(self.answer[tree, node], self.classes).float()
        return torch.einsum("ntc,t->nc", answers, self.votes)


def nodes(tree: Any, width: int) -> tuple[np.ndarray, ...]:
    """Return a tree of scikit-learn as arrays over its nodes, filled up to `width`; a leaf leads to itself.

    They are: the feature, the threshold, the nodes to the left and to the right, and the class.
    """
    own = np.arange(tree.node_count)
    leaf = tree.children_left < 0
    threshold = tree.threshold.astype(np.float32)
    # Features are float32: rounded down, a threshold parts them as the float64 one does.
    threshold = np.where(threshold > tree.threshold, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    columns = (
        np.where(leaf, 0, tree.feature),
        threshold,
        np.where(leaf, own, tree.children_left),
        np.where(leaf, own, tree.children_right),
        tree.value[:, 0].argmax(axis=1),
    )
    return tuple(np.pad(column, (0, width - len(own))) for column in columns)
