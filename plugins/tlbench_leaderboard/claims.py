"""Read what a submission claims: its records by rows, and digests that free text does not change."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tlbench import digest
from tlbench.errors import StoreError
from tlbench.results import spent_seconds
from tlbench_leaderboard.content import parse_object, read_plan, read_predictions
from tlbench_leaderboard.entry import row_key
from tlbench_leaderboard.fault import row_of
from tlbench_leaderboard.schema import faults_of_form
from tlbench_leaderboard.source import Source

_CLAIMED = ("cell", "identity", "labels", "scores", "ledger", "tasks")


@dataclass(frozen=True)
class Claim:
    """Hold what is kept of a record: where it stands, its row, and what it says."""

    place: str
    cell: str
    label: str  # itself in words
    row: str  # its row in words
    key: str  # names the row within the submission
    claimed: str  # digest of what it claims: identity, labels, scores, ledger, predictions, and whether it failed
    content: str  # digest of all that it says, and of its predictions
    seconds: float
    members: tuple[str, ...]  # the paths of the records that an ensemble combines
    broken: str = ""  # why it cannot be read


@dataclass(frozen=True)
class Claims:
    """Hold all records of a submission."""

    source: Source
    claims: tuple[Claim, ...]

    @cached_property
    def rows(self) -> dict[str, list[Claim]]:
        """Return the records of each row, by its key."""
        found: dict[str, list[Claim]] = {}
        for claim in self.claims:
            found.setdefault(claim.key, []).append(claim)
        return found

    @cached_property
    def by_place(self) -> dict[str, Claim]:
        """Return the records by their paths."""
        return {claim.place: claim for claim in self.claims}

    @cached_property
    def digest(self) -> str:
        """Return the digest of all claims and of the plan: names, notes, costs and environments do not change it."""
        try:
            plan = read_plan(self.source)
        except StoreError:
            plan = {}
        suite = plan.get("suite")
        free = ("name", "description")
        asked = {key: value for key, value in suite.items() if key not in free} if isinstance(suite, Mapping) else None
        return digest([sorted(claim.claimed for claim in self.claims), asked, plan.get("cells")])


def read_claims(source: Source) -> Claims:
    """Read all records of a submission; one that cannot be read is a row of its own."""
    return Claims(source, tuple(read_claim(source, place) for place in source.records()))


def read_claim(source: Source, place: str) -> Claim:
    """Read what one record claims."""
    folder, _, name = place.rpartition("/")
    cell, content = name.removesuffix(".json"), b""
    try:
        content = source.read(place)
        data = parse_object(content, place)
        fault = next(faults_of_form(data), None)
        if fault:
            raise StoreError(f"it is no record: {fault}")
        beside = place.removesuffix("json") + "safetensors"
        stored = read_predictions(source.read(beside), beside) if beside in source.sizes else None
    except (StoreError, RecursionError) as error:
        found = hashlib.sha256(content).hexdigest()
        return Claim(place, cell, name, name, place, found, found, 0.0, (), str(error) or "it is nested too deeply")
    bits = (stored.bits, stored.episodes) if stored else None
    failed = (data.get("failure") or {}).get("kind")
    row = row_of({key: value for key, value in data["labels"].items() if key != "replicate"})
    return Claim(
        place=place,
        cell=cell,
        label=row_of(data["labels"]),
        row=row,
        key=f"{folder}:{digest(row_key(data['identity']))[:20]}",
        claimed=digest([{key: data.get(key) for key in _CLAIMED}, failed, bits]),
        content=content_of(data, bits),
        seconds=spent_seconds(data["costs"]),
        members=tuple(_member(source, folder, member) for member in data["identity"].get("members", ())),
    )


def content_of(data: Mapping[str, Any], bits: Any) -> str:
    """Return the digest of all that a record says, but for its own digests, and of its predictions."""
    return digest([{key: value for key, value in data.items() if key != "digests"}, bits])


def _member(source: Source, folder: str, cell: str) -> str:
    own = f"{folder}/{cell}.json"
    return own if own in source.sizes else f"records/{cell}.json"
