"""The rules of a small run: each kind of plugin is run beside the kit's own, and the tables are read."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tlbench import Backbone, Dataset, Family, Labelled, Metric, Reporter, Requirements, Strategy
from tlbench.testing import (
    BACKBONE_CHECKS,
    DATASET_CHECKS,
    METRIC_CHECKS,
    REPORTER_CHECKS,
    STRATEGY_CHECKS,
    BackboneSubject,
    ConformanceError,
    DatasetSubject,
    ReporterSubject,
    Toy,
)


def broken(checks, *subject):
    """Return what the rules of a small run say, by their names."""
    found = {}
    for check in checks:
        if check.in_a_run:
            try:
                check.run(*subject)
            except ConformanceError as error:
                found[check.name] = str(error)
    return found


ROWS, SANE, RESUMED = (check.name for check in STRATEGY_CHECKS if check.in_a_run)


@dataclass(frozen=True)
class Honest(Strategy):
    """Train a head on the frozen backbone."""

    name = "honest"
    family = Family.EXTRACT

    def fit(self, task, bench):
        head = bench.head()
        features = Labelled(bench.features(task.train.inputs), task.train.labels)
        bench.train(head, bench.cross_entropy(), features, recipe=bench.recipe.but(lr=0.1))
        return bench.classifier(head)


@dataclass(frozen=True)
class Clustering(Honest):
    """Give clusters."""

    name = "clustering"
    family = Family.UNSUPERVISED
    requires = Requirements(unlabelled_target=True, min_labels_per_class=0)

    def fit(self, task, bench):
        features = bench.features(task.unlabelled)
        chosen = [0]
        for _ in range(1, len(task.classes)):  # the furthest from those chosen
            chosen.append(int(torch.cdist(features, features[chosen]).amin(1).argmax()))
        head = nn.Linear(bench.feature_dim, len(task.classes))
        with torch.no_grad():
            head.weight.copy_(2 * features[chosen])
            head.bias.copy_(-features[chosen].square().sum(1))
        return bench.classifier(head)


@dataclass(frozen=True)
class OddBatches(Honest):
    """Stop where a batch is not full."""

    name = "odd-batches"

    def fit(self, task, bench):
        if bench.recipe.batch_size % 2:
            raise RuntimeError("a batch of 1 has no variance")
        return super().fit(task, bench)


@dataclass(frozen=True)
class OnlyLarge(Honest):
    """Learn from large batches alone."""

    name = "only-large"

    def fit(self, task, bench):
        return bench.classifier(bench.head()) if bench.recipe.batch_size < 8 else super().fit(task, bench)


@dataclass(frozen=True)
class NoRandomStart(Honest):
    """Fail where the backbone has no weights, without saying so in `requires`."""

    name = "no-random-start"

    def fit(self, task, bench):
        if bench._setting.weights is None:
            raise KeyError("first.0.weight")
        return super().fit(task, bench)


COUNTED = []


@dataclass(frozen=True)
class Counting(Honest):
    """Scale logits by the number of fits so far."""

    name = "counting"

    def fit(self, task, bench):
        COUNTED.append(1)
        model = super().fit(task, bench)
        with torch.no_grad():
            model.head.weight.mul_(1 + len(COUNTED))
        return model


@pytest.mark.parametrize("strategy", [Honest(), Clustering()], ids=lambda each: each.name)
def test_an_honest_strategy_keeps_all_rules(strategy):
    assert broken(STRATEGY_CHECKS, strategy, Toy()) == {}


def test_a_strategy_that_fails_at_one_batch_size_is_told_of_it_with_the_failure():
    said = broken(STRATEGY_CHECKS, OddBatches(), Toy())[ROWS]
    assert "batches of 5, odd-batches on toy" in said
    assert "RuntimeError: a batch of 1 has no variance" in said


def test_a_strategy_that_fails_without_weights_is_told_of_it():
    assert "failed: KeyError" in broken(STRATEGY_CHECKS, NoRandomStart(), Toy())[ROWS]


def test_a_strategy_that_learns_at_one_batch_size_alone_is_told_of_the_other():
    found = broken(STRATEGY_CHECKS, OnlyLarge(), Toy())
    assert list(found) == [SANE]
    assert "batches of 5, only-large scores 0." in found[SANE]
    assert "would be clearly better than a guess" in found[SANE]


def test_a_strategy_that_goes_on_otherwise_is_found():
    found = broken(STRATEGY_CHECKS, Counting(), Toy())
    assert list(found) == [RESUMED]
    assert "counting on toy" in found[RESUMED]


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))

    def forward(self, inputs):
        return self.layers(inputs.float() / 255 - 0.5)


@dataclass(frozen=True)
class Plain(Backbone):
    """Pixels through one layer; nobody wrote a label."""

    name = "plain"
    feature_dim = 8

    weights: Path | None = None

    def encode(self, raw):
        rows = [np.resize(np.asarray(image, dtype=np.uint8).reshape(-1), 64).reshape(1, 8, 8) for image in raw]
        return torch.from_numpy(np.stack(rows))

    def build(self, weights):
        network = Network()
        if weights is not None:
            network.load_state_dict(dict(weights))
        return network


class Collapsed(Plain):
    """Features that are the same for everything."""

    name = "collapsed"

    def build(self, weights):
        network = super().build(weights)
        nn.init.zeros_(network.layers[1].weight)
        return network


def test_a_backbone_without_a_label_of_its_own_has_a_row_with_weights_and_one_without():
    assert broken(BACKBONE_CHECKS, BackboneSubject(Plain())) == {}


def test_features_that_do_not_tell_images_apart_are_found():
    [said] = broken(BACKBONE_CHECKS, BackboneSubject(Collapsed())).values()
    assert "kit-nearest scores 0.5" in said


class Numbers(Dataset):
    """Small images of two classes."""

    name = "numbers"
    classes = ("dark", "light")

    def load(self, domain, split):
        labels = np.arange(12) % 2
        images = np.random.default_rng(split == "train").integers(0, 100, (12, 9, 9)) + 100 * labels[:, None, None]
        return Labelled(images.astype(np.uint8), labels)


class Deep(Numbers):
    """The same with 16 bits, and colours."""

    name = "deep"

    def load(self, domain, split):
        found = super().load(domain, split)
        return Labelled(np.repeat(found.inputs[..., None], 3, axis=3).astype(np.uint16) * 257, found.labels)


class Fickle(Numbers):
    """Has a fingerprint that nobody meets twice."""

    name = "fickle"

    def fingerprint(self):
        COUNTED.append(1)
        return f"{len(COUNTED):064}"


@pytest.mark.parametrize("dataset", [Numbers(), Deep()], ids=lambda each: each.name)
def test_an_honest_dataset_keeps_all_rules(dataset):
    assert broken(DATASET_CHECKS, DatasetSubject(dataset)) == {}


def test_a_dataset_that_is_another_each_time_does_not_resume():
    [said] = broken(DATASET_CHECKS, DatasetSubject(Fickle())).values()
    assert "ends otherwise" in said or "rows" in said


def accuracy(logits, labels):
    return float((logits.argmax(1) == labels).mean())


def counting(logits, labels):
    COUNTED.append(1)
    return accuracy(logits, labels) + len(COUNTED)


def test_a_metric_has_a_column_and_repeats():
    honest = Metric("hits", accuracy, description="right answers")
    assert broken(METRIC_CHECKS, honest) == {}
    assert broken(METRIC_CHECKS, replace(honest, name="groups", of="clusters")) == {}
    [said] = broken(METRIC_CHECKS, replace(honest, compute=counting)).values()
    assert "the same predictions now score" in said


def test_a_reporter_meets_results_of_a_real_run():
    def write(results, folder):
        (folder / "mine.txt").write_text(f"{len(results.records)} records\n")
        return [folder / "mine.txt"]

    def fails(results, folder):
        return [results.records[0].provenance["nobody"]]

    assert broken(REPORTER_CHECKS, ReporterSubject(Reporter("mine", write))) == {}
    [said] = broken(REPORTER_CHECKS, ReporterSubject(Reporter("fails", fails))).values()
    assert "KeyError" in said
