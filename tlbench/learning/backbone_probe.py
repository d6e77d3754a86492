"""Try a backbone on a few examples before anything is trained, so that a fault costs nothing."""

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract import Backbone
from tlbench.errors import PluginError
from tlbench.host import blamed
from tlbench.learning.determinism import seeded


def probe_features(backbone: Backbone, weights: Mapping[str, Tensor] | None, inputs: Tensor) -> float:
    """Return the seconds that a backbone's network takes for one of the encoded inputs (N, ...).

    Raise PluginError where it makes no features (N, feature_dim) of them.
    """
    with blamed(f"backbone {backbone.label}: build"), seeded(0):
        network = backbone.build(weights)
    if not isinstance(network, nn.Module):
        raise PluginError(
            f"backbone {backbone.label}: build returned {type(network).__name__}; it must return a torch.nn.Module."
        )
    with blamed(f"backbone {backbone.label}: the network"), torch.no_grad():
        start = time.perf_counter()
        features = network.eval()(inputs)
        seconds = time.perf_counter() - start
    fault = feature_fault(features, len(inputs), backbone.feature_dim)
    if fault:
        raise PluginError(f"backbone {backbone.label}: {fault}")
    return seconds / len(inputs)


def feature_fault(features: Any, count: int, feature_dim: int) -> str | None:
    """Say what is wrong with a network's output for `count` encoded inputs, and how to mend it, or None."""
    wanted = f"features are float32 ({count}, {feature_dim})"
    if isinstance(features, Mapping):
        return (
            f"the network returns a mapping with {', '.join(map(str, features))}; {wanted}. Return one of its tensors."
        )
    if isinstance(features, tuple | list):
        return f"the network returns {len(features)} values; {wanted}. Return one tensor."
    if not isinstance(features, Tensor):
        return f"the network returns {type(features).__name__}; {wanted}. Return a tensor."
    shape = tuple(features.shape)
    if len(shape) == 4:
        flat = shape[1] * shape[2] * shape[3]
        return (
            f"the network returns a map of shape {shape}; {wanted}. Pool it at the end of forward, return "
            f"maps.mean(dim=(2, 3)), with feature_dim = {shape[1]}; or flatten it, maps.flatten(1), with "
            f"feature_dim = {flat}."
        )
    if len(shape) == 3:
        return (
            f"the network returns a sequence of shape {shape}; {wanted}. Return one vector an example, "
            f"tokens.mean(dim=1), with feature_dim = {shape[2]}."
        )
    if len(shape) == 1 or shape[0] != count:
        return f"the network returns shape {shape}; {wanted}. Keep the batch's axis: no squeeze() or flatten(0)."
    if shape != (count, feature_dim):
        width = shape[1]
        return f"the network returns features of width {width}, and feature_dim says {feature_dim}. Set it to {width}."
    if features.dtype != torch.float32:
        return f"the network returns {features.dtype}; {wanted}. Write .float() at the end of forward."
    return None
