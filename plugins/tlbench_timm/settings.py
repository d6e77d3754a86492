"""Settle a model from its name, a weights file's metadata and timm's config, in this order of precedence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
from timm.models import PretrainedCfg

from tlbench import ParameterError, WeightsError, parse_value
from tlbench_timm.architecture import Arguments, options
from tlbench_timm.preprocessing import NAMED_KEYS, Preprocessing, resolve


@dataclass(frozen=True)
class Settings:
    """Hold everything that decides how the network is built and what it is shown."""

    arguments: Arguments
    preprocessing: Preprocessing
    origins: Mapping[str, str]  # setting to `name`, `backbone`, `file` or `timm`
    config: Any  # timm's PretrainedCfg
    ignored: Mapping[str, str]  # hints of the file that would change the outputs, and that this network cannot follow


def settle(
    timm_name: str, given: Mapping[str, object], shipped: Mapping[str, object], metadata: Mapping[str, str]
) -> Settings:
    """Return the settings of a backbone; raise ParameterError or WeightsError for values that make no sense.

    `given` comes from the user, `shipped` from a backbone of the package, `metadata` from a weights file.
    """
    named = {
        **{key: value for key, value in shipped.items() if not (key == "input_size" and "img_size" in given)},
        **given,
    }
    config = timm.get_pretrained_cfg(timm_name) or PretrainedCfg()
    chosen, origins = resolve(named, metadata, config, timm_name, _in_chans(named, timm_name))
    arguments = {key: value for key, value in named.items() if key not in NAMED_KEYS}
    origins |= dict.fromkeys(arguments, "name")
    hints, ignored = _hinted_arguments(timm_name, metadata)
    for key, value in hints.items():
        if key not in arguments:
            arguments[key], origins[key] = value, "file"
    origins |= {key: "backbone" for key in shipped if key not in given}
    if config.fixed_input_size and chosen.input_size != tuple(config.input_size[-2:]):
        arguments.setdefault("img_size", chosen.input_size)
    return Settings(tuple(sorted(arguments.items())), chosen, origins, config, ignored)


def _in_chans(named: Mapping[str, object], timm_name: str) -> int:
    value = named.get("in_chans", 3)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"parameter 'in_chans' of backbone {timm_name!r} must be a number of channels from 1 on.")
    return value


def _hinted_arguments(timm_name: str, metadata: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """Return the arguments that a weights file asks for, and those that the architecture does not have."""
    hints: dict[str, object] = {}
    ignored: dict[str, str] = {}
    known = options(timm_name)
    if "width" in known and parse_value(metadata.get("width", "1")) != 1:
        hints["width"] = parse_value(metadata["width"])  # elsewhere the tensors' shapes show a wrong width
    if metadata.get("pad_type"):
        (hints if "pad_type" in known else ignored)["pad_type"] = metadata["pad_type"]
    return hints, ignored


def require_followed(settings: Settings, label: str) -> None:
    """Raise WeightsError for a hint that cannot be followed: outputs would be wrong, and nothing would crash."""
    for key, value in settings.ignored.items():
        raise WeightsError(f"the weights of {label} ask for {key}={value}, which this architecture does not take.")
