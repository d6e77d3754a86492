"""Cluster features by eigenvectors of their graph."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from tlbench import Family, Requirements
from tlbench_unsupervised.clustering import Clustering, ClustersOfBatch, drawn_seed, scaled


@dataclass(frozen=True)
class Spectral(Clustering):
    """Cut the graph of similar test examples into clusters by its eigenvectors (Ng et al., 2001).

    On Spectral Clustering: Analysis and an Algorithm, NIPS 14; the graph is that of von Luxburg, 2007,
    arXiv:0711.0189, section 2.2.
    """

    name = "spectral"
    family = Family.UNSUPERVISED
    requires = Requirements(transductive=True, min_labels_per_class=0)

    affinity: Literal["nearest-neighbours", "rbf"] = "nearest-neighbours"  # rbf takes memory by N squared
    neighbours: Annotated[int, Ge(1)] = 10  # that an example is tied to, itself among them
    scale: Literal["none", "normalise"] = "none"  # whether features are brought to length 1 first

    def fit(self, task, bench):
        """Return a head that clusters the batch it gets."""
        seed = drawn_seed(bench.generator("spectral"))
        group = partial(self._group, clusters=len(task.classes), seed=seed)
        return bench.classifier(ClustersOfBatch(group, len(task.classes)))

    def _group(self, features, clusters, seed):
        from sklearn.cluster import SpectralClustering

        points = scaled(features, self.scale)
        options = {"affinity": "nearest_neighbors", "n_neighbors": min(self.neighbours, len(points))}
        if self.affinity == "rbf":
            options = {"affinity": "rbf", "gamma": 1 / median_squared_distance(points)}
        with warnings.catch_warnings():
            # A graph in several parts is nothing to mend: its parts are clusters.
            warnings.filterwarnings("ignore", "Graph is not fully connected")
            return SpectralClustering(clusters, random_state=seed, **options).fit_predict(points)


def median_squared_distance(points: np.ndarray) -> float:
    """Return the median over pairs of points (N, d), N > 1; 1 where most of them are equal."""
    from scipy.spatial.distance import pdist

    return float(np.median(pdist(points, "sqeuclidean"))) or 1.0
