"""Define what a transfer strategy is: a frozen dataclass of hyper-parameters with one method, `fit`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from tlbench.contract.budget import Budget
from tlbench.contract.descriptors import FLAG, TEXT, Wanted, check_descriptors, of_type
from tlbench.contract.parameters import check_identity, fields_of, non_default, require_frozen_dataclass
from tlbench.contract.search_space import SearchSpace, check_search_space
from tlbench.contract.signatures import FOREIGN_DATA, check_signature, habit, refuse_shared_state
from tlbench.contract.task import Source, Task
from tlbench.errors import PluginError
from tlbench.names import format_spec

if TYPE_CHECKING:
    from torch import nn

    from tlbench.contract.backbone import Backbone
    from tlbench.contract.dataset import Dataset
    from tlbench.learning import Workbench


INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, ORACLE = SETTINGS = ("inductive", "transductive", "unsupervised", "oracle")


class Family(StrEnum):
    """Name the way of transferring that a strategy belongs to."""

    SCRATCH = "scratch"
    EXTRACT = "extract"
    FINETUNE = "finetune"
    ADAPT = "adapt"
    FEWSHOT = "few-shot"
    MULTITASK = "multi-task"
    ENSEMBLE = "ensemble"
    UNSUPERVISED = "unsupervised"


@dataclass(frozen=True)
class Requirements:
    """State what a strategy must be given. What it does not ask for here, it does not get."""

    source_labels: bool = False  # a labelled source domain or dataset
    unlabelled_target: bool = False  # the inputs of the target's training split
    pretrained: bool = False  # a backbone with weights
    transductive: bool = False  # all test inputs together, in the task and when predicting
    min_labels_per_class: int = 1  # 0 for methods that need no target label
    same_classes: bool = False  # source and target share their classes
    validation: bool = False  # validation labels out of the budget
    further_labels: bool = False  # other label columns of the labelled target examples
    upper_bound: bool = False  # every label of the target's training split, whatever the budget; shown as such

    def with_members(self, members: "Sequence[Requirements]") -> "Requirements":
        """Return what an ensemble rests on: what it asks for itself, and what its members were given."""
        everyone = (self, *members)
        flags = {
            item.name: any(getattr(each, item.name) for each in everyone)
            for item in fields(self)
            if item.name not in ("min_labels_per_class", "validation")
        }
        least = [each.min_labels_per_class for each in members or everyone]
        return replace(self, min_labels_per_class=max(least), **flags)

    def setting(self, budget: Budget) -> str:
        """Return what predictions may rest on under a budget: `inductive`, `transductive` or `unsupervised`."""
        if budget.is_zero and not (self.source_labels or self.upper_bound):
            return UNSUPERVISED
        return TRANSDUCTIVE if self.transductive else INDUCTIVE


_LABELS = Wanted("a number of labels, 0 or more", lambda value: type(value) is int and value >= 0)
_WANTED = {"version": TEXT, "baseline": FLAG, "requires": of_type("a Requirements(...)", Requirements)}
_REQUIRED = {
    item.name: _LABELS if item.name == "min_labels_per_class" else FLAG for item in fields(Requirements)
}  # fmt: skip
_HOW = "subclass it, with fit"


class Strategy(ABC):
    """Turn a backbone and few labels into a classifier.

    Subclasses are frozen dataclasses: the fields are the hyper-parameters, the class attributes the identity.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    version: ClassVar[str] = "1"  # raised whenever scores would change; part of a cell's identity
    requires: ClassVar[Requirements] = Requirements()
    search_space: ClassVar[SearchSpace] = {}  # what a tuning may try of the fields, beside their defaults
    baseline: ClassVar[bool] = False  # whether others of its family (of every family: scratch) are compared with it

    def __new__(cls, *arguments: Any, **values: Any) -> "Strategy":
        """Make a strategy of a subclass; say so where somebody calls this very class, as one calls Metric."""
        if cls is Strategy:
            raise PluginError(f"Strategy(...) is no strategy: {_HOW}, and return the subclass.")
        made: Strategy = super().__new__(cls)
        return made

    @abstractmethod
    def fit(self, task: Task, bench: "Workbench") -> "nn.Module":
        """Return a classifier that maps encoded inputs to float32 logits of shape (N, len(task.classes))."""

    def prepare(self, source: Source, bench: "Workbench") -> "nn.Module":
        """Train on the source side alone; `fit` finds the result as `bench.prepared()`.

        Done once per variant, backbone, source and replicate, cached, and shared by all budgets. The
        structure of the returned module must not depend on the training, which a cache hit leaves out.
        """
        raise TypeError(f"strategy {self.name!r} prepares nothing")

    @property
    def prepares(self) -> bool:
        """Tell whether this variant has source-side training of its own."""
        return type(self).prepare is not Strategy.prepare

    def needs(self) -> Requirements:
        """Return the requirements of this variant; override where they depend on a parameter."""
        return type(self).requires

    def unsuitable(self, backbone: "Backbone", dataset: "Dataset", budget: Budget) -> str | None:
        """Return a sentence that says why this combination makes no sense, or None."""
        return None

    def ready(self) -> None:
        """Import what `fit` needs and is slow to import: this is called before the time of a fit is taken."""
        return None

    def source_classifier(self, classifier: "nn.Module") -> "nn.Module | None":
        """Return the classifier of the source's classes inside what `fit` returned, where there is one.

        It is scored on the source's test split; the record holds the scores beside the target's.
        """
        return None

    def further_classifiers(self, classifier: "nn.Module") -> "Mapping[str, nn.Module]":
        """Return the classifiers of further label columns inside what `fit` returned, by the columns' names.

        Each is scored on the target's test split; the record holds the scores beside the target's.
        """
        return {}

    @property
    def members(self) -> tuple[str, ...]:
        """Return the variants whose stored predictions this one combines.

        Where there are any, `bench.members` tells of them, and what `fit` returns maps their stacked logits,
        float32 (N, members, classes), to logits (N, classes).
        """
        return ()

    def but(self, **changes: Any) -> "Strategy":
        """Return the strategy with some fields changed."""
        changed: Strategy = replace(self, **changes)  # type: ignore[type-var]  # subclasses are dataclasses
        return changed

    @property
    def variant(self) -> str:
        """Return the name with what differs from the defaults: `lora(rank=8)`."""
        return format_spec(self.name, non_default(self))


def check_requirements(strategy: Strategy, needs: Any) -> None:
    """Raise PluginError where a strategy's `needs()` returns something else than requirements."""
    said = f"class {type(strategy).__name__}: needs()"
    if not isinstance(needs, Requirements):
        raise PluginError(f"{said} must return Requirements(...), got {needs!r}.")
    check_descriptors(needs, _REQUIRED, said)


def check_strategy_class(cls: Any) -> None:
    """Raise PluginError, saying how to mend it, where a class is not a usable strategy."""
    if not isinstance(cls, type) or not issubclass(cls, Strategy):
        hint = " Return the class, not an instance." if isinstance(cls, Strategy) else ""
        raise PluginError(f"{cls!r} is not a subclass of tlbench.Strategy.{hint}")
    if cls is Strategy:
        raise PluginError(f"the class Strategy itself was returned: {_HOW}, and return the subclass.")
    check_identity(cls, "strategy", ("name", "family"))
    if not isinstance(cls.family, Family):
        families = ", ".join(family.name for family in Family)
        raise PluginError(f"class {cls.__name__}: family is {cls.family!r}; write Family.X with X one of {families}.")
    check_descriptors(cls, _WANTED)
    check_descriptors(cls.requires, _REQUIRED, f"class {cls.__name__}: requires")
    require_frozen_dataclass(cls, always=True)
    check_search_space(cls, {field.name: field for field in fields_of(cls)})
    if getattr(cls, "__abstractmethods__", None):
        raise PluginError(f"class {cls.__name__} lacks the method fit(self, task, bench).{habit(cls)}")
    meaning = (
        "Labelled examples are task.train.inputs and task.train.labels, bench trains, and fit returns the network, a "
        "torch.nn.Module from encoded inputs to logits."
    )
    check_signature(cls, "fit", ("task", "bench"), meaning, foreign=FOREIGN_DATA, no_more=True)
    if cls.prepare is not Strategy.prepare:
        check_signature(cls, "prepare", ("source", "bench"), "The source's labelled examples are source.train.")
    if cls.unsuitable is not Strategy.unsuitable:
        answer = "It returns None, or a sentence that says what would be suitable."
        check_signature(cls, "unsuitable", ("backbone", "dataset", "budget"), answer)
    refuse_shared_state(cls)
