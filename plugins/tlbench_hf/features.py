"""Choose the columns of a dataset that hold its images and labels, and read the labels as class names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlbench import DataError, near_miss

_USUAL_LABELS = ("label", "labels", "class", "target", "category")
_USUAL_IMAGES = ("image", "img")


def image_column(features: Any, told: str | None, place: str) -> str:
    """Return the column of images; raise DataError where there is none, or several."""
    import datasets

    if told is not None:
        _require(told, features, "image", place)
        if not _may_hold_images(features[told]):
            raise DataError(f"{place}: column '{told}' holds no images but {_kind(features[told])}.{_has(features)}")
        return told
    images = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    images = images or [name for name, feature in features.items() if _may_hold_images(feature)]
    usual = [name for name in images if name.lower() in _USUAL_IMAGES]
    return _only(images if len(images) == 1 else usual or images, "image", features, place)


def label_column(features: Any, told: str | None, place: str) -> str:
    """Return the column of labels; raise DataError where there is none, or several."""
    import datasets

    if told is not None:
        _require(told, features, "label", place)
        return told
    named = [name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    usual = [name for name in _USUAL_LABELS if name in (named or features)]
    return _only(named if len(named) == 1 else usual[:1] or named, "label", features, place)


def further_column(features: Any, told: str, role: str, place: str) -> str:
    """Return a column that the user names; raise DataError where there is none."""
    _require(told, features, role, place)
    return told


def _only(columns: Sequence[str], role: str, features: Any, place: str) -> str:
    if len(columns) == 1:
        return columns[0]
    if columns:
        choices = " or ".join(f"?{role}={name}" for name in columns)
        raise DataError(f"{place} has several columns that could be the {role}. Write {choices}.")
    raise DataError(f"{place} has no column that is plainly the {role}. Write ?{role}=COLUMN.{_has(features)}")


def _require(name: str, features: Any, role: str, place: str) -> None:
    if name not in features:
        raise DataError(f"{place} has no column '{name}' (?{role}).{near_miss(name, features)}{_has(features)}")


def _has(features: Any) -> str:
    return f" It has: {', '.join(f'{name} ({_kind(feature)})' for name, feature in list(features.items())[:12])}."


def _kind(feature: Any) -> str:
    kind = type(feature).__name__
    return str(getattr(feature, "dtype", kind)) if kind == "Value" else "struct" if kind == "dict" else kind


def _may_hold_images(feature: Any) -> bool:
    """Tell whether a column is one of images, or of an image file's bytes."""
    import datasets

    if isinstance(feature, dict):
        return "bytes" in feature and _is_bytes(feature["bytes"])
    return isinstance(feature, datasets.Image) or _is_bytes(feature)


def _is_bytes(feature: Any) -> bool:
    return getattr(feature, "dtype", None) in ("binary", "large_binary")


@dataclass(frozen=True)
class Labels:
    """Hold the values of one column in every split as class names; None where a row has none."""

    classes: tuple[str, ...]  # those that occur, in order
    unused: tuple[str, ...]  # names of the ClassLabel that no row has
    names: dict[str, list[str | None]]  # by split


def labels_of(splits: dict[str, Any], column: str, place: str) -> Labels:
    """Return a column as classes: by the names of its ClassLabel, or its values, whole numbers sorted by value.

    Raises DataError for a column that holds neither texts nor whole numbers.
    """
    import datasets

    first = next(iter(splits.values())).features[column]
    values = {split: values_of(data, column) for split, data in splits.items()}
    if isinstance(first, datasets.ClassLabel):
        for split, data in splits.items():
            if getattr(data.features[column], "names", None) != first.names:
                raise DataError(f"{place}: the classes of column '{column}' differ between its splits ('{split}').")
        names = {split: [_named(value, first.names) for value in each] for split, each in values.items()}
        present = {name for each in names.values() for name in each}
        classes = tuple(name for name in first.names if name in present)
        return Labels(classes, tuple(name for name in first.names if name not in present), names)
    names = {split: [_as_text(value, column, place) for value in each] for split, each in values.items()}
    kinds = {type(value) for each in values.values() for value in each if value is not None}
    texts = {name for each in names.values() for name in each if name is not None}
    return Labels(tuple(sorted(texts, key=int if kinds == {int} else str)), (), names)


def values_of(data: Any, column: str) -> list[Any]:
    """Return a column's values as plain Python."""
    return list(data.select_columns([column])[:][column])


def texts_of(data: Any, column: str, place: str) -> list[str | None]:
    """Return a column's values as texts, by the names of a ClassLabel where it is one."""
    names = getattr(data.features[column], "names", None)
    values = values_of(data, column)
    return [_named(value, names) if names else _as_text(value, column, place) for value in values]


def _named(value: Any, names: Sequence[str]) -> str | None:
    return names[value] if value is not None and 0 <= value < len(names) else None


def _as_text(value: Any, column: str, place: str) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, (str, int)):
        raise DataError(f"{place}: column '{column}' holds {type(value).__name__}, no texts or whole numbers.")
    text = str(value).strip()
    if not text.isprintable():
        raise DataError(f"{place}: column '{column}' has the value {text!r}, which cannot be printed.")
    return text
