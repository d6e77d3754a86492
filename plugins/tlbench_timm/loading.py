"""Load weights into networks: the comparison, with timm's own conversions as further tries, and the loading itself.

Those conversions are the filter that timm puts before checkpoints of a model, and its adaptation of a first
convolution of three channels to a network of another number.
"""

import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import timm
from timm.models import adapt_input_conv
from torch import Tensor, nn

from tlbench import (
    TensorShapes,
    WeightsError,
    WeightsFit,
    WeightsHeader,
    compare_weights,
    load_weights,
    read_weights,
    shapes_of,
)

Tensors = Mapping[str, Tensor]

# What wrappers and training scripts put before a network's own names; two of them may be nested.
_PREFIXES = ("module.", "model.", "backbone.", "network.", "encoder.")


def check_file(path: Path, header: WeightsHeader, model: nn.Module, head: frozenset[str], label: str) -> WeightsFit:
    """Return how a file fits; raise WeightsError, on one line, where it does not.

    The shapes in the header decide; tensors are read only where timm may have to convert a foreign checkpoint.
    """
    found, _ = _match(header.shapes, lambda: read_weights(path), model, head)
    if not found.fits:
        hint = _suggestion(header.metadata, model)
        raise WeightsError(f"weights {path} do not fit {label}: {found.count} tensors match; {found}.{hint}")
    return found


def load(weights: Tensors, model: nn.Module, head: frozenset[str], label: str) -> None:
    """Load weights of any float type into a model; raise WeightsError where they do not fit."""
    found, tensors = _match(shapes_of(weights), lambda: weights, model, head)
    if not found.fits:
        raise WeightsError(f"the weights do not fit {label}: {found.count} tensors match; {found}.")
    load_weights(tensors(), model, found)


def count_classes(weights: Tensors, classifier: str | tuple[str, ...] | None, label: str) -> int:
    """Return the number of outputs of the classifier head in the weights."""
    first = classifier if isinstance(classifier, str) or classifier is None else classifier[0]
    for name, tensor in weights.items():
        if first is not None and f".{name}".endswith(f".{first}.weight"):
            return int(tensor.shape[0])
    raise WeightsError(f"the weights of {label} carry no classifier head ({first}.weight).")


def _match(
    shapes: TensorShapes, read: Callable[[], Tensors], model: nn.Module, head: frozenset[str]
) -> tuple[WeightsFit, Callable[[], Tensors]]:
    """Compare as they are, then as timm converts them; return the fit and how to get the tensors it speaks of."""
    wanted = shapes_of(model.state_dict())
    found = _fit(shapes, wanted, head)
    if found.fits:
        return found, read
    tries: tuple[tuple[str, Callable[[Tensors], Tensors]], ...] = (
        ("timm checkpoint_filter_fn", lambda tensors: _convert(tensors, model)),
        ("first convolution by timm adapt_input_conv", lambda tensors: _adapt(tensors, model)),
        (
            "timm checkpoint_filter_fn; first convolution by timm adapt_input_conv",
            lambda tensors: _adapt(_convert(tensors, model), model),
        ),
    )
    given = read()
    for said, convert in tries:
        converted = convert(given)
        fit = _fit(shapes_of(converted), wanted, head)
        if fit.fits:
            return replace(fit, converted=said), partial(dict, converted)
    return found, read


def _fit(offered: TensorShapes, extractor: TensorShapes, head: frozenset[str]) -> WeightsFit:
    """Compare a file's tensors with a network's; a prefix is taken off where that makes everything fit."""
    parts = {name.partition(".")[0] for name in extractor}

    def spare(name: str) -> bool:
        # `layer1.2.conv1.weight` in a network that has a layer1 is a deeper network's; `projection.weight` where
        # nothing is called so lies behind the features.
        return name in head or name.partition(".")[0] not in parts

    plain = compare_weights(offered, extractor, spare)
    if plain.fits:
        return plain
    pairs = ("".join(pair) for pair in itertools.permutations(_PREFIXES, 2))
    present = [prefix for prefix in (*_PREFIXES, *pairs) if any(name.startswith(prefix) for name in offered)]
    stripped = (compare_weights(offered, extractor, spare, prefix) for prefix in present)
    return next((found for found in stripped if found.fits), plain)


def _convert(weights: Tensors, model: nn.Module) -> Tensors:
    """Apply the filter that timm puts before checkpoints of this model (renaming, resized position embeddings)."""
    convert = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return {}
    try:
        return dict(convert(dict(weights), model))
    except Exception:  # written for known checkpoints, it may stumble over any other
        return {}


def _adapt(weights: Tensors, model: nn.Module) -> Tensors:
    """Change first convolutions of three channels to the model's number, as timm does with pretrained weights."""
    named = model.pretrained_cfg.get("first_conv") or ()  # type: ignore[union-attr,operator]
    names = [named] if isinstance(named, str) else list(named)
    own = model.state_dict()
    adapted = dict(weights)
    for name in names:
        wanted = own.get(f"{name}.weight")
        for key in [key for key in weights if f".{key}".endswith(f".{name}.weight")]:
            if wanted is None or wanted.ndim != 4 or weights[key].ndim != 4 or weights[key].shape[1] != 3:
                continue
            if wanted.shape[1] != 3:
                adapted[key] = adapt_input_conv(int(wanted.shape[1]), weights[key])
    return adapted


def _suggestion(metadata: Mapping[str, str], model: nn.Module) -> str:
    """Name the architecture that the file says it is for, and timm's nearest name for it."""
    said = metadata.get("arch") or metadata.get("architecture")
    own = model.pretrained_cfg["architecture"]  # type: ignore[index]
    if not said or said == own:
        return ""
    known = timm.list_models()
    close = said if said in known else next((name for name in known if name.startswith(f"{said}_")), own)
    return f" The file says it is for {said!r}." + (f" Did you mean {close!r}?" if close != own else "")
