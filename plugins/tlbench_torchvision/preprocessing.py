"""Settle how an image becomes an input: size, crop, interpolation, normalisation, and who said so."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator

from tlbench import ParameterError, WeightsError, construct, parse_value


def _thrice(value: object) -> object:
    values = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if len(values) not in (1, 3):
        raise ValueError("must be one number or three")
    return tuple(values * 3 if len(values) == 1 else values)


_Mean = Annotated[float, Ge(0), Le(1)]
_Deviation = Annotated[float, Gt(0), Le(1)]


@dataclass(frozen=True)
class Preprocessing:
    """Hold the settings of torchvision's evaluation presets; the names are timm's, as elsewhere in tlbench."""

    input_size: Annotated[int, Ge(1)]  # side of the square that the network sees
    crop_pct: Annotated[float, Gt(0), Le(1)]  # share of the resized image's shorter side that the crop keeps
    interpolation: Literal["nearest", "bilinear", "bicubic"]
    mean: Annotated[tuple[_Mean, _Mean, _Mean], BeforeValidator(_thrice)]  # of inputs in [0, 1]
    std: Annotated[tuple[_Deviation, _Deviation, _Deviation], BeforeValidator(_thrice)]

    @property
    def resize_size(self) -> int:
        """Return the shorter side after resizing."""
        return round(self.input_size / self.crop_pct)

    @property
    def key(self) -> str:
        """Name everything that decides the encoded bytes."""
        return f"torchvision/{self.input_size}/{self.resize_size}/{self.interpolation}/rgb/1"

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def settle(
    name: str, given: Mapping[str, object], metadata: Mapping[str, str], published: Mapping[str, object]
) -> tuple[Preprocessing, dict[str, str]]:
    """Return the settings and where each came from: the name, else the weights file, else torchvision.

    Raises ParameterError or WeightsError for a value that makes no sense in the name or in the file.
    """
    keys = [field.name for field in fields(Preprocessing)]
    stated = {key: _read(metadata[key]) for key in keys if key in metadata and key not in given}
    try:
        construct(Preprocessing, "backbone", name, {**published, **stated})
    except ParameterError as error:
        raise WeightsError(f"the metadata of the weights make no sense: {error} Give a value in the name.") from None
    settings = construct(Preprocessing, "backbone", name, {**published, **stated, **given})
    return settings, {key: "name" if key in given else "file" if key in stated else "torchvision" for key in keys}


def _read(text: str) -> object:
    """Read what a file says: `224`, `(3, 224, 224)` of a size, `0.485,0.456,0.406`."""
    value = parse_value(text.strip("[]() "))
    if isinstance(value, tuple) and len(value) == 3 and value[0] == 3 and value[1] == value[2]:
        return value[2]
    return value
