"""Weights files: the header is compared with the network before anything runs."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open

from tlbench import WeightsError
from tlbench.names import near_miss, parse_value

Shapes = Mapping[str, tuple[int, ...]]

_STATED_DATA = ("pretrained_on", "trained_on", "dataset")  # metadata keys that name the upstream data


def check(path: Path, label: str, wanted: Shapes, settings: Mapping[str, float | tuple[float, ...]]) -> None:
    """Raise WeightsError for a file that is none, does not fit, or wants another normalisation than `settings`."""
    shapes, metadata = _header(path)
    compare(shapes, wanted, label, f"weights {path}")
    for key, value in settings.items():
        stated = parse_value(metadata[key].strip("[]() ")) if key in metadata else value
        if _triple(stated) != _triple(value):  # outputs would be wrong, and nothing would crash
            raise WeightsError(f"weights {path} are for inputs with {key} {metadata[key]}; {label} takes {value}.")


def compare(offered: Shapes, wanted: Shapes, label: str, what: str = "the weights") -> None:
    """Raise WeightsError, naming counts and names, where tensors differ from the network's."""
    groups = {
        "missing": [name for name in wanted if name not in offered and not name.endswith("num_batches_tracked")],
        "mis-shaped": [
            f"{name} {shape} for {wanted[name]}" for name, shape in offered.items() if wanted.get(name, shape) != shape
        ],
        "unexpected": [name for name in offered if name not in wanted],
    }
    found = [
        f"{kind} {len(names)}: {', '.join(names[:3])}{', ...' * (len(names) > 3)}"
        for kind, names in groups.items()
        if names
    ]
    if found:
        raise WeightsError(f"{what} do not fit {label}: {'; '.join(found)}.")


def pretrained_on(path: Path) -> str:
    """Return the upstream data that a file's metadata states."""
    _, metadata = _header(path)
    stated = [metadata[key] for key in _STATED_DATA if key in metadata]
    return stated[0] if stated else f"unknown ({path.name})"


def _header(path: Path) -> tuple[Shapes, Mapping[str, str]]:
    if not path.is_file():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise WeightsError(f"weights file {path} does not exist.{near_miss(path.name, siblings)}")
    try:
        with safe_open(str(path), framework="numpy") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            return shapes, dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"weights file {path} is no whole safetensors file ({' '.join(str(error).split())}). Convert other formats "
            f"with safetensors.torch.save_file where you trust them: reading a pickle can run any code that is in it."
        ) from None


def _triple(value: object) -> tuple[object, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return values * 3 if len(values) == 1 else values
