"""Make a toy problem: tiny images in two domains and a tiny network with weights, in milliseconds and offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Backbone, Budget, Dataset, FurtherLabels, Labelled, Requirements, Source, Task
from tlbench.host import Host
from tlbench.learning import generator, seeded
from tlbench.seeds import derive

POOL = 20  # examples per class of a domain's training split
QUERIES = 15  # test examples per class
OTHER_CLASSES = 5  # classes of a source that does not share the target's


class Network(nn.Module):
    """Compute features (N, 8) of images (N, channels, 8, 8), uint8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Linear(128, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return features."""
        maps = self.second(self.first(inputs.float() / 255 - 0.5))
        features: Tensor = self.last(maps.flatten(1))
        return features


@dataclass(frozen=True)
class ToyBackbone(Backbone):
    """Build a network of two convolutions with batch norms, and a linear layer."""

    name: str = "toy"
    channels: int = 1

    feature_dim = 8
    pretrained_on = "toy images"
    weights = Path("toy.safetensors")  # never read: it says that there are weights, which `Toy.weights` holds

    def encode(self, raw: Sequence[Any]) -> Tensor:
        """Return uint8 (N, channels, 8, 8)."""
        return torch.stack([torch.from_numpy(np.array(image)).expand(self.channels, 8, 8) for image in raw])

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        """Return the network."""
        network = Network(self.channels)
        if weights is not None:
            network.load_state_dict(dict(weights))
        return network


@dataclass(frozen=True)
class ToyDataset(Dataset):
    """Describe the toy's target domain, for what asks for a dataset; a strategy never loads it."""

    name = "toy"
    domains = ("source", "target")

    size: int = 4  # number of classes

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the names of the classes."""
        return tuple(f"class {number}" for number in range(self.size))

    def load(self, domain: str, split: str) -> Labelled:
        """Return images (N, 8, 8) and labels (N,)."""
        data = Toy(self.size).examples(domain, split)
        return Labelled(data.inputs[:, 0].numpy(), data.labels.numpy())


@dataclass(frozen=True)
class Toy:
    """Make an easy problem. A class is a pattern of 4 x 4 grey fields, the target paler than the source."""

    classes: int = 4
    channels: int = 1
    host: Host | None = field(default=None, compare=False, repr=False)  # with plugins that a run may need, if not ours

    @property
    def backbone(self) -> Backbone:
        """Return the backbone, without its weights."""
        return ToyBackbone(channels=self.channels)

    @property
    def dataset(self) -> Dataset:
        """Return the dataset that `unsuitable` is asked about."""
        return ToyDataset(self.classes)

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Return the pretrained weights."""
        return pretrained(self.channels).weights

    def examples(self, domain: str, split: str) -> Labelled:
        """Return all examples of a split of the `source`, the `target`, or an `other` source of classes of its own."""
        classes = OTHER_CLASSES if domain == "other" else self.classes
        return _drawn(domain, split, classes, POOL if split == "train" else QUERIES, self.channels)

    def source(self, needs: Requirements) -> Source:
        """Return the labelled source side: with the target's classes where a strategy requires them, else others."""
        if needs.same_classes:
            return Source(self.examples("source", "train"), self.dataset.classes)
        return Source(self.examples("other", "train"), tuple(f"other {number}" for number in range(OTHER_CLASSES)))

    def task(self, needs: Requirements, budget: Budget, validation: bool) -> Task:
        """Return a task of tensors of its own that holds what is required and nothing else.

        `budget` is 0 or so many shots. With `validation` a quarter of the labels is kept for it, as a protocol does.
        """
        pool = self.examples("target", "train")
        each = POOL if needs.upper_bound else int(budget.amount)
        kept = each // 4 if validation or needs.validation else 0
        source = self.source(needs) if needs.source_labels else None
        return Task(
            classes=self.dataset.classes,
            train=_rows(pool, slice(0, (each - kept) * self.classes)),
            val=_rows(pool, slice((each - kept) * self.classes, each * self.classes)) if kept else None,
            unlabelled=pool.inputs.clone() if needs.unlabelled_target else None,
            source=source.train if source else None,
            source_classes=source.classes if source else None,
            queries=self.examples("target", "test").inputs if needs.transductive else None,
            further=self.further(pool.labels[: (each - kept) * self.classes]) if needs.further_labels else None,
        )

    def further(self, labels: Tensor) -> tuple[FurtherLabels, ...]:
        """Return another label of examples with these labels: whether the class's number is odd."""
        return (FurtherLabels("parity", ("even", "odd"), labels % 2),)

    def member_logits(self, data: Labelled, members: int) -> Tensor:
        """Return what members of an ensemble would say of examples, float32 (N, members, classes): often right."""
        draw = generator(derive(0, "toy members", members=members))
        right = nn.functional.one_hot(data.labels, self.classes).float()
        return 2 * right[:, None] + torch.randn(len(data), members, self.classes, generator=draw)

    def with_classes(self, classes: int, channels: int = 1) -> "Toy":
        """Return a toy with another number of classes, 7 at most, and of channels."""
        return replace(self, classes=classes, channels=channels)


@dataclass(frozen=True, eq=False)
class Pretrained:
    """Hold weights, and the network's features of some images before anything was fitted."""

    weights: Mapping[str, Tensor]
    images: Tensor
    features: Tensor


@cache
def pretrained(channels: int) -> Pretrained:
    """Return a fixed start with the batch-norm statistics of images of neither domain."""
    images = _drawn("upstream", "train", 12, POOL, channels).inputs
    with seeded(20), torch.no_grad():
        network = Network(channels)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.weight, 0.8, 1.2)
                nn.init.uniform_(part.bias, -0.1, 0.3)
                part.momentum = None  # the mean over all batches
        network.train()(images)
        spread, mean = torch.std_mean(network.eval()(images), dim=0)
        network.last.weight /= spread[:, None]  # features of mean 0 and variance 1
        network.last.bias.sub_(mean).div_(spread)
        return Pretrained(network.state_dict(), images, network(images))


def _drawn(domain: str, split: str, classes: int, each: int, channels: int) -> Labelled:
    """Return `each` examples of each class, uint8 (N, channels, 8, 8), in the order 0, 1, ... 0, 1, ..."""
    first = {"source": 0, "target": 0, "other": 7, "upstream": 12}[domain]  # classes of one number look alike
    patterns = torch.stack([_pattern(first + number) for number in range(classes)])
    labels = torch.arange(classes).repeat(each)
    contrast, brightness, noise = (100, 85, 8) if domain == "target" else (140, 60, 6)
    draw = generator(derive(0, "toy", domain=domain, split=split, channels=channels))
    grey = brightness + contrast * patterns[labels, None].expand(-1, channels, -1, -1)
    images = grey + noise * torch.randn(grey.shape, generator=draw)
    return Labelled(images.clamp(0, 255).byte(), labels)


def _pattern(number: int) -> Tensor:
    """Return a class's pattern, 0 and 1, (8, 8): eight fields of sixteen, drawn for its number."""
    fields = torch.randperm(16, generator=generator(100 + number)) < 8
    return fields.reshape(4, 4).float().repeat_interleave(2, 0).repeat_interleave(2, 1)


def _rows(data: Labelled, rows: slice) -> Labelled:
    return Labelled(data.inputs[rows].clone(), data.labels[rows].clone())
