"""Settle how an image becomes an input: size, crop, interpolation, normalisation, and who said so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from tlbench import ParameterError, WeightsError, parse_value

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
_CROP_MODES = ("center", "squash", "border")


@dataclass(frozen=True)
class Preprocessing:
    """Hold the settings of timm's evaluation transform, under timm's names."""

    input_size: tuple[int, int]  # height, width
    crop_pct: float  # share of the resized image that the crop keeps
    crop_mode: str
    interpolation: str
    mean: tuple[float, ...]  # of inputs in [0, 1], by channel
    std: tuple[float, ...]

    @property
    def in_chans(self) -> int:
        """Return how many channels the network sees."""
        return len(self.mean)

    @property
    def key(self) -> str:
        """Name everything that decides the encoded bytes: `image/224/0.875/bicubic/center/rgb/1`."""
        height, width = self.input_size
        size = str(height) if height == width else f"{height}x{width}"
        # Only the border mode fills with the mean; elsewhere it is left out so that backbones share encoded data.
        fill = "-" + ",".join(f"{value:g}" for value in self.mean) if self.crop_mode == "border" else ""
        channels = {1: "grey", 3: "rgb"}.get(self.in_chans, f"{self.in_chans}-channels")
        return f"image/{size}/{self.crop_pct:g}/{self.interpolation}/{self.crop_mode}{fill}/{channels}/1"

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


KEYS = tuple(field.name for field in fields(Preprocessing))
NAMED_KEYS = (*KEYS, "img_size")  # what a user may write; timm calls the size by either name


def resolve(
    named: Mapping[str, object], hinted: Mapping[str, str], config: Any, label: str, in_chans: int = 3
) -> tuple[Preprocessing, dict[str, str]]:
    """Return the settings and where each came from: the name, else the weights file, else timm's config.

    Of mean and std for other than three channels, the name may give one for all or one each; what file and timm give
    for three is averaged, since nobody says which of the channels is red.

    Raises ParameterError or WeightsError for a value that makes no sense in the name or in the file.
    """
    if "img_size" in named:
        if "input_size" in named:
            raise ParameterError(f"backbone {label!r}: give input_size or img_size, not both; they are the same.")
        named = {"input_size": named["img_size"], **named}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key in KEYS:
        origins[key], value = _first(key, named, hinted, config)
        try:
            if key in _PER_CHANNEL:
                values[key] = _PER_CHANNEL[key](_spread(value, in_chans, origins[key]))
            else:
                values[key] = _CHECKS[key](value)
        except ValueError as error:
            if origins[key] == "file":
                raise WeightsError(
                    f"weights of {label!r}: {key!r} in the file's metadata {error}. Give {key}=... in the name."
                ) from None
            raise ParameterError(f"parameter {key!r} of backbone {label!r} {error}.") from None
    return Preprocessing(**values), origins


def _first(key: str, named: Mapping[str, object], hinted: Mapping[str, str], config: Any) -> tuple[str, object]:
    if key in named:
        return "name", named[key]
    if key in hinted:
        return "file", parse_value(hinted[key].strip("[]() "))
    return "timm", getattr(config, key)


def _numbers(value: object) -> list[float]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if any(isinstance(item, bool) or not isinstance(item, (int, float)) for item in items):
        raise ValueError(f"must be a number or several, got {value!r}")
    return [float(item) for item in items]  # type: ignore[arg-type]


def _size(value: object) -> tuple[int, int]:
    """Read 224, (224, 192) or timm's (3, 224, 224)."""
    sides = _numbers(value)
    sides = sides[1:] if len(sides) == 3 and sides[0] == 3 else sides
    if len(sides) not in (1, 2) or any(side < 1 or side != int(side) for side in sides):
        raise ValueError(f"must be a side in pixels or (height, width), got {value!r}")
    return int(sides[0]), int(sides[-1])


def _spread(value: object, in_chans: int, origin: str) -> list[float]:
    """Return one number for each channel."""
    channels = _numbers(value)
    if len(channels) == 1:
        return channels * in_chans
    if len(channels) == 3 != in_chans and origin not in ("name", "backbone"):
        return [sum(channels) / 3] * in_chans
    if len(channels) != in_chans:
        count = "three" if in_chans == 3 else in_chans
        raise ValueError(f"must be one number or {count}, for images in [0, 1], got {value!r}")
    return channels


def _mean(means: list[float]) -> tuple[float, ...]:
    if not all(0 <= mean <= 1 for mean in means):
        raise ValueError(f"must lie in 0..1, being of images in [0, 1], got {_shown(means)}")
    return tuple(means)


def _std(deviations: list[float]) -> tuple[float, ...]:
    if not all(0 < deviation <= 1 for deviation in deviations):
        raise ValueError(f"must lie above 0 and at most at 1, being of images in [0, 1], got {_shown(deviations)}")
    return tuple(deviations)


def _shown(numbers: list[float]) -> str:
    return ", ".join(f"{number:g}" for number in (numbers if len(set(numbers)) > 1 else numbers[:1]))


def _share(value: object) -> float:
    shares = _numbers(value)
    if len(shares) != 1 or not 0 < shares[0] <= 2:  # above 1 a margin is added; timm's volo has 1.15
        raise ValueError(f"must lie above 0 and at most at 2, got {value!r}")
    return shares[0]


def _one_of(choices: Sequence[str]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return check


_CHECKS: Mapping[str, Callable[[object], Any]] = {
    "input_size": _size,
    "crop_pct": _share,
    "crop_mode": _one_of(_CROP_MODES),
    "interpolation": _one_of(_INTERPOLATIONS),
}
_PER_CHANNEL: Mapping[str, Callable[[list[float]], tuple[float, ...]]] = {"mean": _mean, "std": _std}
