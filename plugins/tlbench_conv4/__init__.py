"""Offer the four-block convolutional backbone of the few-shot literature, for Omniglot and miniImageNet."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tlbench import hookimpl

if TYPE_CHECKING:
    from tlbench import Backbone


@hookimpl
def tlbench_backbones() -> "Iterable[Backbone]":
    """Return Conv4 as for Omniglot, and as the relation network has it."""
    from tlbench_conv4.backbone import Conv4, RelationConv4

    return [Conv4(), RelationConv4()]
