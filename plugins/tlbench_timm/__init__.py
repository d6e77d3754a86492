"""Offer backbones of timm: any architecture by name, with weights of the hub, of a local file, or a random start."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Backbone, BackboneFamily


@hookimpl
def tlbench_backbones() -> "Iterable[Backbone | BackboneFamily]":
    """Return the family of all timm models, and the small backbone that comes with it."""
    from tlbench_timm.family import TimmFamily
    from tlbench_timm.shipped import glyphs_backbone

    return [TimmFamily(), glyphs_backbone()]


@hookimpl
def tlbench_environment() -> Mapping[str, str]:
    """Return timm's version, since it decides the architectures and their preprocessing."""
    from importlib.metadata import version

    return {"timm": version("timm")}
