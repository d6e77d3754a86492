"""Record what each submission of a merge brought."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tlbench import digest, plural
from tlbench.errors import StoreError
from tlbench_leaderboard.content import parse_object, read_object
from tlbench_leaderboard.source import ABOUT, JOINED, Source

PRIMARY = "records"  # the folder of the first record of each cell
_ABOUT = ("name", "note", "link", "tlbench", "date")  # what a submission says of itself


@dataclass(frozen=True)
class Held:
    """Locate a record: the source, its JSON, and its predictions where it has some."""

    source: Source
    place: str
    ok: bool

    @property
    def predictions(self) -> str | None:
        """Return the path of the predictions within the source; None where there are none."""
        beside = self.place.removesuffix("json") + "safetensors"
        return beside if beside in self.source.sizes else None

    def same_bytes(self, other: "Held") -> bool:
        """Tell whether two are the same record with the same predictions, byte for byte."""
        mine, theirs = self.predictions, other.predictions
        if self.source.read(self.place) != other.source.read(other.place) or (mine is None) != (theirs is None):
            return False
        return mine is None or theirs is None or self.source.read(mine) == other.source.read(theirs)


@dataclass
class Contribution:
    """Hold a submission: who, and its record of each cell."""

    name: str
    note: str = ""
    link: str = ""
    tlbench: str = ""
    date: str = ""  # on which it was packed, as it says
    records: dict[str, Held] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, str]:
        """Return what a site shows of it."""
        return {key: getattr(self, key) for key in _ABOUT}

    @property
    def is_handed_in(self) -> bool:
        """Tell whether `submit` packed it; a plain results folder says of nobody that the records are theirs."""
        return bool(self.tlbench)


def contributions(source: Source) -> list[Contribution]:
    """Return the submissions that a folder or pack holds: one, or of a merge all that were joined."""
    held = {place: _held(source, place) for place in source.records()}
    if JOINED in source.sizes:
        return list(_of_merge(source, held))
    about = read_object(source, ABOUT) if ABOUT in source.sizes else {}
    name = text_of(about, "name") or re.sub(r"\.zip$", "", source.path.resolve().name)
    own = Contribution(name, *[text_of(about, key) for key in _ABOUT[1:]])
    further = [place for place in held if not place.startswith(f"{PRIMARY}/")]
    if further:
        raise StoreError(f"{source.name} holds {further[0]}, and no {JOINED} that says whose it is.")
    own.records = dict(held.values())
    return [own]


def _held(source: Source, place: str) -> tuple[str, Held]:
    """Look at a record as far as a merge must: that it is one, of the cell that its file is named by."""
    data = parse_object(source.read(place), place)
    cell, identity = data.get("cell"), data.get("identity")
    stem = place.rpartition("/")[2].removesuffix(".json")
    if cell != stem or not isinstance(identity, dict) or digest(identity)[:20] != cell:
        raise StoreError(f"{source.name}/{place} is not the record of its cell. `tlbench validate` says more.")
    return cell, Held(source, place, data.get("failure") is None)


def _of_merge(source: Source, held: dict[str, tuple[str, Held]]) -> Iterator[Contribution]:
    listed = read_object(source, JOINED).get("submissions")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise StoreError(f"{source.name}/{JOINED} names no submissions.")
    left = set(held)
    for each in listed:
        own = Contribution(*[text_of(each, key) for key in _ABOUT])
        places = each.get("records", {})
        for cell, place in sorted(places.items()) if isinstance(places, dict) else ():
            if place not in held or held[place][0] != cell:
                raise StoreError(f"{source.name}/{JOINED} names {place!r}, which is not there.")
            own.records[cell] = held[place][1]
            left.discard(place)
        yield own
    if left:
        some = min(left)
        raise StoreError(f"{source.name} holds {plural(len(left), 'record')} of no submission, such as {some}.")


def text_of(data: dict[str, Any], key: str) -> str:
    """Return a text of a JSON object, on one line and not too long; empty where there is none."""
    value = data.get(key)
    return " ".join(value.split())[:500] if isinstance(value, str) else ""


def slug(name: str, taken: set[str] | None = None) -> str:
    """Return a name as a part of a path, lower case ASCII, unlike those taken; it is then taken too."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or f"x{digest(name)[:8]}"
    taken = set() if taken is None else taken
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}-{number}", number + 1
    taken.add(found)
    return found
