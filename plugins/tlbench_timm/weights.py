"""Weights files: read safely, compared with the network tensor by tensor, loaded only where they fit."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from tlbench import WeightsError
from tlbench.names import near_miss

Shapes = Mapping[str, tuple[int, ...]]

_PICKLE_ENDINGS = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".tar")
_PICKLE_STARTS = (b"\x80", b"PK\x03\x04")  # a bare pickle; the zip of torch.save
# What wrappers and training scripts put before a network's own names; two of them may be nested.
_PREFIXES = ("module.", "model.", "backbone.", "network.", "encoder.")


@dataclass(frozen=True)
class Header:
    """What a safetensors file says before any tensor is read."""

    shapes: Shapes
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Fit:
    """How a file's tensors compare with a network's."""

    expected: int  # tensors of the feature extractor
    matched: int
    missing: tuple[str, ...]
    misshapen: tuple[str, ...]
    unexpected: tuple[str, ...]  # would belong to the feature extractor, but it has no such tensor
    dropped: tuple[str, ...]  # the classifier head, and what lies outside the network
    prefix: str = ""  # taken off the file's names
    converted: bool = False  # by timm's own filter for foreign checkpoints

    @property
    def fits(self) -> bool:
        """Whether every tensor of the feature extractor is there and none is left over."""
        return not (self.missing or self.misshapen or self.unexpected)

    def describe(self) -> dict[str, Any]:
        """Return the comparison as plain data, for records."""
        facts: dict[str, Any] = {"matched": f"{self.matched} of {self.expected}", "dropped": list(self.dropped)}
        if self.prefix:
            facts["prefix_removed"] = self.prefix
        if self.converted:
            facts["converted"] = "timm checkpoint_filter_fn"
        return facts

    def __str__(self) -> str:
        """Say it in one line: `98 of 120 tensors match; missing 22: a, b, c, ...`."""
        groups = {"missing": self.missing, "mis-shaped": self.misshapen, "unexpected": self.unexpected}
        parts = [f"{kind} {len(names)}: {_few(names)}" for kind, names in groups.items() if names]
        return "; ".join([f"{self.matched} of {self.expected} tensors match", *parts])


def read_header(path: Path) -> Header:
    """Return names, shapes and metadata of a safetensors file.

    Raises WeightsError for a missing file (with the nearest name), a pickle, and a broken file.
    """
    _refuse_missing(path)
    _refuse_pickle(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            return Header(shapes, dict(file.metadata() or {}))
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights file {path} is no whole safetensors file ({' '.join(str(error).split())}). "
            f"Was its download cut off? It has {path.stat().st_size:,} bytes."
        ) from None


def _refuse_missing(path: Path) -> None:
    if path.is_file():
        return
    what = "is a folder" if path.is_dir() else "does not exist"
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    where = "" if path.parent.is_dir() else f" There is no folder {path.parent} either."
    raise WeightsError(f"weights file {path} {what}.{near_miss(path.name, siblings)}{where}")


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    if path.suffix.lower() not in _PICKLE_ENDINGS and not start.startswith(_PICKLE_STARTS):
        return
    raise WeightsError(
        f"weights file {path} is a pickle, and reading a pickle can run any code that is in it. Convert it once, where "
        f'you trust it: python -c "import torch, safetensors.torch as s; '
        f"w = torch.load('{path.name}', map_location='cpu', weights_only=True); "
        f"s.save_file({{k: v.contiguous() for k, v in w.get('state_dict', w).items()}}, '{path.stem}.safetensors')\""
    )


def fit(offered: Shapes, extractor: Shapes, head: frozenset[str]) -> Fit:
    """Compare a file's tensors with a network's; a prefix is taken off where that makes everything fit."""
    pairs = ("".join(pair) for pair in itertools.permutations(_PREFIXES, 2))
    present = [prefix for prefix in (*_PREFIXES, *pairs) if any(name.startswith(prefix) for name in offered)]
    plain = _compare(offered, extractor, head)
    if plain.fits:
        return plain
    stripped = (replace(_compare(_strip(offered, prefix), extractor, head), prefix=prefix) for prefix in present)
    return next((found for found in stripped if found.fits), plain)


def strip(tensors: Mapping[str, Any], found: Fit, wanted: Shapes) -> dict[str, Any]:
    """Return the tensors that the network wants, under its names."""
    return {name: value for name, value in _strip(tensors, found.prefix).items() if name in wanted}


def _strip(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): value for name, value in tensors.items()}


def _compare(offered: Shapes, extractor: Shapes, head: frozenset[str]) -> Fit:
    parts = {name.partition(".")[0] for name in extractor}
    rest = [name for name in offered if name not in extractor]
    # `layer1.2.conv1.weight` in a network that has a layer1 is a deeper network's; `projection.weight` where nothing is
    # called so lies behind the features.
    dropped = [name for name in rest if name in head or name.partition(".")[0] not in parts]
    shared = [name for name in extractor if name in offered]
    misshapen = [name for name in shared if offered[name] != extractor[name]]
    absent = [name for name in extractor if name not in offered]
    return Fit(
        expected=len(extractor),
        matched=len(shared) - len(misshapen),
        missing=tuple(name for name in absent if not name.endswith("num_batches_tracked")),
        misshapen=tuple(f"{name} {offered[name]} for {extractor[name]}" for name in misshapen),
        unexpected=tuple(name for name in rest if name not in dropped),
        dropped=tuple(sorted(dropped)),
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
