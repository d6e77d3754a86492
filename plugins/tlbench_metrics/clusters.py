"""Measure how well clusters, whose numbers mean nothing, agree with the classes."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from tlbench import Metric

Clusters = NDArray[np.float32]  # (N, K), the highest entry marks the cluster
Labels = NDArray[np.int64]  # (N,)


def clustering_accuracy(clusters: Clusters, labels: Labels) -> float:
    """Return the accuracy under the best matching of clusters with classes, one to one (Yang et al., 2010)."""
    found = clusters.argmax(axis=1)
    together = np.zeros((clusters.shape[1], max(clusters.shape[1], int(labels.max()) + 1)), dtype=np.int64)
    np.add.at(together, (found, labels), 1)
    matched = linear_sum_assignment(together, maximize=True)
    return float(together[matched].sum() / len(labels))


def nmi(clusters: Clusters, labels: Labels) -> float:
    """Return the mutual information of clusters and classes over the mean of their entropies."""
    return float(normalized_mutual_info_score(labels, clusters.argmax(axis=1)))


def ari(clusters: Clusters, labels: Labels) -> float:
    """Return how much oftener than by chance pairs are together, or apart, in clusters as in classes."""
    return float(adjusted_rand_score(labels, clusters.argmax(axis=1)))


CLUSTERING_ACCURACY = Metric(
    "clustering-accuracy",
    clustering_accuracy,
    description="share of test examples whose cluster is matched with their class, by the best one-to-one matching",
    citation="Yang et al., Image Clustering Using Local Discriminant Models and Global Integration, IEEE TIP 2010; "
    "Xie et al., Unsupervised Deep Embedding for Clustering Analysis, ICML 2016, arXiv:1511.06335",
    of="clusters",
)
NMI = Metric(
    "nmi",
    nmi,
    description="mutual information of clusters and classes over the mean of their entropies",
    citation="Strehl & Ghosh, Cluster Ensembles, JMLR 2002; Vinh et al., Information Theoretic Measures for "
    "Clusterings Comparison, JMLR 2010",
    of="clusters",
)
ARI = Metric(
    "ari",
    ari,
    description="agreement of clusters and classes over pairs of test examples, less what chance gives",
    citation="Hubert & Arabie, Comparing Partitions, Journal of Classification 1985",
    of="clusters",
)
