"""Validate a classifier on the target without any of its labels, by unsupervised scores. Larger is better."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.05  # of soft neighbourhood density, as in the paper


def negative_entropy(logits: Tensor) -> float:
    """Return minus the mean entropy of the predictions, in nats, of logits (N, C).

    Morerio et al., 2018, arXiv:1711.10288. It is fooled by a classifier that gives every input one class.
    """
    logs = F.log_softmax(logits.double(), dim=1)
    return float((logs.exp() * logs).sum(dim=1).mean())


def information(logits: Tensor) -> float:
    """Return the mutual information of inputs and predictions, in nats: entropy of the mean less the mean entropy.

    Of logits (N, C). Bridle et al., 1991; as a validator: Musgrave et al., 2022, arXiv:2208.07360.
    """
    mean = F.softmax(logits.double(), dim=1).mean(dim=0)
    return float(-torch.special.xlogy(mean, mean).sum()) + negative_entropy(logits)


def neighbourhood_density(logits: Tensor) -> float:
    """Return the soft neighbourhood density, in nats, of logits (N, C), N of 2 or more.

    The mean entropy of each input's similarity to the others (Saito et al., 2021, arXiv:2108.10860, equations 2
    and 3): predictions as unit vectors, similarities over a temperature of 0.05, an input's own left out.
    """
    directions = F.normalize(F.softmax(logits.double(), dim=1), dim=1)
    similar = directions @ directions.T / TEMPERATURE
    similar.fill_diagonal_(-torch.inf)
    logs = F.log_softmax(similar, dim=1)
    return float(-(logs.exp() * logs.masked_fill(torch.isinf(logs), 0.0)).sum(dim=1).mean())


def embedded_validation(
    source: Tensor, held_out: Tensor, target: Tensor, logits: Tensor, labels: Tensor
) -> float:  # the three sets of features: training source, held-out source, target; then the held-out source's own
    """Return minus the deep embedded validation risk (You, Wang, Long & Jordan, 2019, ICML, algorithm 1).

    Features (N, d) of the source's training examples, of held-out source examples and of target inputs; the
    held-out examples' logits (M, C) and labels (M,). A logistic regression tells the domains apart; its odds weight
    the held-out cross-entropy towards the target, with the paper's control variate against the weights' variance.
    """
    from sklearn.linear_model import LogisticRegression

    domains = np.repeat([1, 0], [len(source), len(target)])
    features = torch.cat([source, target]).double().numpy()
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    judge = LogisticRegression(max_iter=200).fit((features - mean) / spread, domains)
    odds = judge.predict_proba((held_out.double().numpy() - mean) / spread)
    weights = odds[:, 0] / np.maximum(odds[:, 1], 1e-6) * len(source) / len(target)
    losses = weights * F.cross_entropy(logits.double(), labels, reduction="none").numpy()
    variance = weights.var()
    slope = -np.cov(losses, weights, bias=True)[0, 1] / variance if variance > 0 else 0.0
    return -float(losses.mean() + slope * (weights.mean() - 1))
