"""Meta-train networks on episodes of a source: what the methods share that do so."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt
from torch import nn

from tlbench import DataError, Episode, Episodes, Requirements, Strategy, predict


@dataclass(frozen=True)
class MetaTraining(Strategy):
    """Learn a network on episodes of the source, whose classes need not be the target's."""

    n_way: Annotated[int, Ge(2)] = 20  # classes of a training episode; all where the source has fewer
    k_shot: Annotated[int, Ge(1)] = 1  # support examples per class of a training episode
    n_query: Annotated[int, Ge(1)] = 5  # query examples per class of a training episode
    episodes: Annotated[int, Gt(0)] | None = None  # training episodes; as many as the recipe has steps unless given
    lr: Annotated[float, Gt(0)] = 1e-3  # peak learning rate of meta-training

    @abstractmethod
    def episode_loss(self, learner: nn.Module, episode: Episode) -> torch.Tensor:
        """Return the loss, a scalar, of one episode of encoded inputs."""

    def learner(self, bench) -> nn.Module:
        """Return what learns, before it has learnt: the backbone, unless a method adds to it."""
        return bench.backbone()

    def needs(self):
        """Return the requirements: meta-training needs a source."""
        return Requirements(source_labels=True)

    def prepare(self, source, bench):
        """Return the learner, trained on episodes of the source."""
        each = self.k_shot + self.n_query
        ways = int((torch.bincount(source.train.labels) >= each).sum())
        if ways < 2:
            raise DataError(
                f"{self.name} learns on episodes of at least 2 source classes with {each} examples each (k_shot = "
                f"{self.k_shot} and n_query = {self.n_query}); the source has "
                f"{ways}. Lower n_query, or use another source."
            )
        stream = Episodes(source.train, min(self.n_way, ways), self.k_shot, self.n_query)
        recipe = bench.recipe.but(lr=self.lr, steps=self.episodes)
        return bench.train(self.learner(bench), self.episode_loss, stream, recipe=recipe, select_on=None)


@dataclass(frozen=True)
class OptionalMetaTraining(MetaTraining):
    """Learn a network on episodes of the source, or use frozen pretrained features."""

    meta_train: bool = False  # learn the feature space on source episodes first

    def needs(self):
        """Return the requirements: only meta-training needs a source."""
        return Requirements(source_labels=self.meta_train)

    @property
    def prepares(self):
        """Tell whether there is meta-training to do."""
        return self.meta_train

    def support(self, task, bench) -> tuple[torch.Tensor, nn.Module | None]:
        """Return the features of the labelled examples, (N, D), and the meta-trained backbone where there is one."""
        if not self.meta_train:
            return bench.features(task.train.inputs), None
        backbone = bench.prepared()
        return embed(backbone, task.train.inputs, bench), backbone


def embed(backbone: nn.Module, inputs: torch.Tensor, bench) -> torch.Tensor:
    """Return features, float32 (N, D), of a network in evaluation mode, on the bench's device."""
    return predict(backbone, inputs, bench.device).to(bench.device)


def episode_features(backbone: nn.Module, episode: Episode) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the features of an episode's support and query, which go through the network as one batch."""
    features = backbone(torch.cat([episode.support.inputs, episode.query.inputs]))
    return features[: len(episode.support)], features[len(episode.support) :]
