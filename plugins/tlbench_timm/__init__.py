"""Offer backbones of timm: any architecture by name, with weights of the hub, a package or a file, or none."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Backbone, BackboneFamily


@hookimpl
def tlbench_backbones() -> "Iterable[Backbone | BackboneFamily]":
    """Return the family of all timm models, and those that come with weights: for letters, and for photographs."""
    from tlbench_timm.family import TimmFamily
    from tlbench_timm.packaged import packaged_backbones
    from tlbench_timm.shipped import glyphs_backbone

    return [TimmFamily(), glyphs_backbone(), *packaged_backbones()]


@hookimpl
def tlbench_environment() -> Mapping[str, str]:
    """Return timm's version, since it decides the architectures and their preprocessing."""
    from importlib.metadata import version

    return {"timm": version("timm")}
