"""Offer backbones and datasets of torchvision: classifiers with local weights or a random start, and their data."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import BackboneFamily, Dataset


@hookimpl
def tlbench_backbones() -> "Iterable[BackboneFamily]":
    """Return the family of torchvision's classification models."""
    from tlbench_torchvision.family import TorchvisionFamily

    return [TorchvisionFamily()]


@hookimpl
def tlbench_datasets() -> "Iterable[type[Dataset]]":
    """Return the one class for all of torchvision's classification datasets."""
    from tlbench_torchvision.datasets import TorchvisionDataset

    return [TorchvisionDataset]


@hookimpl
def tlbench_environment() -> Mapping[str, str]:
    """Return torchvision's version, since it decides the architectures and how images are resized."""
    from importlib.metadata import version

    return {"torchvision": version("torchvision")}
