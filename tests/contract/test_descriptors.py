"""What plugins say of themselves has the right type, or one line says which has not, when they are loaded."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tlbench import (
    Backbone,
    Block,
    Dataset,
    Family,
    Metric,
    PluginError,
    Recipe,
    Reporter,
    Requirements,
    Strategy,
    Suite,
)
from tlbench.contract import (
    Card,
    Tracker,
    check_backbone,
    check_computed,
    check_dataset,
    check_dataset_class,
    check_metric,
    check_reporter,
    check_requirements,
    check_strategy_class,
    check_suite,
    check_tracker,
)


def backbone(**said):
    own = {"name": "net", "feature_dim": 4, "encode": lambda self, raw: raw, "build": lambda self, weights: None}
    return type("Net", (Backbone,), own | said)()


def strategy(**said):
    from dataclasses import dataclass

    own = {"name": "mine", "family": Family.EXTRACT, "fit": lambda self, task, bench: None}
    return dataclass(frozen=True)(type("Mine", (Strategy,), own | said))


def dataset(**said):
    own = {"name": "data", "classes": ("a", "b"), "load": lambda self, domain, split: None}
    return type("Data", (Dataset,), own | said)


METRIC = Metric("hits", len, description="right answers")
REPORTER = Reporter("mine", len)
TRACKER = Tracker("mine", len)
SUITE = Suite("mine", (Block(("scratch",), ("net",), ("data",), ("1-shot",)),))

WRONG = [
    (check_backbone, lambda **said: backbone(**said), {"pretrained_on": ("cifar10",)},
     "class Net: pretrained_on must be a str or None, got tuple ('cifar10',): leave the comma out, "
     "pretrained_on = 'cifar10'."),
    (check_backbone, backbone, {"version": 2}, "class Net: version must be a str, got int 2."),
    (check_backbone, backbone, {"feature_dim": 0}, "class Net: feature_dim must be the number of features"),
    (check_backbone, backbone, {"feature_dim": True}, "got bool True."),
    (check_backbone, backbone, {"modality": None}, "class Net: modality must be a str, got None."),
    (check_backbone, backbone, {"weights": [1]}, "class Net: weights must be a pathlib.Path or None, got list [1]."),
    (check_backbone, backbone, {"recipe": 3}, "class Net: recipe must be a pathlib.Path or None"),
    (check_backbone, backbone, {"license": None}, "class Net: license must be a str, got None."),
    (check_backbone, backbone, {"citation": 5}, "class Net: citation must be a str, got int 5."),
    (check_computed, backbone, {"encoding": property(lambda self: 3)}, "class Net: encoding must be a str, got int 3."),
    (check_computed, backbone, {"label": property(lambda self: None)}, "class Net: label must be a str, got None."),
    (check_strategy_class, strategy, {"version": 1.0}, "class Mine: version must be a str, got float 1.0."),
    (check_strategy_class, strategy, {"baseline": "yes"}, "class Mine: baseline must be True or False, got str 'yes'."),
    (check_strategy_class, strategy, {"requires": {"pretrained": True}},
     "class Mine: requires must be a Requirements(...), got dict {'pretrained': True}."),
    (check_strategy_class, strategy, {"requires": Requirements(pretrained="no")},
     "class Mine: requires: pretrained must be True or False, got str 'no'."),
    (check_strategy_class, strategy, {"requires": Requirements(min_labels_per_class=-1)},
     "class Mine: requires: min_labels_per_class must be a number of labels, 0 or more, got int -1."),
    (check_dataset_class, dataset, {"version": 1}, "class Data: version must be a str, got int 1."),
    (check_dataset_class, dataset, {"domains": "day"},
     "class Data: domains must be a tuple of str, got str 'day': write domains = ('day',)."),
    (check_dataset_class, dataset, {"domains": (1, 2)},
     "class Data: domains must be a tuple of str, got tuple (1, 2)."),
    (check_dataset_class, dataset, {"classes": "ab"}, "class Data: classes must be a tuple of str, got str 'ab'"),
    (check_dataset_class, dataset, {"locator": 4}, "class Data: locator must be a str or None, got int 4."),
    (check_dataset_class, dataset, {"card": "mine"}, "class Data: card must be a Card(...), got str 'mine'."),
    (check_metric, lambda **said: replace(METRIC, **said), {"compute": 3},
     "class Metric, 'hits': compute must be a function, got int 3."),
    (check_metric, lambda **said: replace(METRIC, **said), {"higher_is_better": "no"},
     "class Metric, 'hits': higher_is_better must be True or False, got str 'no'."),
    (check_metric, lambda **said: replace(METRIC, **said), {"version": 2},
     "class Metric, 'hits': version must be a str, got int 2."),
    (check_metric, lambda **said: replace(METRIC, **said), {"of": "rows"},
     "class Metric, 'hits': of must be 'labels' or 'clusters', got str 'rows'."),
    (check_reporter, lambda **said: replace(REPORTER, **said), {"write": None},
     "class Reporter, 'mine': write must be a function, got None."),
    (check_reporter, lambda **said: replace(REPORTER, **said), {"description": 1},
     "class Reporter, 'mine': description must be a str, got int 1."),
    (check_tracker, lambda **said: replace(TRACKER, **said), {"description": 1},
     "class Tracker, 'mine': description must be a str, got int 1."),
    (check_suite, lambda **said: replace(SUITE, **said), {"recipe": {"steps": 3}},
     "class Suite, 'mine': recipe must be a Recipe(...), got dict {'steps': 3}."),
    (check_suite, lambda **said: replace(SUITE, **said), {"replicates": 2.5},
     "class Suite, 'mine': replicates must be an int, got float 2.5."),
    (check_suite, lambda **said: replace(SUITE, blocks=(replace(SUITE.blocks[0], **said),)), {"backbones": "net"},
     "class Suite, 'mine', Block: backbones must be a tuple of str, got str 'net'."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "make", "said", "sentence"),
    WRONG,
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_descriptor_of_another_type_is_refused_in_one_line(check, make, said, sentence):
    with pytest.raises(PluginError, match=re.escape(sentence)) as refusal:
        check(make(**said))
    assert "\n" not in str(refusal.value)


def test_what_is_right_is_taken():
    check_backbone(backbone(weights=Path("a.safetensors"), pretrained_on="letters", recipe=None))
    check_strategy_class(strategy(requires=Requirements(pretrained=True, min_labels_per_class=0)))
    check_dataset_class(dataset(domains=["day", "night"], locator=None))
    check_metric(METRIC)
    check_reporter(REPORTER)
    check_tracker(TRACKER)
    check_suite(replace(SUITE, recipe=Recipe(steps=3), selection=("last",)))


def test_all_that_is_wrong_stands_in_one_line():
    with pytest.raises(PluginError, match=r"^class Net: version must be a str, got int 2; license must be a str"):
        check_backbone(backbone(version=2, license=None))


def test_what_a_dataset_says_once_it_is_made_is_checked_too():
    with pytest.raises(PluginError, match="class Data: domains must be a tuple of str, got str 'day'"):
        check_dataset(dataset(domains=property(lambda self: "day"))())
    with pytest.raises(PluginError, match="class Data: card: hazards must be a tuple of str, got str 'cifar10'"):
        check_dataset(dataset(card=property(lambda self: Card(hazards="cifar10")))())


def test_requirements_that_depend_on_parameters_are_checked_too():
    made = strategy(needs=lambda self: None)()
    with pytest.raises(PluginError, match=r"class Mine: needs\(\) must return Requirements\(...\), got None."):
        check_requirements(made, made.needs())


@pytest.mark.parametrize(
    ("cls", "how"),
    [(Backbone, "with encode and build"), (Strategy, "with fit"), (Dataset, "with classes and load")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_base_class_that_is_called_or_returned_says_what_to_write(cls, how):
    with pytest.raises(PluginError, match=rf"{cls.__name__}\(...\) is no .*: subclass it, {how}"):
        cls(name="mine", encode=len)
    check = {Backbone: check_backbone, Strategy: check_strategy_class, Dataset: check_dataset_class}[cls]
    with pytest.raises(PluginError, match=f"the class {cls.__name__} itself was returned: subclass it, {how}"):
        check(cls)
