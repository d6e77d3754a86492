"""Turn arrays of labels into class names: integers, booleans or strings; never floats."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench import DataError, shown
from tlbench_datasets.place import near


def class_names(
    labels: Mapping[str, NDArray[Any]], names: NDArray[Any] | None, place: str
) -> tuple[tuple[str, ...], dict[str, NDArray[np.str_]]]:
    """Return the classes in order, and each array's labels as class names, (N,).

    Without `names` the classes are the distinct labels, sorted: integers by value, strings by spelling.
    """
    flat = {key: _flat(array, key, place) for key, array in labels.items()}
    kinds = {array.dtype.kind for array in flat.values()}
    if len(kinds) > 1:
        raise DataError(f"{place}: {_keys(flat)} mix numbers and strings. Use one kind of label.")
    values = np.unique(np.concatenate(list(flat.values())))
    if names is None:
        classes = tuple(str(value) for value in values)
        spelled = {key: array.astype(np.str_) for key, array in flat.items()}
    else:
        classes = _classes(names, place)
        spelled = {key: _spelled(array, classes, key, place) for key, array in flat.items()}
    _require_usable(classes, spelled, place)
    return classes, spelled


def _flat(array: NDArray[Any], key: str, place: str) -> NDArray[Any]:
    """Return labels as int64 or strings, (N,)."""
    where = f"{place}: '{shown(key)}'"
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = " Save argmax(axis=1) of it." if array.ndim == 2 else " One label per image is needed."
        raise DataError(f"{where} has the shape {array.shape}, not (N,).{hint}")
    kind = array.dtype.kind
    if kind == "f":
        gaps = " with NaN" if np.isnan(array).any() else ""
        raise DataError(f"{where} holds floats{gaps}, and labels are integers or strings. Save it as int64.")
    if kind == "S":
        return _decoded(array, where)
    if kind not in "buiU":
        raise DataError(f"{where} holds {array.dtype}, and labels are integers or strings.")
    return array if kind == "U" else array.astype(np.int64)


def _decoded(array: NDArray[Any], where: str) -> NDArray[np.str_]:
    try:
        decoded: NDArray[np.str_] = np.char.decode(array, "utf-8")
        return decoded
    except UnicodeDecodeError:
        raise DataError(f"{where} holds strings that are not UTF-8. Save them as str.") from None


def _classes(names: NDArray[Any], place: str) -> tuple[str, ...]:
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise DataError(f"{place}: the class names must be strings of shape (K,), not {names.dtype} {names.shape}.")
    texts = _decoded(names, f"{place}: the array of class names") if names.dtype.kind == "S" else names
    classes = tuple(str(name) for name in texts)
    repeated = next((name for name in classes if classes.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{place}: the class name '{shown(repeated)}' stands twice. Names must differ.")
    return classes


def _spelled(labels: NDArray[Any], classes: tuple[str, ...], key: str, place: str) -> NDArray[np.str_]:
    """Return labels as names: integers are positions in `classes`, strings must be among them."""
    if labels.dtype.kind == "U":
        unknown = sorted(set(labels.tolist()) - set(classes))
        if unknown:
            hint = near(unknown[0], classes)
            raise DataError(f"{place}: '{shown(key)}' has the label '{shown(unknown[0])}', no class name.{hint}")
        return labels
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            f"{place}: '{shown(key)}' has labels from {labels.min()} to {labels.max()}, and there are "
            f"{len(classes)} class names: labels must be 0 to {len(classes) - 1}."
        )
    return np.array(classes, dtype=np.str_)[labels]


def _require_usable(classes: tuple[str, ...], spelled: Mapping[str, NDArray[np.str_]], place: str) -> None:
    odd = next((name for name in classes if not name.isprintable() or not name), None)
    if odd is not None:
        raise DataError(f"{place}: the class name {odd!a} cannot be printed. Rename it.")
    used = set(np.unique(np.concatenate(list(spelled.values()))).tolist())
    unused = [name for name in classes if name not in used]
    if unused:
        raise DataError(f"{place}: class '{shown(unused[0])}' has no images. Add some, or leave out its name.")
    if len(classes) < 2:
        raise DataError(f"{place} has one class only, '{shown(classes[0])}'; two are needed.")


def _keys(arrays: Mapping[str, Any]) -> str:
    return " and ".join(f"'{shown(key)}'" for key in arrays)
