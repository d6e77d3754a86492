"""Give a strategy its tools: fresh backbones, cached features, the training loop and seeded generators."""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from tlbench.contract import LAST, VALIDATION, Backbone, Labelled, Member, Recipe
from tlbench.errors import PluginError
from tlbench.learning.batches import Stream
from tlbench.learning.checkpoint_selection import Judge
from tlbench.learning.classifier import Classifier as Classifier
from tlbench.learning.classifier import Frozen as Frozen
from tlbench.learning.determinism import generator, seeded
from tlbench.learning.losses import cross_entropy
from tlbench.learning.training import Combine, Group, Loss, Scorer, Trained, accuracy_and_fit, predict, train
from tlbench.seeds import derive

T = TypeVar("T")
_FROM_TASK: Any = object()  # the default of `select_on`: the task's own validation labels


@dataclass(frozen=True)
class Setting:
    """Describe what one fit is about, beside its data."""

    backbone: Backbone
    weights: Mapping[str, Tensor] | None
    classes: int
    recipe: Recipe
    device: torch.device
    seed: int  # the root
    replicate: int


@dataclass
class Journal:
    """Hold what happened on a bench, for the record."""

    notes: dict[str, Any] = field(default_factory=dict)
    trained_parameters: int = 0
    chosen_by: str = LAST  # the selection rule, where it had anything to choose from
    prepare_seconds: float = 0.0

    @property
    def validated(self) -> bool:
        """Tell whether validation labels chose anything."""
        return self.chosen_by == VALIDATION


class Workbench:
    """Give a strategy the tools of one fit."""

    def __init__(
        self,
        setting: Setting,
        *,
        known_features: Sequence[tuple[Tensor, Callable[[], Tensor]]] = (),
        prepared: "Callable[[], nn.Module] | None" = None,
        validation: Labelled | None = None,
        judge: Judge | None = None,
        members: Sequence[Member] = (),
        replay: bool = False,
        head_seed: int | None = None,
    ) -> None:
        self._setting = setting
        self._known_features = list(known_features)
        self._prepared = prepared
        self._validation = validation
        self._judge = judge
        self.members = tuple(members)  # of an ensemble: the variants whose predictions it combines
        self._replay = replay  # the structure is wanted, the training is already known
        self._order_calls = 0
        init = derive(setting.seed, "init", backbone=setting.backbone.name, replicate=setting.replicate)
        self._heads = generator(init if head_seed is None else head_seed).get_state()  # where the next head starts
        self._frozen: Frozen | None = None
        self.journal = Journal()

    @property
    def device(self) -> torch.device:
        """Return the device that networks and features live on."""
        return self._setting.device

    @property
    def feature_dim(self) -> int:
        """Return the width of the backbone's features."""
        return self._setting.backbone.feature_dim

    @property
    def modality(self) -> str:
        """Return what kind of input this is: `image`, `text` ..."""
        return self._setting.backbone.modality

    @property
    def recipe(self) -> Recipe:
        """Return the suite's recipe, its steps decided for the task; narrow it with `bench.recipe.but(lr=...)`."""
        return self._setting.recipe

    def backbone(self, pretrained: bool = True) -> nn.Module:
        """Return a fresh copy of the backbone on the device; a random start depends on the replicate alone.

        Without weights `pretrained=True` gives the random start too.
        """
        setting = self._setting
        with seeded(derive(setting.seed, "init", backbone=setting.backbone.name, replicate=setting.replicate)):
            network = setting.backbone.build(setting.weights if pretrained else None)
        return network.to(self.device).to(memory_format=torch.channels_last)

    def features(self, inputs: Tensor) -> Tensor:
        """Return features of the frozen pretrained backbone, float32 (N, feature_dim), on the device.

        Those of a task's own tensors come from the cache; others are computed.
        """
        for known, find in self._known_features:
            if known is inputs:
                return find().to(self.device)
        return predict(self.frozen_backbone(), inputs, self.device).to(self.device)

    def know(self, inputs: Tensor, find: Callable[[], Tensor]) -> None:
        """Remember where the features of inputs are found."""
        self._known_features.append((inputs, find))

    def frozen_backbone(self) -> Frozen:
        """Return the pretrained backbone in a shell that keeps it unchanged; one and the same on every call."""
        if self._frozen is None:
            self._frozen = Frozen(self.backbone())
        return self._frozen

    def head(self, recipe: Recipe | None = None) -> nn.Module:
        """Return a fresh linear head, features to one logit per class, behind the recipe's dropout.

        Heads start from a stream of their own: the first of every fit is the same, whatever was drawn before.
        """
        linear = nn.Linear(self.feature_dim, self._setting.classes)  # the global generator moves on as it always did
        with torch.random.fork_rng([]):
            torch.random.set_rng_state(self._heads)
            linear.reset_parameters()
            self._heads = torch.random.get_rng_state()
        dropout = (recipe or self.recipe).dropout
        return (nn.Sequential(nn.Dropout(dropout), linear) if dropout else linear).to(self.device)

    def cross_entropy(self, recipe: Recipe | None = None) -> Loss:
        """Return `loss(model, batch)`: the mean cross-entropy with the recipe's label smoothing and mixup."""
        recipe = recipe or self.recipe
        return cross_entropy(recipe.label_smoothing, recipe.mixup, self.generator("mixup"))

    def classifier(self, head: nn.Module, backbone: nn.Module | None = None) -> nn.Module:
        """Return `head` on top of `backbone`, or on top of the frozen pretrained one.

        Raises PluginError where the head does not give one logit per class.
        """
        head = head.to(self.device)
        was_training = head.training
        with torch.no_grad():
            width = tuple(head.eval()(torch.zeros(2, self.feature_dim, device=self.device)).shape)
        head.train(was_training)
        if width != (2, self._setting.classes):
            raise PluginError(
                f"the head turns 2 features of width {self.feature_dim} into shape {width}; "
                f"the task has {self._setting.classes} classes, so it must be (2, {self._setting.classes})."
            )
        return Classifier(self.frozen_backbone() if backbone is None else backbone, head)

    def train(
        self,
        model: nn.Module,
        loss: Loss,
        *streams: Stream,
        recipe: Recipe | None = None,
        select_on: Labelled | None = _FROM_TASK,
        judged: nn.Module | None = None,
        companions: Sequence[nn.Module] = (),
        groups: Sequence[tuple[nn.Module, float]] = (),
        frozen: Sequence[nn.Module] = (),
        fixed_statistics: bool = False,
        combine: Combine | None = None,
    ) -> nn.Module:
        """Train a model with the one loop (`tlbench.learning.training.train`) and return it.

        Without `select_on` the task's own validation labels select, when the protocol gives any. `judged` is the
        classifier of encoded inputs that a checkpoint of `model` makes, where that is not the model itself: other
        selection rules look at it.
        """
        if self._replay:
            return model.to(self.device).eval()
        self._order_calls += 1
        select_by = self._scorer(model, select_on, judged)
        trained = train(
            model,
            loss,
            streams,
            recipe or self.recipe,
            device=self.device,
            order_seed=derive(self._setting.seed, "order", replicate=self._setting.replicate, call=self._order_calls),
            companions=companions,
            groups=[Group(module, rate) for module, rate in groups],
            frozen=frozen,
            fixed_statistics=fixed_statistics,
            select_by=select_by,
            combine=combine,
        )
        self._note_training(trained)
        return model

    def _scorer(self, model: nn.Module, select_on: Labelled | None, judged: nn.Module | None) -> Scorer | None:
        """Return what ranks the checkpoints of a training, or None where the last step is kept."""
        if self._judge is not None:
            candidate = judged if judged is not None else model if select_on is _FROM_TASK else None
            if candidate is None:
                return None
            call = self._order_calls
            return lambda step: self._judged(candidate, call=call, step=step)
        data = self._validation if select_on is _FROM_TASK else select_on
        if data is None:
            return None
        self.journal.chosen_by = VALIDATION
        return lambda step: accuracy_and_fit(predict(model, data.inputs, self.device), data.labels)

    def _judged(self, classifier: nn.Module, **where: int) -> tuple[float, ...]:
        """Return what the judge ranks a classifier by, and leave it with a copy of the classifier as it is now."""
        assert self._judge is not None
        self.journal.chosen_by = self._judge.rule
        frozen = self._frozen  # never changes, so that copies can share it
        copy = deepcopy(classifier, {} if frozen is None else {id(frozen): frozen})
        return self._judge.score(partial(self._answer, classifier), partial(self._answer, copy), **where)

    def _answer(self, classifier: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, and features where a classifier has some; those of the frozen backbone come from the cache."""
        if not isinstance(classifier, Classifier):
            return predict(classifier, inputs, self.device), None
        if classifier.backbone is self._frozen:
            features = self.features(inputs)
        else:
            features = predict(classifier.backbone, inputs, self.device)
        return predict(classifier.head, features, self.device), features

    def select(self, candidates: Sequence[T], logits: Callable[[T, Tensor], Tensor]) -> T:
        """Return the candidate that the selection rule ranks highest; the first where it has nothing to go by.

        `logits(candidate, inputs)` gives logits (N, C) of encoded inputs. On validation labels accuracy decides,
        then cross-entropy; of equals the earlier is kept.
        """
        if not self.selects or len(candidates) < 2:
            return candidates[0]
        with torch.no_grad():
            scores = [self._rank(candidate, logits, position) for position, candidate in enumerate(candidates)]
        return candidates[scores.index(max(scores))]

    @property
    def selects(self) -> bool:
        """Tell whether there is anything to choose by: candidates are worth making."""
        return self._judge is not None or self._validation is not None

    def _rank(self, candidate: T, logits: Callable[[T, Tensor], Tensor], position: int) -> tuple[float, ...]:
        if self._judge is not None:
            self.journal.chosen_by = self._judge.rule

            def answer(inputs: Tensor) -> tuple[Tensor, None]:
                return logits(candidate, inputs), None

            return self._judge.score(answer, answer, candidate=position)
        assert self._validation is not None  # `selects` has seen to it
        self.journal.chosen_by = VALIDATION
        found = logits(candidate, self._validation.inputs).float().cpu()
        return accuracy_and_fit(found, self._validation.labels)

    def rank(self, classifier: nn.Module, **where: int) -> tuple[float, ...]:
        """Return what the selection rule ranks a finished classifier by; larger is better.

        Raises PluginError where there is nothing to go by.
        """
        if self._judge is not None:
            return self._judged(classifier, **where)
        if self._validation is None:
            raise PluginError("nothing to rank a classifier by: no validation labels, and no other selection rule.")
        self.journal.chosen_by = VALIDATION
        return accuracy_and_fit(predict(classifier, self._validation.inputs, self.device), self._validation.labels)

    def _note_training(self, trained: Trained) -> None:
        self.journal.trained_parameters = max(self.journal.trained_parameters, trained.parameters)
        self.note(f"training_{self._order_calls}_steps", trained.steps)
        self.note(f"training_{self._order_calls}_final_loss", trained.final_loss)
        if trained.selected_step is not None:
            self.note(f"training_{self._order_calls}_selected_step", trained.selected_step)

    def prepared(self) -> nn.Module:
        """Return a fresh copy of what `Strategy.prepare` made of the source side."""
        if self._prepared is None:
            raise PluginError("bench.prepared() is there only for strategies with a prepare method.")
        return self._prepared()

    def generator(self, purpose: str) -> torch.Generator:
        """Return a seeded generator on the CPU; equal purposes give equal draws in every strategy."""
        return generator(derive(self._setting.seed, "strategy", stream=purpose, replicate=self._setting.replicate))

    def note(self, key: str, value: Any) -> None:
        """Put a fact into the record; it must be plain JSON."""
        try:
            json.dumps(value, allow_nan=True)
        except TypeError:
            raise PluginError(
                f"bench.note({key!r}, ...) takes plain JSON values, got {type(value).__name__}."
            ) from None
        self.journal.notes[key] = value
