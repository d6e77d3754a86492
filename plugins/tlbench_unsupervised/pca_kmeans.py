"""Cluster principal components of features by k-means."""

import warnings
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge
from torch import nn

from tlbench import Family, Requirements
from tlbench_unsupervised.clustering import Clustering, drawn_seed, one_hot, scaled


@dataclass(frozen=True)
class PcaKMeans(Clustering):
    """Find k-means clusters among the principal components of features (Ding & He, 2004, doi:10.1145/1015330.1015408).

    Fitted on unlabelled training inputs; a test input belongs to the nearest centre. Starts are those of k-means++
    (Arthur & Vassilvitskii, 2007).
    """

    name = "pca-kmeans"
    family = Family.UNSUPERVISED
    requires = Requirements(unlabelled_target=True, min_labels_per_class=0)

    components: Annotated[int, Ge(1)] = 32  # principal components; as many as there are where that is fewer
    scale: Literal["none", "normalise"] = "none"  # whether features are brought to length 1 first
    whiten: bool = False  # whether all components get the same variance
    starts: Annotated[int, Ge(1)] = 10  # runs of k-means; the tightest counts

    def fit(self, task, bench):
        """Return the centres as a head on the frozen backbone."""
        features = scaled(bench.features(task.unlabelled).cpu().double().numpy(), self.scale)
        mean, projection = principal_components(features, self.components, self.whiten)
        seed = drawn_seed(bench.generator("k-means"))
        centres = k_means((features - mean) @ projection, len(task.classes), self.starts, seed)
        head = NearestCentre(mean, projection, centres, len(task.classes), self.scale)
        return bench.classifier(head)


def principal_components(features: np.ndarray, count: int, whiten: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (D,) of features (N, D) and the projection (D, k) on the components of most variance."""
    from sklearn.decomposition import PCA

    if (features == features[0]).all():  # equal examples have no variance to rank directions by
        return features[0], np.eye(features.shape[1])[:, :count]
    found = PCA(min(count, *features.shape), svd_solver="full").fit(features)
    spread = np.sqrt(found.explained_variance_)
    # A direction without variance has nothing to tell; dividing by its spread would make it loud.
    factors = np.where(spread > 1e-6 * spread.max(initial=1e-12), 1 / np.maximum(spread, 1e-12), 0)
    return found.mean_, found.components_.T * (factors if whiten else 1.0)


def k_means(points: np.ndarray, clusters: int, starts: int, seed: int) -> np.ndarray:
    """Return centres, (k, d), of points (N, d); fewer than `clusters` where there are fewer points."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # among equal points some clusters stay empty
        return KMeans(min(clusters, len(points)), n_init=starts, random_state=seed).fit(points).cluster_centers_


class NearestCentre(nn.Module):
    """Return the one-hot number of the nearest centre, (N, clusters), of features (N, D)."""

    def __init__(
        self, mean: np.ndarray, projection: np.ndarray, centres: np.ndarray, clusters: int, scale: str
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean).float())
        self.register_buffer("projection", torch.from_numpy(projection).float())
        self.register_buffer("centres", torch.from_numpy(centres).float())
        self.clusters, self.scale = clusters, scale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the clusters, float32; their numbers mean nothing."""
        if self.scale == "normalise":
            features = nn.functional.normalize(features, dim=1)
        points = (features - self.mean) @ self.projection
        distances = torch.cdist(points, self.centres, compute_mode="donot_use_mm_for_euclid_dist")
        return one_hot(distances.argmin(dim=1), self.clusters)
