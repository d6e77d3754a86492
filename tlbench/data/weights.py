"""Read weights files safely, compare them with a network tensor by tensor, and load them only where they fit.

For authors of backbones: `read_header` and `compare` when a backbone is found, `compare` and `load` when it is built.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from tlbench.errors import WeightsError
from tlbench.names import near_miss

if TYPE_CHECKING:
    from torch import Tensor, nn

TensorShapes = Mapping[str, tuple[int, ...]]

_STATED_DATA = ("pretrained_on", "trained_on", "dataset")  # metadata keys that name the upstream data
_PICKLE_ENDINGS = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".tar")
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")  # a bare pickle; the zip of torch.save


@dataclass(frozen=True)
class WeightsHeader:
    """Hold what a safetensors file says before any tensor is read."""

    path: Path
    shapes: TensorShapes
    metadata: Mapping[str, str]

    @property
    def pretrained_on(self) -> str:
        """Return the upstream data as the metadata state them."""
        stated = [self.metadata[key] for key in _STATED_DATA if key in self.metadata]
        return stated[0] if stated else f"unknown ({self.path.name})"


@dataclass(frozen=True)
class WeightsFit:
    """Compare a file's tensors with a network's, in counts and names."""

    expected: int  # tensors of the network
    matched: int
    missing: tuple[str, ...]
    misshapen: tuple[str, ...]
    unexpected: tuple[str, ...]
    dropped: tuple[str, ...]  # left over and not needed, such as a classifier
    prefix: str = ""  # taken off the file's names
    converted: str = ""  # by what, where the tensors were changed before they were compared

    @property
    def fits(self) -> bool:
        """Tell whether every tensor of the network is there and none is left over that should not be."""
        return not (self.missing or self.misshapen or self.unexpected)

    @property
    def count(self) -> str:
        """Return how many tensors match: `98 of 120`."""
        return f"{self.matched} of {self.expected}"

    def describe(self) -> dict[str, Any]:
        """Return the comparison as plain data, for records."""
        facts: dict[str, Any] = {"matched": self.count, "dropped": list(self.dropped)}
        if self.prefix:
            facts["prefix_removed"] = self.prefix
        if self.converted:
            facts["converted"] = self.converted
        return facts

    def __str__(self) -> str:
        """Say on one line what does not fit: `missing 22: a, b, c, ...; unexpected 1: d`."""
        groups = {"missing": self.missing, "mis-shaped": self.misshapen, "unexpected": self.unexpected}
        return "; ".join(f"{kind} {len(names)}: {_few(names)}" for kind, names in groups.items() if names)


def read_weights_header(path: Path) -> WeightsHeader:
    """Return names, shapes and metadata of a safetensors file, without torch.

    Raises WeightsError for a missing file (with the nearest name), a pickle, and a broken file.
    """
    with _refusing(path), safe_open(str(path), framework="numpy") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        return WeightsHeader(path, shapes, dict(file.metadata() or {}))


def read_weights(path: Path) -> "Mapping[str, Tensor]":
    """Return the tensors of a safetensors file, on the CPU; raises WeightsError as `read_header` does."""
    from safetensors.torch import load_file

    with _refusing(path):
        tensors: Mapping[str, Tensor] = load_file(path)
    return tensors


def shapes_of(tensors: "Mapping[str, Tensor]") -> TensorShapes:
    """Return the shape of each tensor."""
    return {name: tuple(value.shape) for name, value in tensors.items()}


def compare_weights(
    offered: TensorShapes, wanted: TensorShapes, spare: Callable[[str], bool] | None = None, prefix: str = ""
) -> WeightsFit:
    """Compare a file's tensors with a network's, after `prefix` is taken off the file's names.

    A tensor that the network has not is unexpected, unless `spare` says of its name that it may be dropped. Batch
    norm's counters may be missing: files from before it counted batches have none.
    """
    shapes = _without(prefix, offered)
    shared = [name for name in wanted if name in shapes]
    misshapen = [name for name in shared if shapes[name] != wanted[name]]
    rest = [name for name in shapes if name not in wanted]
    dropped = [name for name in rest if spare is not None and spare(name)]
    absent = [name for name in wanted if name not in shapes]
    return WeightsFit(
        expected=len(wanted),
        matched=len(shared) - len(misshapen),
        missing=tuple(name for name in absent if not name.endswith("num_batches_tracked")),
        misshapen=tuple(f"{name} {shapes[name]} for {wanted[name]}" for name in misshapen),
        unexpected=tuple(name for name in rest if name not in dropped),
        dropped=tuple(sorted(dropped)),
        prefix=prefix,
    )


def load_weights(weights: "Mapping[str, Tensor]", model: "nn.Module", fit: WeightsFit) -> None:
    """Load weights of any float type that fit a model; counters that they lack stay the model's own."""
    named = _without(fit.prefix, weights)
    own = model.state_dict()
    model.load_state_dict({name: named.get(name, value) for name, value in own.items()}, strict=True)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a file into a WeightsError."""
    if not path.is_file():
        raise _missing(path)
    try:
        yield
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None


def _missing(path: Path) -> WeightsError:
    what = f"weights file {path} {'is a folder' if path.is_dir() else 'does not exist'}."
    if not path.parent.is_dir():
        return WeightsError(f"{what} There is no folder {path.parent} either.")
    return WeightsError(what + near_miss(path.name, [item.name for item in path.parent.iterdir() if item != path]))


def _unreadable(path: Path, error: Exception) -> WeightsError:
    what = f"weights file {path} is no whole safetensors file"
    if _is_pickle(path):
        return WeightsError(
            f"{what}: it is a pickle, and reading a pickle can run any code that is in it. Convert it once, where you "
            f'trust it: python -c "import torch, safetensors.torch as s; '
            f"w = torch.load('{path.name}', map_location='cpu', weights_only=True); "
            f"s.save_file({{k: v.contiguous() for k, v in w.get('state_dict', w).items()}}, "
            f"'{path.stem}.safetensors')\""
        )
    return WeightsError(
        f"{what} ({' '.join(str(error).split())}). Was its download cut off? It has {path.stat().st_size:,} bytes. "
        f"Convert other formats with safetensors.torch.save_file where you trust them: reading a pickle can run any "
        f"code that is in it."
    )


def _is_pickle(path: Path) -> bool:
    """Whether a file that is no whole safetensors file is a pickle."""
    if path.suffix.lower() in _PICKLE_ENDINGS:
        return True
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        return False
    # safetensors start with the length of their header, which may begin with any byte, and then a bracket.
    return start.startswith(_PICKLE_STARTS) and start[8:] != b"{"


def _without(prefix: str, named: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in named.items()}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
