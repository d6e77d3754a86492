"""Define the classes of samples whose labels are texts or whole numbers, with a file of class names or without."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench import DataError, shown, some
from tlbench_datasets.place import found, near, reason
from tlbench_datasets.shards.samples import BadSampleError

_USUAL = ("classes.txt", "classnames.txt", "class_names.txt", "classes.json", "dataset.json")
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class ClassNames:
    """Describe the names of the classes in the publisher's order, with the file that holds them."""

    names: tuple[str, ...]
    file: str

    def by_position(self, labels: Iterable[str]) -> bool:
        """Tell whether these labels are positions in the list, as whole numbers are, or the names themselves."""
        present = set(labels)
        numbers = all(map(_INTEGER.fullmatch, present))
        return numbers and not (present <= set(self.names) and any(int(each) >= len(self.names) for each in present))

    def name_of(self, label: str, by_position: bool) -> str:
        """Return the class of a label; raise BadSampleError where there is none."""
        if not by_position:
            if label not in self.names:
                raise BadSampleError(f"its class '{shown(label)}' is not in {self.file}.{near(label, self.names)}")
            return label
        if not 0 <= int(label) < len(self.names):
            raise BadSampleError(
                f"its class {int(label)} is beyond {self.file}, which names {len(self.names)} (0 to "
                f"{len(self.names) - 1})"
            )
        return self.names[int(label)]


def class_names(told: Path | None, folder: Path, place: str) -> ClassNames | None:
    """Return the names in the file that the user names, or in one of the usual ones beside the shards, or None.

    Raises DataError where the file cannot be read as a list of names.
    """
    if told is not None:
        found(told.expanduser(), "classes file")
        return ClassNames(_names(told.expanduser(), place), shown(told.name))
    for name in _USUAL:
        if (folder / name).is_file() and (names := _names(folder / name, place)):
            return ClassNames(names, name)
    return None


def _names(path: Path, place: str) -> tuple[str, ...]:
    where = f"{place}: classes file '{shown(path.name)}'"
    try:
        text = path.read_bytes().decode("utf-8-sig")
        values = _listed(json.loads(text)) if path.suffix.lower() == ".json" else text.strip().splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8. Save it as such.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{where} cannot be read: {reason(error)}.") from None
    if values is None and path.name == "dataset.json":
        return ()  # it says other things
    names = tuple(value.strip() for value in values) if values and all(isinstance(v, str) for v in values) else ()
    if not names:
        raise DataError(f"{where} holds no names. Write one per line, or in .json a list, or a list under 'classes'.")
    unusable = [f"line {row + 1}" for row, name in enumerate(names) if not name or not name.isprintable()]
    if unusable:
        raise DataError(f"{where} has names that are empty or cannot be printed: {some(unusable)}.")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DataError(f"{where} names a class twice: {some(twice)}. Keep one of each.")
    return names


def _listed(values: object) -> Sequence[object] | None:
    """Return the list in a .json: itself, under `classes`, or names by position as in {"0": "cat"} or {"cat": 0}."""
    if isinstance(values, dict) and isinstance(inner := values.get("classes", values.get("class_names")), (list, dict)):
        values = inner
    if isinstance(values, list):
        return values
    if not isinstance(values, dict) or not values:
        return None
    keys = [str(position) for position in range(len(values))]
    if set(values) == set(keys):
        return [values[key] for key in keys]
    if sorted(map(str, values.values())) == sorted(keys):
        return sorted(values, key=lambda name: int(values[name]))
    return None


def ordered(labels: Iterable[str], names: ClassNames | None) -> tuple[str, ...]:
    """Return the classes that occur: in the publisher's order, or whole numbers by value, or texts by spelling."""
    present = set(labels)
    if names is not None:
        return tuple(name for name in names.names if name in present)
    return tuple(sorted(present, key=int if all(map(_INTEGER.fullmatch, present)) else str))


def same_spelling(labels: Iterable[str]) -> list[str]:
    """Return the labels; where all are whole numbers, each in one spelling: `007` and `7` are one."""
    told = list(labels)
    return [str(int(label)) for label in told] if all(map(_INTEGER.fullmatch, told)) else told
