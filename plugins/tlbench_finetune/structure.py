"""Describe what a backbone's network is made of, so that a method can refuse it before any training."""

from collections.abc import Callable

import torch
from torch import nn

from tlbench import Backbone

_OUTLINES: dict[tuple[type, str, str], nn.Module] = {}


def outline(backbone: Backbone) -> nn.Module:
    """Return the backbone's network without memory for its tensors; built once, apart from the global generator."""
    key = (type(backbone), backbone.spec, backbone.version)
    if key not in _OUTLINES:
        with torch.random.fork_rng(devices=[]):
            _OUTLINES[key] = backbone.build(None).to("meta")
    return _OUTLINES[key]


def without(
    name: str, backbone: Backbone, wanted: str, found: Callable[[nn.Module], list], examples: str
) -> str | None:
    """Return a sentence where a method finds nothing of what it wants in a backbone, or None."""
    if found(outline(backbone)):
        return None
    return f"{name} needs a backbone with {wanted}; {backbone.label} has none. Choose one such as {examples}."


def norms(network: nn.Module) -> list[nn.Module]:
    """Return the normalisation layers that have a scale or a shift to learn.

    They are told by the names of their classes: many networks bring a normalisation of their own, and nothing
    else that these share.
    """
    return [
        layer
        for layer in network.modules()
        if any("norm" in each.__name__.lower() for each in type(layer).__mro__)
        and [parameter.dim() for parameter in layer.parameters(recurse=False)] in ([1], [1, 1])
    ]


def biases(network: nn.Module) -> list[nn.Parameter]:
    """Return the bias vectors, those of normalisation layers among them."""
    return [parameter for name, parameter in network.named_parameters() if name.endswith("bias")]


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    """Return the 2-d convolutions."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def linears(network: nn.Module) -> list[nn.Linear]:
    """Return the linear layers."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
