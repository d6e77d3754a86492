"""Define what a backbone is: it encodes raw examples as tensors and builds a network that makes features of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tlbench.contract.descriptors import FILE, TEXT, TEXT_OR_NONE, WIDTH, check_descriptors
from tlbench.contract.look import Look, Suited
from tlbench.contract.parameters import check_identity, non_default, require_frozen_dataclass
from tlbench.contract.signatures import check_signature
from tlbench.errors import PluginError
from tlbench.names import Spec, format_spec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tlbench.contract.dataset import Dataset


# Fields of these names describe a backbone and set nothing about it.
_DESCRIPTIVE = (
    "name",
    "weights",
    "feature_dim",
    "modality",
    "version",
    "pretrained_on",
    "license",
    "citation",
    "recipe",
)
_WANTED = {
    "modality": TEXT, "version": TEXT, "weights": FILE, "pretrained_on": TEXT_OR_NONE,
    "license": TEXT, "citation": TEXT, "recipe": FILE, "spec": TEXT, "encoding": TEXT, "label": TEXT,
}  # fmt: skip
_HOW = "subclass it, with encode and build"


class Backbone(ABC):
    """Encode raw examples and build a network from inputs to features, with or without pretrained weights.

    Plugins return instances. A subclass may be a frozen dataclass; its fields are then parameters that users
    set as `name(field=value)`. `name@FILE` gives `weights=FILE` to a dataclass with that field.
    """

    name: str  # timm's naming, `architecture.tag`
    feature_dim: int
    modality: str = "image"
    version: str = "1"  # raised whenever features would change
    weights: Path | None = None  # a local safetensors file; None for a random start
    pretrained_on: str | None = None  # upstream data, for the ledger
    license: str = ""
    citation: str = ""
    recipe: Path | None = None  # a TOML file with which `tlbench pretrain` makes the weights

    def __new__(cls, *arguments: Any, **values: Any) -> "Backbone":
        """Make a backbone of a subclass; say so where somebody calls this very class, as one calls Metric."""
        if cls is Backbone:
            raise PluginError(f"Backbone(...) is no backbone: {_HOW}, and return an instance of the subclass.")
        made: Backbone = super().__new__(cls)
        return made

    @abstractmethod
    def encode(self, raw: Sequence[Any]) -> "Tensor":
        """Turn raw examples into one compact model-ready tensor, (N, ...); for images uint8 (N, C, H, W).

        Each example's result must not depend on its neighbours in `raw`.
        """

    @abstractmethod
    def build(self, weights: "Mapping[str, Tensor] | None") -> "nn.Module":
        """Return a network from an encoded batch to features, float32 (N, feature_dim); it normalises inside.

        `weights` is the content of the weights file, or None for a random start drawn from torch's
        global generator. Raises WeightsError where the weights do not fit.
        """

    @property
    def encoding(self) -> str:
        """Name the encoding: backbones with equal text share encoded data. By default nobody shares."""
        return f"{self.spec}/{self.version}"

    @property
    def spec(self) -> str:
        """Return the backbone as a user would write it, without the weights' file."""
        parameters = {key: value for key, value in non_default(self).items() if key not in _DESCRIPTIVE}
        return format_spec(self.name, parameters)

    @property
    def label(self) -> str:
        """Return the name shown in tables: the spec, and the file's name where weights were given by file."""
        return self.spec

    def note_on(self, dataset: "Dataset") -> str | None:
        """Return a sentence where a dataset can be run on this backbone but hardly suits it, or None."""
        return None

    def suited_to(self, look: Look) -> Suited | None:
        """Return how to write this backbone for images that look so, and why, or None where it is not made for them.

        Where nobody names a backbone, the first by name that says so is taken. A backbone of a family is not asked.
        """
        return None

    def standalone(self) -> str | None:
        """Return the source of a Python module that makes this backbone without tlbench, or None where there is none.

        It defines `network()`, which returns the module that `build(None)` does, with tensors of the same names, and
        `encode(image)`, which turns an upright PIL image, grey or RGB, into what `encode` here makes of it. It may
        import torch, torchvision, timm, numpy and Pillow. `tlbench export` writes it beside the weights.
        """
        return None

    def describe(self) -> Mapping[str, Any]:
        """Return what was really used (normalisation, padding, what matched), for the record."""
        return {}


class BackboneFamily(ABC):
    """Find one of many backbones by name when it is asked for (all of timm, say)."""

    name: ClassVar[str]

    @abstractmethod
    def find(self, spec: Spec) -> Backbone | None:
        """Return the backbone that `spec` names, or None where the family does not know the name.

        Raises ParameterError or WeightsError where the name is known and the rest is wrong.
        """

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Return all names, for listing and near misses; may be slow."""


def check_computed(backbone: Backbone) -> None:
    """Raise PluginError where what a backbone says of itself has another type, properties included."""
    check_descriptors(backbone, _WANTED)


def check_backbone(backbone: Any) -> None:
    """Raise PluginError, saying how to mend it, where an object is not a usable backbone."""
    if isinstance(backbone, BackboneFamily):
        return
    if backbone is Backbone:
        raise PluginError(f"the class Backbone itself was returned: {_HOW}, and return an instance of the subclass.")
    if isinstance(backbone, type):
        raise PluginError(
            f"backbone class {backbone.__name__} was returned; return an instance: {backbone.__name__}()."
        )
    if not isinstance(backbone, Backbone):
        raise PluginError(f"{backbone!r} is not an instance of tlbench.Backbone: {_HOW}.")
    check_identity(backbone, "backbone", ("name", "feature_dim"))
    check_descriptors(backbone, {"feature_dim": WIDTH})
    check_descriptors(backbone, _WANTED, computed=False)
    require_frozen_dataclass(type(backbone), always=False)
    given = "raw is a sequence of raw examples, and encode returns one tensor with a row for each."
    check_signature(type(backbone), "encode", ("raw",), given)
    meaning = (
        "weights is a mapping of tensors by name, or None for a random start, and build returns a torch.nn.Module."
    )
    check_signature(type(backbone), "build", ("weights",), meaning, foreign=("pretrained", "num_classes"))
