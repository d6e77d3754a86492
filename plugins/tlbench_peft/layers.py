"""Find the layers of a backbone that peft can adapt so that training and merging mean the same."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

from torch import nn

Layers = Literal["linear", "conv", "all"]
Fits = Callable[[nn.Conv2d], bool]


def adaptable(network: nn.Module, layers: Layers, fits: Fits) -> dict[str, nn.Module]:
    """Return linear layers, and the 2-d convolutions that a method `fits`, by their names in the network.

    An adapter takes the place of a layer's forward pass and is merged into its weight in the end, so both must be
    the layer's own: subclasses with another forward pass (padding computed anew, standardised weights), layers
    or weights that stand in two places, parametrised weights and the inside of nn.MultiheadAttention, whose weights
    are read without a call, are left out.
    """
    wanted = {"linear": (nn.Linear,), "conv": (nn.Conv2d,), "all": (nn.Linear, nn.Conv2d)}[layers]
    places = Counter(id(layer) for _, layer in network.named_modules(remove_duplicate=False))
    owners = Counter(id(tensor) for _, tensor in network.named_parameters(remove_duplicate=False))
    inside = {
        id(part) for layer in network.modules() if isinstance(layer, nn.MultiheadAttention) for part in layer.modules()
    }
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, wanted)
        and _plain(layer)
        and places[id(layer)] == 1
        and id(layer) not in inside
        and all(owners[id(tensor)] == 1 for tensor in layer.parameters(recurse=False))
        and (isinstance(layer, nn.Linear) or fits(layer))
    }


def _plain(layer: nn.Module) -> bool:
    """Whether a layer computes what PyTorch's own class does, with a weight of its own."""
    if "weight" not in dict(layer.named_parameters(recurse=False)):
        return False
    cls = type(layer)
    if isinstance(layer, nn.Linear):
        return cls.forward is nn.Linear.forward
    same = cls.forward is nn.Conv2d.forward and cls._conv_forward is nn.Conv2d._conv_forward
    return same and layer.padding_mode == "zeros"
