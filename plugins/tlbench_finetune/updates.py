"""Learn updates of frozen weights: added to them while training, merged into them afterwards."""

from collections.abc import Callable, Iterable

from torch import nn
from torch.nn.utils import parametrize


def attach(layers: Iterable[nn.Module], update: Callable[[nn.Module], nn.Module]) -> list[nn.Module]:
    """Let each layer work with `update(layer)` of its weight, and return the layers.

    The layer itself stays what it is, so that padding and whatever else its class does hold for the update too.
    """
    layers = list(layers)
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", update(layer))
    return layers


def merge(layers: Iterable[nn.Module]) -> None:
    """Put the updated weights in the place of the frozen ones; the layers are plain again."""
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
