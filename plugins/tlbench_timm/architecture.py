"""Look into timm's architectures: which arguments they take, and what tensors they hold."""

import inspect
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import timm
import torch
from timm.models import efficientnet
from torch import Tensor, nn

from tlbench import ParameterError, TensorShapes, near_miss, shapes_of
from tlbench_timm.preprocessing import NAMED_KEYS

Arguments = tuple[tuple[str, object], ...]  # sorted; hashable, so that what is learnt of a network is kept

_RESERVED = frozenset(  # tlbench's to decide, or without meaning for features
    (
        *(
            "self",
            "kwargs",
            "num_classes",
            "device",
            "dtype",
            "features_only",
            "out_indices",
            "feature_cls",
        ),
        *("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "pretrained_strict", "pretrained_model_args"),
        *("checkpoint_path", "cache_dir", "scriptable", "exportable", "no_jit"),
    )
)
# timm fixes the width in the entries' names; its generators behind them take any.
WIDTH_GENERATORS = {"mobilenetv1_100": "_gen_mobilenet_v1", "mobilenetv2_100": "_gen_mobilenet_v2"}
_SYNONYMS = {"channel_multiplier": "width"}  # timm's word inside those generators
_PAD_TYPES = ("", "same", "valid")


@dataclass(frozen=True)
class Structure:
    """Describe what a network is made of, learnt without allocating it."""

    feature_dim: int
    extractor: TensorShapes  # name to shape of everything but the classifier head
    head: frozenset[str]  # names of the classifier head's tensors


def create(name: str, arguments: Arguments, num_classes: int = 0) -> nn.Module:
    """Return timm's model, randomly started from torch's global generator; without a head for no classes."""
    given: dict[str, Any] = dict(arguments)
    width = given.pop("width", None)
    if width is None:
        model: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes, **given)
    else:
        architecture = name.partition(".")[0]
        generate = getattr(efficientnet, WIDTH_GENERATORS[architecture])
        model = generate(architecture, channel_multiplier=width, num_classes=num_classes, **given)
    return model


@lru_cache(maxsize=64)
def options(name: str) -> tuple[str, ...]:
    """Return the arguments of a user's `name(argument=value)` that this architecture is known to take."""
    model = outline(name, (), 0)
    taken = [key for key in inspect.signature(type(model).__init__).parameters if key not in _RESERVED]
    taken = list(dict.fromkeys((*taken, "in_chans")))  # of some models only timm's own builder names it
    return (*taken, "width") if name.partition(".")[0] in WIDTH_GENERATORS else tuple(taken)


@lru_cache(maxsize=64)
def structure(name: str, arguments: Arguments, size: tuple[int, int]) -> Structure:
    """Return what the network is made of; raise ParameterError where it cannot be built or used."""
    _check_arguments(name, arguments)
    extractor = shapes_of(outline(name, arguments, 0).state_dict())
    full = shapes_of(outline(name, arguments, 2).state_dict())
    return Structure(_feature_dim(name, arguments, size), extractor, frozenset(full) - frozenset(extractor))


def _check_arguments(name: str, arguments: Arguments) -> None:
    given = dict(arguments)
    for key, value in arguments:
        if key in _RESERVED:
            raise ParameterError(f"backbone {name!r}: {key!r} is set by tlbench and cannot be given.")
        if key == "width" and "width" not in options(name):
            raise _unknown_argument(name, key)
        if key == "width" and (isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0):
            raise ParameterError(f"parameter 'width' of backbone {name!r} must be a number above 0, got {value!r}.")
    if given.get("pad_type", "") not in _PAD_TYPES:  # timm takes any other word for its default, without a word
        raise ParameterError(f"parameter 'pad_type' of backbone {name!r} must be 'same', 'valid' or ''.")


@lru_cache(maxsize=16)
def outline(name: str, arguments: Arguments, num_classes: int) -> nn.Module:
    """Return a network without memory for its tensors, to look at; it is built once, off torch's generator."""
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                return create(name, arguments, num_classes)
        except Exception:  # some models of older timm compute with numbers while they are built
            return _create_checked(name, arguments, num_classes)


def _create_checked(name: str, arguments: Arguments, num_classes: int = 0) -> nn.Module:
    try:
        return create(name, arguments, num_classes)
    except Exception as error:  # whatever a user's argument sets off inside timm
        unknown = _refused(error)
        if unknown in dict(arguments):
            raise _unknown_argument(name, unknown) from None
        written = ", ".join(f"{key}={value}" for key, value in arguments)
        raise ParameterError(f"timm cannot build {name}({written}): {_one_line(error)}.") from None


def _refused(error: Exception) -> str:
    """Return the argument that timm's builders do not take: they pass it on, or set it themselves, or look it up."""
    if isinstance(error, KeyError):
        return str(error.args[0])
    found = re.search(r"(?:unexpected keyword|multiple values for(?: keyword)?) argument '(\w+)'", str(error))
    return found[1] if found else ""


def _unknown_argument(name: str, key: str) -> ParameterError:
    known = [*NAMED_KEYS, *options(name)]
    meant = _SYNONYMS.get(key, key)
    near = f" Did you mean {meant!r}?" if meant in known else near_miss(key, known)
    return ParameterError(
        f"backbone {name!r} has no parameter {key!r}.{near} It has: {', '.join(dict.fromkeys(known))}."
    )


def _feature_dim(name: str, arguments: Arguments, size: tuple[int, int]) -> int:
    """Return the width of the features, from a trial run: for some models num_features is another's width."""
    with torch.random.fork_rng(devices=[]):
        try:
            features = _trial(outline(name, arguments, 0), arguments, size)
        except Exception:  # an operation that needs real tensors, such as an LSTM; or no network for this size
            features = _real_trial(name, arguments, size)
    if not isinstance(features, Tensor) or features.ndim != 2 or features.shape[1] == 0:
        found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise ParameterError(
            f"{name} gives {found} for two images, not one feature vector each: it does not pool. "
            f"Try global_pool=avg, or another architecture."
        )
    return int(features.shape[1])


def _real_trial(name: str, arguments: Arguments, size: tuple[int, int]) -> object:
    model = _create_checked(name, arguments)
    try:
        return _trial(model, arguments, size)
    except Exception as error:  # whatever an image of this size sets off inside the model
        raise ParameterError(f"{name} cannot take images of {size[0]}x{size[1]}: {_one_line(error)}.") from None


def _trial(model: nn.Module, arguments: Arguments, size: tuple[int, int]) -> object:
    channels: Any = dict(arguments).get("in_chans", 3)
    with torch.no_grad():
        return model.eval()(torch.zeros(2, channels, *size, device=next(model.parameters()).device))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
