"""Weights files: read safely, compared with the network tensor by tensor, loaded only where they fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tlbench import WeightsError
from tlbench.names import near_miss
from tlbench_torchvision.architecture import AUXILIARY, Outline

Shapes = Mapping[str, tuple[int, ...]]

_PREFIXES = ("module.", "model.")  # what data parallel training, and a network of ours, put before all names


@dataclass(frozen=True)
class Header:
    """What a safetensors file says before any tensor is read."""

    shapes: Shapes
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Fit:
    """How the tensors of a file that fits are used."""

    prefix: str  # taken off the file's names
    matched: int  # tensors of the feature extractor that the file has
    expected: int  # of how many; only batch norm's counters may be missing
    dropped: tuple[str, ...]  # classifiers

    def describe(self) -> dict[str, Any]:
        """Return the comparison as plain data, for records."""
        facts: dict[str, Any] = {"matched": f"{self.matched} of {self.expected}", "dropped": list(self.dropped)}
        return {**facts, **({"prefix_removed": self.prefix} if self.prefix else {})}


def read_header(path: Path) -> Header:
    """Return names, shapes and metadata of a safetensors file; raise WeightsError for anything else."""
    if not path.is_file():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise WeightsError(f"weights file {path} does not exist.{near_miss(path.name, siblings)}")
    try:
        with safe_open(str(path), framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            return Header(shapes, dict(file.metadata() or {}))
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights file {path} is no whole safetensors file ({' '.join(str(error).split())}). Convert other formats "
            f"with safetensors.torch.save_file where you trust them: reading a pickle can run any code that is in it."
        ) from None


def compare(offered: Shapes, outline: Outline, what: str, label: str, hint: str = "") -> Fit:
    """Return how tensors fit a network; raise WeightsError, naming counts and names, where they do not.

    Where the classifier is there, it must be whole: half a classifier is another network's.
    """
    prefix = next((item for item in _PREFIXES if all(name.startswith(item) for name in offered)), "")
    shapes = {name.removeprefix(prefix): shape for name, shape in offered.items()}
    # A head of any number of classes fits.
    head = {name: (*shapes[name][:1], *shape[1:]) if name in shapes else shape for name, shape in outline.head.items()}
    wanted = {**outline.extractor, **(head if any(name in shapes for name in head) else {})}
    auxiliary = [name for name in shapes if name.startswith(AUXILIARY)]
    missing = [name for name in wanted if name not in shapes and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in shapes if name not in wanted and name not in auxiliary]
    misshapen = [name for name in wanted if name in shapes and shapes[name] != wanted[name]]
    groups = {
        "missing": missing,
        "mis-shaped": [f"{name} {shapes[name]} for {wanted[name]}" for name in misshapen],
        "unexpected": unexpected,
    }
    if any(groups.values()):
        listed = "; ".join(
            f"{kind} {len(names)}: {', '.join(names[:3])}{', ...' * (len(names) > 3)}"
            for kind, names in groups.items()
            if names
        )
        raise WeightsError(f"{what} do not fit {label}: {listed}.{hint}")
    matched = sum(name in shapes for name in outline.extractor)
    dropped = tuple(sorted(name for name in shapes if name not in outline.extractor))
    return Fit(prefix, matched, len(outline.extractor), dropped)


def load(weights: Mapping[str, Tensor], model: nn.Module, outline: Outline, label: str) -> None:
    """Load weights of any float type into a model without classifier; raise WeightsError where they do not fit."""
    found = compare({name: tuple(value.shape) for name, value in weights.items()}, outline, "the weights", label)
    plain = {name.removeprefix(found.prefix): value for name, value in weights.items()}
    own = model.state_dict()  # fills in what may be missing: batch norm's counters in old files
    model.load_state_dict({name: plain.get(name, value) for name, value in own.items()}, strict=True)
