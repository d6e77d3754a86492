"""Read weights files of Conv4: the header is compared with the network before anything runs."""

from collections.abc import Mapping
from pathlib import Path

from tlbench import TensorShapes, WeightsError, WeightsFit, compare_weights, parse_value, read_weights_header


def check(path: Path, label: str, wanted: TensorShapes, settings: Mapping[str, float | tuple[float, ...]]) -> None:
    """Raise WeightsError for a file that is none, does not fit, or wants another normalisation than `settings`."""
    header = read_weights_header(path)
    metadata = header.metadata
    fit(header.shapes, wanted, label, f"weights {path}")
    for key, value in settings.items():
        stated = parse_value(metadata[key].strip("[]() ")) if key in metadata else value
        if _triple(stated) != _triple(value):  # outputs would be wrong, and nothing would crash
            raise WeightsError(f"weights {path} are for inputs with {key} {metadata[key]}; {label} takes {value}.")


def fit(offered: TensorShapes, wanted: TensorShapes, label: str, what: str = "the weights") -> WeightsFit:
    """Return how tensors fit a network; raise WeightsError, naming counts and names, where they do not."""
    found = compare_weights(offered, wanted)
    if not found.fits:
        raise WeightsError(f"{what} do not fit {label}: {found}.")
    return found


def _triple(value: object) -> tuple[object, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return values * 3 if len(values) == 1 else values
