"""Describe a round of a leaderboard: who committed to what, and the root seed that was drawn afterwards."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from tlbench.contract.cell import digest
from tlbench.errors import ParameterError

Kept = TypeVar("Kept", "Opening", "Commitment", "Round")

OF_REPLICATES = ("replicate", "seed", "splits", "members")  # of an identity, what replicates of a row do not share


def row_digest(identity: Mapping[str, Any]) -> str:
    """Name the row of a cell's identity: equal for its replicates, whatever the root seed."""
    return digest({key: value for key, value in identity.items() if key not in OF_REPLICATES})[:20]


def names_of(identity: Mapping[str, Any]) -> dict[str, str]:
    """Name the strategy, backbone and dataset of an identity, as sources are listed by."""
    return {
        "strategy": str(identity["strategy"]["name"]),
        "backbone": str(identity["backbone"]["spec"]),
        "dataset": str(identity["dataset"]["name"]),
    }


def source_difference(committed: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Name what differs of two descriptions of code and content; nothing where they are the same."""
    words = {
        "module": "the module", "source_sha256": "the source", "package_sha256": "the package",
        "content": "the content",
    }  # fmt: skip
    return next((said for key, said in words.items() if committed.get(key, "") != here.get(key, "")), "")


@dataclass(frozen=True)
class Commitment:
    """Hold what a submitter hands in before the seed is drawn: a name, and the digest of an opening."""

    name: str
    digest: str


@dataclass(frozen=True)
class Opening:
    """Hold what a submitter has committed to. Its salt keeps anybody from guessing it by its digest."""

    name: str
    salt: str
    replicates: int
    suite: Mapping[str, str]  # digests of the suite's keys, so that a changed one can be named
    sources: Mapping[str, Mapping[str, str]]  # of `strategy NAME` and the like: module, digests of source and content
    rows: Mapping[str, str]  # each row in words, by its digest

    @property
    def commitment(self) -> Commitment:
        """Return what is handed in of it."""
        return Commitment(self.name, digest(asdict(self)))

    def same_content(self, other: "Opening") -> bool:
        """Tell whether two commit to the same, whoever does."""
        return replace(self, name="", salt="") == replace(other, name="", salt="")


@dataclass(frozen=True)
class Round:
    """Hold a round. It is open until its number is shown; then it has a seed, and takes no more commitments.

    The board fixes its number by `promise` before anybody commits, and shows it afterwards. The seed is made of the
    number and of all commitments, so that neither the board nor a submitter alone chooses it.
    """

    name: str
    promise: str  # SHA-256 of the number
    number: str = ""
    commitments: tuple[Commitment, ...] = ()
    seed: int | None = None
    openings: tuple[Opening, ...] = field(default=())  # in a results folder: of those whose results these are

    @classmethod
    def open(cls, name: str, number: str) -> "Round":
        """Return a round that promises a number."""
        return cls(name, _promise(number))

    def drawn(self, number: str, commitments: Iterable[Commitment]) -> "Round":
        """Return the round with its seed; raise ParameterError where it cannot be drawn so."""
        ordered = tuple(sorted(commitments, key=lambda each: (each.name, each.digest)))
        for one, other in pairwise(ordered):
            if one.name == other.name:
                raise ParameterError(f"two commitments are named {one.name!r}. Each submitter of a round has one.")
        if len({each.digest for each in ordered}) < len(ordered):
            raise ParameterError("two commitments have one digest: one of them is a copy of the other.")
        found = replace(self, number=number, commitments=ordered, seed=_seed(number, ordered))
        found.check()
        return found

    def check(self) -> None:
        """Raise ParameterError where the seed is not what number and commitments give."""
        if self.seed is None:
            raise ParameterError(f"the round {self.name!r} is open: it has no seed until the board has drawn one.")
        if _promise(self.number) != self.promise:
            raise ParameterError(f"the number of the round {self.name!r} is not the one that was promised.")
        if _seed(self.number, self.commitments) != self.seed:
            raise ParameterError(f"the seed of the round {self.name!r} is not what its commitments and number give.")

    def holds(self, opening: Opening) -> bool:
        """Tell whether somebody committed to an opening."""
        return opening.commitment in self.commitments

    @property
    def alone(self) -> "Round":
        """Return the round as the board has it, without the openings of a results folder."""
        return replace(self, openings=())


def _promise(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()


def _seed(number: str, commitments: Iterable[Commitment]) -> int:
    """Return 48 bits, which are exact in any reader of JSON."""
    return int(digest([number, [asdict(each) for each in commitments]])[:12], 16)


def parse_kept(kind: type[Kept], content: bytes, place: object) -> Kept:
    """Return the commitment, opening or round that a file holds; raise ParameterError where it holds none."""
    from pydantic import TypeAdapter, ValidationError

    what = kind.__name__.lower()
    try:
        return TypeAdapter(kind).validate_python(json.loads(content))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise ParameterError(f"{place} holds no {what}: {where}: {first['msg']}.") from None
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{place} holds no {what}: {error}.") from None


def read_kept(kind: type[Kept], path: Path) -> Kept:
    """Return the commitment, opening or round of a file; raise ParameterError where it cannot be read."""
    try:
        return parse_kept(kind, path.read_bytes(), path)
    except OSError as error:
        raise ParameterError(f"cannot read the {kind.__name__.lower()} {path}: {error.strerror or error}.") from None


def kept(value: Commitment | Opening | Round) -> bytes:
    """Write a commitment, an opening or a round as JSON."""
    data = {key: item for key, item in asdict(value).items() if key != "openings" or item}
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
