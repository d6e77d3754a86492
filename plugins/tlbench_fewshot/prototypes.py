"""Classify by class means, as prototypical networks do."""

from dataclasses import dataclass

from torch.nn import functional as F

from tlbench import Family
from tlbench_fewshot.heads import NearestMean, class_means, squared_distances
from tlbench_fewshot.meta_training import OptionalMetaTraining, episode_features


@dataclass(frozen=True)
class Prototypes(OptionalMetaTraining):
    """Classify by the nearest class mean in feature space (Snell et al., 2017, arXiv:1703.05175).

    With `meta_train` the backbone first learns on episodes of the source, whose classes need not be the target's.
    """

    name = "prototypes"
    family = Family.FEWSHOT

    def episode_loss(self, learner, episode):
        """Return the cross-entropy of the queries under the means of the support (equation 2)."""
        support, queries = episode_features(learner, episode)
        means = class_means(support, episode.support.labels)
        return F.cross_entropy(-squared_distances(queries, means), episode.query.labels)

    def fit(self, task, bench):
        """Return the class means as a head on the frozen backbone, or on the meta-trained one."""
        features, backbone = self.support(task, bench)
        return bench.classifier(NearestMean(class_means(features, task.train.labels)), backbone)
