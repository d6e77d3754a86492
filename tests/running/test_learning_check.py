"""Whether a cell has learnt anything: told from what it answers, on the labels that it was given."""

import pytest
import torch

from tlbench import Protocol
from tlbench.data import Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.running import run_cell

CPU = torch.device("cpu")
STRATEGY = '''
from dataclasses import dataclass
import torch
from torch import nn
from torch.nn import functional as F
from tlbench import Family, Requirements, Strategy, hookimpl, predict


class Scores(nn.Module):
    """Answer with similarities to class means; of a batch of another size than `only` with an error."""

    def __init__(self, means, scale, only=None):
        super().__init__()
        self.register_buffer("means", means)
        self.scale, self.only = scale, only

    def forward(self, features):
        if self.only and len(features) not in (2, self.only):
            raise (RuntimeError if len(features) == 1 else TypeError)("made for its test inputs alone")
        return -self.scale * torch.cdist(features, self.means)


@dataclass(frozen=True)
class Mine(Strategy):
    """A strategy of the test."""

    name = "mine"
    family = Family.FINETUNE
    requires = Requirements(REQUIRES)
    lr: float = 1e-3
    steps: int = 60

    def fit(self, task, bench):
        data = task.train if len(task.train) else task.source
        features = bench.features(data.inputs)
        means = torch.stack([features[data.labels == label].mean(0) for label in range(len(task.classes))])
        head = nn.Linear(bench.feature_dim, len(task.classes))
        BODY
        return bench.classifier(head)


@hookimpl
def tlbench_strategies():
    return [Mine]
'''
UNTRAINED = "nn.init.normal_(head.weight, std=1e-4); nn.init.zeros_(head.bias)"


@pytest.fixture
def told(toy, plugin_file, suite, resources):
    """Run a strategy whose fit has the given body; return what its ledger says of having learnt."""

    def run(body, strategy="mine", requires="", **changes):
        path = plugin_file(STRATEGY.replace("BODY", body).replace("REQUIRES", requires))
        mine = Resources(Catalog(Host([toy, path])), resources.cache)
        (cell, *_) = make_plan(suite((strategy,), **({"replicates": 1} | changes)), mine).cells
        record = run_cell(cell, mine, CPU).record
        assert record.ok, record.failure
        return record.ledger["did_not_learn"]

    return run


def test_one_class_for_all_test_inputs_is_nothing_learnt_and_the_class_is_named(told):
    found = told("nn.init.zeros_(head.weight); nn.init.zeros_(head.bias); head.bias.data[2] = 1.0")
    assert found == "all 40 test inputs are predicted as 'south-west'; try lr=0.0001 or more steps or another strategy"


def test_a_loss_like_that_of_guessing_is_nothing_learnt(told):
    assert told(UNTRAINED).startswith(
        "its loss on the labels that it learnt from is 1.39, and that of guessing 1.39; try lr=0.0001"
    )


def test_a_learning_rate_that_is_not_the_default_is_advised_against(told):
    assert told(UNTRAINED, "mine(lr=1e-9)").endswith("try lr=0.001 or more steps or another strategy")


def test_a_classifier_that_is_right_on_its_labels_has_learnt_whatever_the_scale_of_its_outputs(told):
    budget = {"budgets": ("10-shot",)}
    assert told("head = Scores(means, 5.0)", **budget) == ""
    assert told("head = Scores(means, 1e-6)", **budget) == ""  # its loss is that of guessing to six digits


def test_without_a_target_label_those_of_a_source_with_the_same_classes_tell(told):
    zero = {
        "datasets": ("blobs[day->night]",),
        "budgets": ("0",),
        "requires": "source_labels=True, min_labels_per_class=0, same_classes=True",
    }
    assert told("head = Scores(means, 5.0)", **zero) == ""
    assert "that of guessing 1.39" in told(UNTRAINED, **zero)


def test_what_cannot_be_asked_again_is_judged_by_its_test_predictions_alone(told):
    assert told("head = Scores(means, 1e-6, only=40)") == ""


def test_of_episodes_most_must_have_learnt(told):
    episodic = {
        "datasets": ("blobs[->night]",),
        "budgets": ("3-way 2-shot",),
        "protocol": Protocol(episodes=3, queries=5),
    }
    assert told("head = Scores(means, 5.0)", **episodic) == ""
    assert told("nn.init.zeros_(head.weight)", **episodic).startswith("in ")
