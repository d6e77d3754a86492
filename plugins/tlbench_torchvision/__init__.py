"""Backbones of torchvision: its classification models by name, with weights of a local file or a random start."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import BackboneFamily


@hookimpl
def tlbench_backbones() -> "Iterable[BackboneFamily]":
    """Return the family of torchvision's classification models."""
    from tlbench_torchvision.family import TorchvisionFamily

    return [TorchvisionFamily()]


@hookimpl
def tlbench_environment() -> Mapping[str, str]:
    """Return torchvision's version, since it decides the architectures and how images are resized."""
    from importlib.metadata import version

    return {"torchvision": version("torchvision")}
