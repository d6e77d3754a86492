"""Take weights out of an installed package: compare their digest, rename them as timm does, keep them in the cache."""

import hashlib
import io
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from tlbench import WeightsError, default_cache_folder, write_atomically
from tlbench_timm.architecture import outline
from tlbench_timm.packages import Package

_CLASSES = 1000


def weights_of(package: Package, label: str) -> Path:
    """Return a safetensors file with a package's weights; no code of the package is imported.

    Raises WeightsError where the package or its file is absent, is another, or does not fit this timm.
    """
    tensors = torch.load(io.BytesIO(_read(package, label)), map_location="cpu", weights_only=True)
    content = save(_renamed(tensors, package, label))
    path = default_cache_folder() / "weights" / f"{label}.safetensors"
    if not path.is_file() or path.read_bytes() != content:
        _keep(path, content, label)
    return path


def _read(package: Package, label: str) -> bytes:
    """Return the file as it was installed, if it is the one that is known."""
    try:
        path = Path(str(distribution(package.distribution).locate_file(package.file)))
    except PackageNotFoundError:
        raise WeightsError(f"the weights of {label} are not installed: {package.install}") from None
    again = package.install.replace("install", "install --force-reinstall --no-deps", 1)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the weights of {label}, {path}: {error.strerror}. Try {again}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        raise WeightsError(
            f"the weights of {label}, {path}, are not those of {package.distribution} {package.version}: their "
            f"SHA-256 is {found[:12]}… and not {package.sha256[:12]}…; they were not opened. Try {again}"
        )
    return content


def _renamed(tensors: Mapping[str, Tensor], package: Package, label: str) -> dict[str, Tensor]:
    """Return the tensors under timm's names: they stand in the same order, and each must have the shape of its name."""
    wanted = outline(package.architecture, (), _CLASSES).state_dict()
    pairs = list(zip(tensors.items(), wanted.items(), strict=False))
    fitting = [
        own.rpartition(".")[2] == name.rpartition(".")[2] and tensor.shape == like.shape
        for (own, tensor), (name, like) in pairs
    ]
    if len(tensors) != len(wanted) or not all(fitting):
        raise WeightsError(
            f"the weights of {label} do not fit {package.architecture} of the installed timm: {sum(fitting)} of "
            f"{len(wanted)} tensors match in order, of {len(tensors)} in the file. Install another release of timm."
        )
    return {name: tensor.contiguous() for (_, tensor), (name, _) in pairs}


def _keep(path: Path, content: bytes, label: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"cannot keep the weights of {label} in {path.parent}: {error.strerror}. "
            "Set TLBENCH_CACHE to another folder."
        ) from None
    write_atomically(path, content)
