"""Cluster features by agglomeration."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from tlbench import Family, Requirements
from tlbench_unsupervised.clustering import Clustering, ClustersOfBatch, scaled


@dataclass(frozen=True)
class Agglomerative(Clustering):
    """Join the two nearest clusters of test examples until one per class is left (Ward, 1963).

    Hierarchical Grouping to Optimize an Objective Function, doi:10.1080/01621459.1963.10500845. Time and memory
    grow with the square of the number of test examples.
    """

    name = "agglomerative"
    family = Family.UNSUPERVISED
    requires = Requirements(transductive=True, min_labels_per_class=0)

    linkage: Literal["ward", "average", "complete", "single"] = "ward"  # what makes two clusters near
    scale: Literal["none", "normalise"] = "none"  # whether features are brought to length 1 first

    def fit(self, task, bench):
        """Return a head that clusters the batch it gets."""
        return bench.classifier(ClustersOfBatch(partial(self._group, clusters=len(task.classes)), len(task.classes)))

    def _group(self, features, clusters):
        from sklearn.cluster import AgglomerativeClustering

        return AgglomerativeClustering(clusters, linkage=self.linkage).fit_predict(scaled(features, self.scale))
