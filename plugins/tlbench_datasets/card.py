"""Define a dataset card: a small TOML file beside the data, in which their owner says what they are.

`dataset-card.toml` in a folder, and `NAME.card.toml` beside a file `NAME`. All of its keys may be left out:

    name = "Flowers of the garden"                # shown in tables in place of the path
    license = "CC BY 4.0"
    citation = "A. Gardener: Flowers, 2024"
    hazards = ["imagenet-1k"]                     # data that these images are in too
    notes = "Photographed by phone."
"""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from tlbench import Card, DataError, Dataset, near_miss, shown
from tlbench_datasets.place import reason

_KEYS = ("name", "license", "citation", "hazards", "notes")
_OWNER = "as stated by the data's owner"


def card_path(path: Path) -> Path:
    """Return where the card of a folder or file lies, whether or not there is one."""
    return path / "dataset-card.toml" if path.is_dir() else path.with_name(f"{path.name}.card.toml")


def read_card(path: Path) -> Card:
    """Return the card of the folder or file at `path`; an empty one where there is none.

    Raises DataError where the card cannot be read, has an unknown key, or a value of the wrong type.
    """
    place = card_path(path)
    where = f"dataset card '{shown(str(place))}'"
    try:
        values = tomllib.loads(place.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Card()
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8. Save it as such.") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{where} is not TOML: {reason(error)}.") from None
    except OSError as error:
        raise DataError(f"{where} cannot be read: {reason(error)}.") from None
    return Card(**{key: _checked(key, value, where) for key, value in values.items()})


class Carded(Dataset):
    """Describe a dataset that lies in a folder or file, with or without a card."""

    path: Path

    def _read_card(self) -> Card:
        """Return the card, an empty one where there is none."""
        return read_card(self.path.expanduser())

    @cached_property
    def _card(self) -> Card:
        return self._read_card()

    @property
    def card(self) -> Card:
        """Return the dataset card beside the data, where there is one."""
        return self._card

    @property
    def license(self) -> str:  # type: ignore[override]
        """Return the licence as the card states it."""
        return self._card.license or _OWNER

    @property
    def citation(self) -> str:  # type: ignore[override]
        """Return the citation as the card states it."""
        return self._card.citation or _OWNER


def _checked(key: str, value: object, where: str) -> Any:
    if key not in _KEYS:
        known = ", ".join(_KEYS)
        raise DataError(f"{where} has an unknown key '{shown(key)}'.{near_miss(key, _KEYS)} It may have: {known}.")
    if key == "hazards":
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise DataError(
                f"{where}: 'hazards' must be a list of texts, such as [\"imagenet-1k\"], got {_got(value)}."
            )
        return tuple(_one_line(entry, key, where) for entry in value)
    if not isinstance(value, str):
        raise DataError(f"{where}: '{key}' must be a text in quotes, got {_got(value)}.")
    return value.strip() if key in ("citation", "notes") else _one_line(value, key, where)


def _got(value: object) -> str:
    text = str(value)
    return shown(text if len(text) <= 60 else text[:57] + "...")


def _one_line(text: str, key: str, where: str) -> str:
    """Return a text that tables show; raise DataError where it would break them."""
    if not text.strip().isprintable():
        raise DataError(f"{where}: '{key}' must be one line of printable characters, got {shown(text)}.")
    return text.strip()
