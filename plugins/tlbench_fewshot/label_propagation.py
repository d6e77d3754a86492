"""Propagate labels along a graph of neighbours."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from torch import nn
from torch.nn import functional as F

from tlbench import Family, Requirements, Strategy
from tlbench_fewshot.neighbours import nearest_others

OWN_WIDTH = 7  # Zelnik-Manor & Perona (2004) take the distance to the seventh neighbour


@dataclass(frozen=True)
class LabelPropagation(Strategy):
    """Spread labels to the queries along a graph of neighbours (Zhou et al., 2004, Local and Global Consistency).

    In the few-shot form of Liu et al. (2019, arXiv:1805.10002), each example with a width of its own. They learn the
    widths; here they are the distances to near neighbours (Zelnik-Manor & Perona, 2004, Self-Tuning Clustering).
    """

    name = "label-propagation"
    family = Family.FEWSHOT
    requires = Requirements(transductive=True)

    # Share that comes from the neighbours. Both papers have 0.99, with widths tuned or learnt: with widths that are
    # not, the classes' places in the graph then outweigh their labels.
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.8
    k: Annotated[int, Ge(1)] = 20  # neighbours of an example, Liu et al.'s value; all of them where there are fewer
    sigma: Annotated[float, Gt(0)] | None = None  # one width for all, on unit length; each its own unless given

    def fit(self, task, bench):
        """Return the spreading as a head on the frozen backbone; it needs all queries at once."""
        return bench.classifier(
            Spreading(bench.features(task.train.inputs), task.train.labels, self.alpha, self.k, self.sigma)
        )


class Spreading(nn.Module):
    """Compute log shares (N, C) from features of all queries (N, D), given support features (S, D) with labels (S,)."""

    def __init__(self, support: torch.Tensor, labels: torch.Tensor, alpha: float, k: int, sigma: float | None) -> None:
        super().__init__()
        self.register_buffer("support", support)
        self.register_buffer("seeds", F.one_hot(labels.to(support.device)).to(support.dtype))
        self.alpha, self.k, self.sigma = alpha, k, sigma

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return log shares; a class that no path leads to gets that of 1e-6."""
        graph = affinity(F.normalize(torch.cat([self.support, features]), dim=1), self.k, self.sigma)
        seeds = np.zeros((graph.shape[0], self.seeds.shape[1]))
        seeds[: len(self.support)] = self.seeds.cpu().numpy()
        reached = spread(graph, seeds, self.alpha)[len(self.support) :].clip(min=0)
        shares = reached / np.maximum(reached.sum(axis=1, keepdims=True), 1e-300)
        return torch.from_numpy(np.log(shares + 1e-6)).to(features)


def affinity(features: torch.Tensor, k: int, sigma: float | None):
    """Return the symmetric affinities of features (N, D), sparse (N, N), 0 between examples that are no neighbours.

    Neighbours are the k nearest of either side. Affinities are exp(-d² / 2 sigma²), or exp(-d² / (s t)) with the
    widths s and t of both examples.
    """
    from scipy import sparse

    squared, positions = (found.cpu().numpy() for found in nearest_others(features, k))
    squared = squared.astype(np.float64)
    if sigma:
        products = np.full_like(squared, 2 * sigma**2)
    else:
        widths = np.sqrt(squared[:, min(OWN_WIDTH, squared.shape[1]) - 1]) + 1e-6
        products = widths[:, None] * widths[positions]
    count = len(features)
    rows = np.repeat(np.arange(count), squared.shape[1])
    values = np.exp(-squared / products).ravel()
    directed = sparse.csr_array((values, (rows, positions.ravel())), shape=(count, count))
    return directed.maximum(directed.T)


def spread(graph, seeds: np.ndarray, alpha: float) -> np.ndarray:
    """Return (I - alpha S)^-1 seeds, (N, C), with S the graph over the roots of both sides' degrees (Zhou et al.).

    By conjugate gradients, all classes together: the matrix is symmetric, positive definite and sparse.
    """
    from scipy import sparse

    root = sparse.diags_array(1 / np.sqrt(np.maximum(graph.sum(axis=1), 1e-300)))
    system = sparse.eye_array(len(seeds)) - alpha * (root @ graph @ root)
    solution, residual = np.zeros_like(seeds), seeds.copy()
    direction, size = residual.copy(), (residual**2).sum(axis=0)
    for _ in range(1000):
        if np.sqrt(size.max()) < 1e-10:
            break
        image = system @ direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-300)
        solution += step * direction
        residual -= step * image
        last, size = size, (residual**2).sum(axis=0)
        direction = residual + size / np.maximum(last, 1e-300) * direction
    return solution
