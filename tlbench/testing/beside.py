"""Hold what a plugin is run beside: strategies, backbones and data of the kit's own, and a catalog that offers both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract import Backbone, Column, Dataset, Family, Labelled, Metric, Requirements, Strategy
from tlbench.host import Catalog, Host, Origin
from tlbench.learning import cross_entropy
from tlbench.testing.toy import ToyBackbone, ToyDataset

ORIGIN = Origin("conformance kit", "file", "-", "tlbench.testing")
MOST = 40  # examples of a split of a dataset under examination


@cache
def installed_host() -> Host:
    """Return a host of all that is installed."""
    return Host()


class Beside(Catalog):
    """Offer things under texts of the kit's own, and all else as it is installed."""

    def __init__(self, host: Host, things: Mapping[str, Any], metrics: Sequence[Metric] = ()) -> None:
        super().__init__(host)
        self.things, self.own_metrics = things, metrics

    def strategy(self, text: str) -> tuple[Strategy, Origin]:
        """Return a strategy by its variant."""
        return self._own(Strategy, text) or super().strategy(text)

    def backbone(self, text: str) -> tuple[Backbone, Origin]:
        """Return a backbone."""
        return self._own(Backbone, text) or super().backbone(text)

    def dataset(self, text: str) -> tuple[Dataset, Origin]:
        """Return a dataset."""
        return self._own(Dataset, text) or super().dataset(text)

    def metric_list(self) -> list[Metric]:
        """Return all metrics, those under examination among them."""
        names = {metric.name for metric in self.own_metrics}
        return [*(metric for metric in super().metric_list() if metric.name not in names), *self.own_metrics]

    def _own(self, kind: type, text: str) -> tuple[Any, Origin] | None:
        thing = self.things.get(text)
        return (thing, ORIGIN) if isinstance(thing, kind) else None


@dataclass(frozen=True)
class Nearest(Strategy):
    """Classify by the nearest example, in the features of the frozen backbone; clusters are so many first inputs."""

    name = "kit-nearest"
    family = Family.EXTRACT

    of: Literal["labels", "source", "clusters"] = "labels"

    def needs(self) -> Requirements:
        """Return what it learns from."""
        return {
            "labels": Requirements(),
            "source": Requirements(source_labels=True, same_classes=True, min_labels_per_class=0),
            "clusters": Requirements(unlabelled_target=True, min_labels_per_class=0),
        }[self.of]

    def fit(self, task: Any, bench: Any) -> nn.Module:
        """Return the classifier."""
        count = len(task.classes)
        if self.of == "clusters":
            known = Labelled(task.unlabelled[:count], torch.arange(count))
        else:
            known = task.train if self.of == "labels" else Labelled(task.source.inputs, task.source.labels)
        classifier: nn.Module = bench.classifier(NearestHead(bench.features(known.inputs), known.labels, count))
        return classifier


class NearestHead(nn.Module):
    """Give each class the negative distance to its nearest example: features (N, d) to logits (N, classes)."""

    def __init__(self, features: Tensor, labels: Tensor, classes: int) -> None:
        super().__init__()
        self.register_buffer("known", features.clone())
        self.register_buffer("labels", labels.clone())
        self.classes = classes

    def forward(self, features: Tensor) -> Tensor:
        """Return logits."""
        distances = torch.cdist(features, self.get_buffer("known"), compute_mode="donot_use_mm_for_euclid_dist")
        own = [-distances[:, self.get_buffer("labels") == label].amin(dim=1) for label in range(self.classes)]
        return torch.stack(own, dim=1)


@dataclass(frozen=True)
class Trained(Strategy):
    """Train the whole network with a head, in few steps."""

    name = "kit-trained"
    family = Family.FINETUNE

    def fit(self, task: Any, bench: Any) -> nn.Module:
        """Return the classifier."""
        model = bench.classifier(bench.head(), bench.backbone())
        trained: nn.Module = bench.train(model, cross_entropy(), task.train)
        return trained


@dataclass(frozen=True)
class FiledBackbone(ToyBackbone):
    """Build the toy's network, with weights where a file of them is given."""

    weights: Path | None = None  # type: ignore[assignment]  # the toy's own never change

    @property
    def pretrained_on(self) -> str | None:  # type: ignore[override]
        """Name what the weights were made of."""
        return "toy images" if self.weights else None


@dataclass(frozen=True)
class ReadAnything(Backbone):
    """Encode images of every size, or texts, as 64 numbers, and pass them through one layer."""

    name: str = "kit-reader"
    modality: str = "image"

    feature_dim = 16

    def encode(self, raw: Sequence[Any]) -> Tensor:
        """Return uint8 (N, 1, 8, 8)."""
        made = [_letters(each) if self.modality == "text" else _pixels(each) for each in raw]
        return torch.from_numpy(np.stack(made)[:, None])

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        """Return the network."""
        return nn.Sequential(_Scaled(), nn.Linear(64, 16))


class _Scaled(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.float().flatten(1) / 255 - 0.5


def _pixels(example: Any) -> np.ndarray:
    image = np.asarray(example)
    scale = 257 if image.dtype == np.uint16 else 1
    grey = image.astype(np.float64).reshape(*image.shape[:2], -1).mean(axis=2) / scale
    rows, columns = (np.linspace(0, size - 1, 8).round().astype(int) for size in grey.shape)
    found: np.ndarray = grey[np.ix_(rows, columns)].clip(0, 255).astype(np.uint8)
    return found


def _letters(text: str) -> np.ndarray:
    counts = np.bincount(np.frombuffer(text.encode(), np.uint8) % 64, minlength=64)
    return np.minimum(16 * counts, 255).astype(np.uint8).reshape(8, 8)


@dataclass(frozen=True)
class ToyData(ToyDataset):
    """Hold the toy's two domains, with a further label of each example."""

    def columns(self, domain: str, split: str) -> Mapping[str, Column]:
        """Return whether the class's number is odd."""
        return {"parity": Column(("even", "odd"), self.load(domain, split).labels % 2)}


@dataclass(frozen=True, eq=False)
class Few(Dataset):
    """Hold a few raw examples, each of them in both splits, in two classes by turns."""

    name = "kit-few"
    classes = ("even", "odd")

    examples: Any = field(default=(), repr=False)
    modality: str = "image"  # type: ignore[misc]

    def load(self, domain: str, split: str) -> Labelled:
        """Return the examples, twice."""
        return Labelled(list(self.examples) * 2, np.tile(np.arange(len(self.examples)) % 2, 2))

    def fingerprint(self) -> str:
        """Return a name for them."""
        return "few"


class PartOf(Dataset):
    """Show the first few examples of each class of a dataset, under its own name."""

    def __init__(self, whole: Dataset) -> None:
        self.whole = whole
        self.classes, self.domains, self.folder = tuple(whole.classes), tuple(whole.domains), whole.folder
        for name in ("name", "version", "modality", "class_order"):
            setattr(self, name, getattr(whole, name))

    def load(self, domain: str, split: str) -> Labelled:
        """Return a part of what the dataset gives."""
        found = self.whole.load(domain, split)
        labels = np.asarray(found.labels)
        each = max(1, MOST // len(self.classes))
        rows = np.sort(np.concatenate([np.flatnonzero(labels == label)[:each] for label in range(len(self.classes))]))
        return Labelled([found.inputs[int(row)] for row in rows], labels[rows])

    def fingerprint(self) -> str:
        """Return that of the whole."""
        return self.whole.fingerprint()

    @property
    def label(self) -> str:
        """Return the dataset's own label."""
        return self.whole.label

    @property
    def identity(self) -> Mapping[str, Any]:
        """Return the dataset's own identity."""
        return self.whole.identity
