"""The conformance kit: each rule is broken by a strategy that keeps the others, and the kit says which."""

import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest
import torch
from annotated_types import Gt
from torch import nn

from tlbench import Budget, Family, Requirements, Strategy
from tlbench.testing import STRATEGY_CHECKS, ConformanceError, StrategyConformance, Toy, variants_of

TOY = Toy()
ZERO, SHOTS = Budget.parse("0"), Budget.parse("4-shot")
CLUSTERS = Requirements(unlabelled_target=True, min_labels_per_class=0)
SOURCE = Requirements(source_labels=True)


def broken(strategy):
    """Return what the kit says, by the names of the checks that fail."""
    found = {}
    for check in STRATEGY_CHECKS:
        if check.in_a_run:
            continue  # tests/testing/test_run_checks.py breaks those
        try:
            check.run(strategy, TOY)
        except ConformanceError as error:
            found[check.name] = str(error)
    return found


def nearest_mean(task, bench, features=None):
    """Return a good and honest head: minus the squared distance from each class mean."""
    features = bench.features(task.train.inputs) if features is None else features
    return Distances(torch.stack([features[task.train.labels == label].mean(0) for label in range(len(task.classes))]))


class Distances(nn.Module):
    def __init__(self, means):
        super().__init__()
        self.register_buffer("means", means)

    def forward(self, features):
        return -(features[:, None] - self.means).square().sum(2)


class Then(nn.Module):
    """A head with something done to its logits."""

    def __init__(self, head, change):
        super().__init__()
        self.head, self.change = head, change

    def forward(self, features):
        return self.change(self.head(features))


@dataclass(frozen=True)
class Sound(Strategy):
    """Breaks nothing; those below break one thing each."""

    name = "sound"
    family = Family.EXTRACT

    def fit(self, task, bench):
        return bench.classifier(nearest_mean(task, bench))


@dataclass(frozen=True)
class SoundTraining(Sound):
    family = Family.FINETUNE

    def fit(self, task, bench):
        model = bench.classifier(bench.head(), bench.backbone())
        recipe = bench.recipe.but(lr=0.01)
        return bench.train(model, bench.cross_entropy(recipe), task.train, recipe=recipe, **self.options(model))

    def options(self, model):
        return {}


@dataclass(frozen=True)
class NotDeclared(Sound):
    family = "extraction"


@dataclass(frozen=True)
class Infinite(Sound):
    def fit(self, task, bench):
        def change(logits):
            return torch.where(torch.arange(logits.shape[1]) == 1, -torch.inf, logits)

        return bench.classifier(Then(nearest_mean(task, bench), change))


@dataclass(frozen=True)
class Integers(Sound):
    def fit(self, task, bench):
        def change(logits):
            return nn.functional.one_hot(logits.argmax(1), logits.shape[1])

        return bench.classifier(Then(nearest_mean(task, bench), change))


@dataclass(frozen=True)
class Softmax(Sound):
    def fit(self, task, bench):
        return bench.classifier(Then(nearest_mean(task, bench), lambda logits: logits.softmax(1)))


@dataclass(frozen=True)
class Unseeded(Sound):
    def fit(self, task, bench):
        noise = torch.from_numpy(np.random.default_rng().normal(size=len(task.classes)) / 1000).float()
        return bench.classifier(Then(nearest_mean(task, bench), lambda logits: logits + noise))


@dataclass(frozen=True)
class Counting(Sound):
    """Its class remembers how often it was fitted."""

    fits: ClassVar[list[int]] = []

    def fit(self, task, bench):
        self.fits.append(1)
        shift = 0.001 * len(self.fits)
        return bench.classifier(Then(nearest_mean(task, bench), lambda logits: logits + shift))


@dataclass(frozen=True)
class Overwriting(Sound):
    def fit(self, task, bench):
        head = nearest_mean(task, bench)
        task.train.inputs[0] = 0
        return bench.classifier(head)


@dataclass(frozen=True)
class OverwritingWhenCalled(Sound):
    requires = Requirements(transductive=True)

    def fit(self, task, bench):
        def change(logits):
            task.queries[0] = 7
            return logits

        return bench.classifier(Then(nearest_mean(task, bench), change))


@dataclass(frozen=True)
class Sharing(Sound):
    """Keeps the backbone on the class from one fit to the next."""

    kept: ClassVar[dict] = {}

    def fit(self, task, bench):
        key = task.train.inputs.shape[1]
        if key not in self.kept:
            self.kept[key] = bench.backbone().eval()
        return bench.classifier(nearest_mean(task, bench), self.kept[key])


@dataclass(frozen=True)
class Patching(Sound):
    """Changes the backbone's class, so that all later networks differ."""

    def fit(self, task, bench):
        network, first = type(bench.backbone()), type(bench.backbone()).forward
        if not hasattr(network, "before"):
            network.before = first
            network.forward = lambda self, inputs: 2 * first(self, inputs)
        return bench.classifier(nearest_mean(task, bench))


@dataclass(frozen=True)
class Leaking(Sound):
    """Takes a statistic over the batch."""

    def fit(self, task, bench):
        features = bench.features(task.train.inputs)
        head = nearest_mean(task, bench, features - features.mean(0))
        return bench.classifier(Centred(head))


class Centred(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, features):
        return self.head(features - features.mean(0))


@dataclass(frozen=True)
class AlwaysTraining(SoundTraining):
    """Its batch norm stays in training mode, whatever is asked."""

    def fit(self, task, bench):
        return Stubborn(super().fit(task, bench))


class Stubborn(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return self.model.train()(inputs)


@dataclass(frozen=True)
class Remembering(Sound):
    """Counts the batches that it has seen."""

    def fit(self, task, bench):
        head = nearest_mean(task, bench)
        head.register_buffer("seen", torch.zeros(()))

        def change(logits):
            head.seen += 1
            return logits

        return bench.classifier(Then(head, change))


@dataclass(frozen=True)
class MovingStatistics(SoundTraining):
    """Freezes statistics, and thaws them in its loss."""

    def fit(self, task, bench):
        model, loss = bench.classifier(bench.head(), bench.backbone()), bench.cross_entropy()

        def thawing(model, batch):
            return loss(model.train(), batch)

        return bench.train(model, thawing, task.train, recipe=bench.recipe.but(lr=0.01), fixed_statistics=True)


@dataclass(frozen=True)
class MovingWeights(SoundTraining):
    """Declares the backbone frozen, and writes into it."""

    def fit(self, task, bench):
        model, loss = bench.classifier(bench.head(), bench.backbone()), bench.cross_entropy()

        def writing(model, batch):
            with torch.no_grad():
                model.backbone.last.bias += 0.001
            return loss(model, batch)

        return bench.train(model, writing, task.train, recipe=bench.recipe.but(lr=0.02), frozen=[model.backbone])


@dataclass(frozen=True)
class MovingWithoutGradient(SoundTraining):
    """Takes the gradient from a layer, and writes into it."""

    def fit(self, task, bench):
        model, loss = bench.classifier(bench.head(), bench.backbone()), bench.cross_entropy()
        model.backbone.last.bias.requires_grad_(False)

        def writing(model, batch):
            model.backbone.last.bias += 0.001
            return loss(model, batch)

        return bench.train(model, writing, task.train, recipe=bench.recipe.but(lr=0.01))


@dataclass(frozen=True)
class ThawingTheShell(Sound):
    """Reaches into the shell of the frozen backbone."""

    family = Family.FINETUNE

    def fit(self, task, bench):
        with torch.no_grad():
            bench.frozen_backbone().module.last.bias += 0.1
        return bench.classifier(nearest_mean(task, bench))


@dataclass(frozen=True)
class ExtractingFromATrainedOne(SoundTraining):
    family = Family.EXTRACT


@dataclass(frozen=True)
class Guessing(Sound):
    def fit(self, task, bench):
        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))


@dataclass(frozen=True)
class WrongOrder(Sound):
    def fit(self, task, bench):
        return bench.classifier(Then(nearest_mean(task, bench), lambda logits: logits.roll(1, dims=1)))


@dataclass(frozen=True)
class OneCluster(Strategy):
    """Puts nearly all into one cluster."""

    name = "one-cluster"
    family = Family.UNSUPERVISED
    requires = CLUSTERS

    def fit(self, task, bench):
        head = nn.Linear(bench.feature_dim, len(task.classes))
        nn.init.constant_(head.bias, 0.0)
        nn.init.constant_(head.weight, 0.0)
        return bench.classifier(head)


@dataclass(frozen=True)
class AtMostSixClasses(Sound):
    def fit(self, task, bench):
        if len(task.classes) > 6:
            raise ValueError("too many")
        return super().fit(task, bench)


@dataclass(frozen=True)
class Squeezing(Sound):
    """Loses the batch's axis where there is one example; sees all queries together, so that only this tells."""

    requires = Requirements(transductive=True)

    def fit(self, task, bench):
        return bench.classifier(Then(nearest_mean(task, bench), torch.squeeze))


@dataclass(frozen=True)
class Writing(Sound):
    def fit(self, task, bench):
        Path("notes.txt").write_text("fitted")
        return super().fit(task, bench)


@dataclass(frozen=True)
class WritingPastPython(Sound):
    """Writes by a library that does not open its files through Python."""

    def fit(self, task, bench):
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, "weights.safetensors")
        return super().fit(task, bench)


@dataclass(frozen=True)
class Calling(Sound):
    def fit(self, task, bench):
        socket.socket().close()
        return super().fit(task, bench)


@dataclass(frozen=True)
class Unhashable(Sound):
    layers: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Rewriting(Sound):
    """Changes what it is given, more at each time."""

    width: int = 1

    def __post_init__(self):
        object.__setattr__(self, "width", self.width + 1)


@dataclass(frozen=True)
class WithoutGradients(Sound):
    def fit(self, task, bench):
        torch.set_grad_enabled(False)
        return super().fit(task, bench)


@dataclass(frozen=True)
class InDoublePrecision(Sound):
    def fit(self, task, bench):
        classifier = super().fit(task, bench)
        torch.set_default_dtype(torch.float64)
        return classifier


@dataclass(frozen=True)
class SeedingTorch(Sound):
    def fit(self, task, bench):
        torch.manual_seed(0)
        return super().fit(task, bench)


@dataclass(frozen=True)
class SeedingTheOthers(Sound):
    def fit(self, task, bench):
        random.seed(0)
        np.random.seed(0)
        return super().fit(task, bench)


@dataclass(frozen=True)
class Preparing(Sound):
    """Sound, and prepared on the source."""

    requires = SOURCE

    def prepare(self, source, bench):
        backbone = bench.backbone()
        model = bench.classifier(nn.Linear(bench.feature_dim, len(source.classes)), backbone)
        bench.train(model, bench.cross_entropy(), source.train, fixed_statistics=True)
        return backbone

    family = Family.FEWSHOT

    def fit(self, task, bench):
        backbone = bench.prepared()
        with torch.no_grad():
            features = backbone(task.train.inputs)
        return bench.classifier(nearest_mean(task, bench, features), backbone)


@dataclass(frozen=True)
class PreparingByTraining(Preparing):
    """The structure of what it prepares shows only after training."""

    def prepare(self, source, bench):
        backbone = super().prepare(source, bench)
        if "training_1_final_loss" in bench.journal.notes:
            backbone.register_buffer("extra", torch.zeros(1))
        return backbone


@dataclass(frozen=True)
class PreparingBesideTheState(Preparing):
    """What it learnt stands in no parameter."""

    def prepare(self, source, bench):
        backbone = super().prepare(source, bench)
        backbone.shift = bench.journal.notes.get("training_1_final_loss", 0.0)
        return backbone

    def fit(self, task, bench):
        shift = bench.prepared().shift
        classifier = super().fit(task, bench)
        return bench.classifier(Then(classifier.head, lambda logits: logits + shift), classifier.backbone)


@dataclass(frozen=True)
class MovingInPrepare(Preparing):
    def prepare(self, source, bench):
        with torch.no_grad():
            bench.frozen_backbone().module.last.bias += 0.01
        return super().prepare(source, bench)


@dataclass(frozen=True)
class FewLabelsForgotten(Strategy):
    """Adapts, and takes a budget of some labels that it cannot use."""

    name = "few-labels-forgotten"
    family = Family.ADAPT
    requires = Requirements(source_labels=True, same_classes=True, min_labels_per_class=0)

    def fit(self, task, bench):
        assert len(task.train) == 0 or task.val, "no target labels here"
        features = bench.features(task.source.inputs)
        means = [features[task.source.labels == label].mean(0) for label in range(len(task.classes))]
        return bench.classifier(Distances(torch.stack(means)))


@dataclass(frozen=True)
class SpreadOfOne(Sound):
    """Divides by the spread of a class, and one example has none."""

    def fit(self, task, bench):
        features = bench.features(task.train.inputs)
        first = features[task.train.labels == 0]
        spread = ((first - first.mean(0)).square().sum() / (len(first) - 1)).sqrt()
        return bench.classifier(Then(nearest_mean(task, bench, features), lambda logits: logits / spread))


@dataclass(frozen=True)
class NoValidation(Sound):
    def fit(self, task, bench):
        assert task.val is None
        return super().fit(task, bench)


@dataclass(frozen=True)
class WrongSource(Sound):
    requires = SOURCE

    def source_classifier(self, classifier):
        return classifier


@dataclass(frozen=True)
class MuteRefusal(Sound):
    def unsuitable(self, backbone, dataset, budget):
        return "No." if budget.is_episodic else None


@dataclass(frozen=True)
class NotRequired(Sound):
    """Reads the source without asking for it."""

    def fit(self, task, bench):
        bench.features(task.source.inputs)
        return super().fit(task, bench)


CHANCE = "chance is beaten on an easy problem"
LOGITS = "logits are finite and one per class"
PROBABILITIES = "logits are no probabilities"
BITS = "equal seeds give equal bits"
TENSORS = "the tensors of the task stay as they were"
PRISTINE = "the next backbone is pristine"
ALONE = "examples are predicted alike one by one and together"
PREDICTING = "predicting changes nothing"
FROZEN = "what is frozen stays frozen"
CLASSES = "two classes and seven work"
ONE = "a batch of one is predicted"
FILES = "no file is written and no socket opened"
TEXT = "the text of the variant gives the strategy back"
SETTINGS = "global settings stay as they were"
SEEDED = "global generators are not seeded"
REPLAY = "what was prepared loads into its replay"
BUDGETS = "every budget that it takes works"
VALIDATION = "validation labels can be given"
SOURCES = "the classifier of the source knows its classes"
REFUSAL = "unsuitable answers none or a sentence"
DECLARED = "the class is declared as the catalog asks"


@pytest.mark.parametrize("strategy", [Sound, SoundTraining, Preparing], ids=lambda cls: cls.__name__)
def test_a_sound_strategy_breaks_nothing(strategy):
    assert broken(strategy()) == {}


@pytest.mark.parametrize(
    ("strategy", "rule", "words"),
    [
        (NotDeclared, DECLARED, "write Family.X"),
        (Softmax, PROBABILITIES, "leave the softmax away"),
        (Integers, LOGITS, "returns torch.int64; logits are float32"),
        (Unseeded, BITS, "Draw from bench.generator"),
        (Counting, BITS, "keep nothing on the class"),
        (Overwriting, TENSORS, "changes task.train.inputs in place"),
        (Sharing, PRISTINE, "two fits return classifiers that share tensors"),
        (Leaking, ALONE, "differ by up to"),
        (MovingStatistics, FROZEN, "running_mean"),
        (MovingWeights, FROZEN, r"told to keep frozen\[0\].last.bias"),
        (MovingWithoutGradient, FROZEN, "told to keep backbone.last.bias"),
        (ThawingTheShell, FROZEN, "frozen_backbone.. was changed in module.last.bias"),
        (ExtractingFromATrainedOne, FROZEN, "family extract returns a backbone that is no longer the pretrained one"),
        (MovingInPrepare, FROZEN, "frozen_backbone.. was changed"),
        (Guessing, CHANCE, "a head that is not trained"),
        (WrongOrder, CHANCE, "labels in a wrong order"),
        (OneCluster, CHANCE, "accuracy on an easy problem of 4 classes is 0.25"),
        (AtMostSixClasses, CLASSES, "fit raised ValueError: too many"),
        (Squeezing, ONE, r"have shape \(4,\); they must be \(1, 4\)"),
        (Writing, FILES, "it opened 'notes.txt' to write"),
        (WritingPastPython, FILES, "it wrote 'weights.safetensors'"),
        (Calling, FILES, "it opened a socket"),
        (Unhashable, TEXT, "unhashable type: 'bytearray'"),
        (Rewriting, TEXT, "Keep fields as they are given"),
        (WithoutGradients, SETTINGS, "changes the gradient mode"),
        (InDoublePrecision, SETTINGS, "changes the default dtype"),
        (SeedingTorch, SEEDED, "generator of torch"),
        (SeedingTheOthers, SEEDED, "generator of numpy, random"),
        (PreparingByTraining, REPLAY, "structure must not depend on the training"),
        (PreparingBesideTheState, REPLAY, "part of what it learnt is not in its state_dict"),
        (FewLabelsForgotten, BUDGETS, "AssertionError: no target labels here"),
        (SpreadOfOne, BUDGETS, "logits are not all finite"),
        (NoValidation, VALIDATION, "fit raised AssertionError"),
        (WrongSource, SOURCES, r"they must be \(100, 5\)"),
        (MuteRefusal, REFUSAL, "answers 'No.' to budget 2-way 1-shot"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)  # fmt: skip
def test_a_strategy_that_breaks_one_rule_is_told_of_this_one_alone(strategy, rule, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for those that write
    found = broken(strategy())
    assert list(found) == [rule]
    with pytest.raises(ConformanceError, match=words):
        raise ConformanceError(found[rule])


def test_infinite_logits_are_found_wherever_logits_are_looked_at():
    found = broken(Infinite())
    assert "logits are not all finite" in found[LOGITS]
    assert {LOGITS, CLASSES, ONE} <= set(found)
    assert not {BITS, TENSORS, PRISTINE, FROZEN, FILES, SETTINGS} & set(found)


def test_a_batch_norm_in_training_mode_is_found_by_both_checks_of_predicting():
    found = broken(AlwaysTraining())
    assert {ALONE, PREDICTING} <= set(found)
    assert "running_mean" in found[PREDICTING]


def test_a_classifier_that_counts_is_told_that_predicting_changes_it():
    assert list(broken(Remembering())) == [PREDICTING]


def test_a_list_among_the_fields_is_told_to_be_a_tuple():
    @dataclass(frozen=True)
    class WithAList(Sound):
        layers: list[int] = field(default_factory=list)

    assert "the field layers holds a list" in broken(WithAList())[DECLARED]


def test_a_classifier_that_writes_into_the_queries_is_found():
    assert "task.queries" in broken(OverwritingWhenCalled())[TENSORS]


def test_a_network_class_that_is_patched_is_found(monkeypatch):
    network = type(TOY.backbone.build(TOY.weights))
    monkeypatch.setattr(network, "forward", network.forward)  # put back afterwards
    try:
        assert "its outputs differ" in broken(Patching())[PRISTINE]
    finally:
        del network.before


def test_what_was_not_required_is_named_as_absent():
    found = broken(NotRequired())
    assert "'NoneType' object has no attribute 'inputs'" in found[LOGITS]
    assert "None: val, unlabelled, source, queries" in found[LOGITS]


def test_a_transductive_strategy_may_look_at_its_neighbours():
    @dataclass(frozen=True)
    class Declared(Leaking):
        requires = Requirements(transductive=True)

    assert broken(Declared()) == {}


def test_a_strategy_that_takes_no_budget_is_told_so_with_its_own_sentences():
    @dataclass(frozen=True)
    class Picky(Sound):
        def unsuitable(self, backbone, dataset, budget):
            return f"picky needs another backbone than {backbone.label}."

    assert "takes no budget of the toy problem: picky needs another backbone than toy." in broken(Picky())[LOGITS]


def test_fit_must_return_a_module():
    @dataclass(frozen=True)
    class Function(Sound):
        def fit(self, task, bench):
            return lambda inputs: inputs

    assert "fit returned function; it must return a torch.nn.Module" in broken(Function())[LOGITS]


def test_an_ensemble_gets_its_members_logits_and_their_validation():
    seen = []

    @dataclass(frozen=True)
    class Mean(Strategy):
        name = "mean"
        family = Family.ENSEMBLE
        requires = Requirements(validation=True)
        members = ("linear-probe", "finetune(lr=0.1)")

        def fit(self, task, bench):
            seen.extend((member.variant, tuple(member.validation.inputs.shape)) for member in bench.members)
            assert torch.equal(bench.members[0].validation.labels, task.val.labels)
            return Average()

    assert broken(Mean()) == {}
    assert set(seen) == {(name, (n, n)) for name in Mean.members for n in (2, 4, 7)}


class Average(nn.Module):
    def forward(self, inputs):
        assert inputs.shape[1] == 2
        return inputs.mean(1)


def test_global_settings_and_generators_are_put_back():
    torch.manual_seed(3)
    np.random.seed(3)
    kernels = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), torch.get_default_dtype(), Path.cwd()
    assert broken(InDoublePrecision())
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert (torch.get_default_dtype(), Path.cwd(), torch.is_grad_enabled()) == (before[2], before[3], True)
    assert (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()) == kernels


def test_variants_are_the_shipped_one_and_each_choice_at_its_other_values():
    @dataclass(frozen=True)
    class Choosing(Sound):
        name = "choosing"
        fast: bool = False
        mode: Annotated[Literal["a", "b", "c"], "how"] = "b"
        either: bool | None = None
        rate: Annotated[float, Gt(0)] | None = None
        steps: int = 3

        def __post_init__(self):
            if self.mode == "c" and not self.fast:
                raise ValueError("c is slow")

    assert [variant.variant for variant in variants_of(Choosing)] == [
        "choosing",
        "choosing(fast=true)",
        "choosing(mode=a)",
        "choosing(either=false)",
        "choosing(either=true)",
    ]
    assert [variant.variant for variant in variants_of(Choosing(steps=5))][:2] == [
        "choosing(steps=5)",
        "choosing(fast=true, steps=5)",
    ]


def test_a_class_that_needs_arguments_is_asked_for_as_an_instance():
    @dataclass(frozen=True)
    class Needing(Sound):
        depth: int = field(kw_only=True)

    with pytest.raises(ConformanceError, match=r"Needing cannot be made without arguments .*give an instance"):
        variants_of(Needing)
    assert [variant.depth for variant in variants_of(Needing(depth=2))] == [2]


class TestSound(StrategyConformance):
    """The pytest class, as plugin authors use it."""

    strategy = Sound


def test_the_pytest_class_has_a_test_for_every_check_and_fails_where_one_does():
    class OfInstance(StrategyConformance):
        strategy = Counting()

    names = {f"test_{check.name.replace(' ', '_')}" for check in STRATEGY_CHECKS}
    assert names == {name for name in dir(TestSound) if name.startswith("test_")}
    OfInstance().test_a_batch_of_one_is_predicted()
    with pytest.raises(ConformanceError, match="sound: a second fit with the same seeds predicts otherwise"):
        OfInstance().test_equal_seeds_give_equal_bits()


def test_the_pytest_class_checks_the_variants_of_a_class_too():
    @dataclass(frozen=True)
    class Sometimes(Sound):
        guess: bool = False

        def fit(self, task, bench):
            return (Guessing if self.guess else Sound)().fit(task, bench)

    class OfClass(StrategyConformance):
        strategy = Sometimes

    with pytest.raises(ConformanceError, match=r"sound\(guess=true\): accuracy"):
        OfClass().test_chance_is_beaten_on_an_easy_problem()


def test_the_toy_holds_exactly_what_is_required():
    task = TOY.task(Requirements(), SHOTS, validation=False)
    assert (task.val, task.unlabelled, task.source, task.source_classes, task.queries) == (None,) * 5
    everything = Requirements(source_labels=True, unlabelled_target=True, transductive=True, upper_bound=True)
    task = TOY.task(everything, SHOTS, validation=True)
    assert len(task.train) > len(task.val) > 0
    assert len(task.source_classes) == 5
    assert len(task.unlabelled) == len(task.train) + len(task.val)
    assert len(TOY.task(CLUSTERS, ZERO, validation=True).train) == 0


def test_two_toys_are_the_same_to_the_last_bit():
    one, other = Toy(), Toy()
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())
    assert torch.equal(one.examples("source", "train").inputs, other.examples("source", "train").inputs)
    assert not torch.equal(one.examples("source", "train").inputs, other.examples("target", "train").inputs)
