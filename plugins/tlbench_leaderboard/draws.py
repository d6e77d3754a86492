"""Keep the numbers that a board draws for submissions after they have arrived: written once, never drawn again."""

import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tlbench import write_atomically
from tlbench.errors import StoreError
from tlbench_leaderboard.claims import Claims
from tlbench_leaderboard.content import parse_object
from tlbench_leaderboard.packing import as_json
from tlbench_leaderboard.schema import Count, Sha256

LIMIT = 2**63  # numbers are drawn below it


class _Draw(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    digest: Sha256  # of what the submission claims
    number: Count = Field(lt=LIMIT)
    rows: list[str]  # that it holds: one that comes again with other content is looked at more closely


class Draws:
    """Hold the numbers of a file, such as `draws.json` in a board's repository."""

    def __init__(self, path: Path) -> None:
        """Read a file; raise StoreError where it is there and holds no draws."""
        self.path = path
        self.drawn: list[dict[str, Any]] = []
        if not path.exists():
            return
        try:
            data = parse_object(path.read_bytes(), str(path))
            self.drawn = [draw.model_dump() for draw in TypeAdapter(list[_Draw]).validate_python(data.get("draws"))]
        except (OSError, ValidationError) as error:
            why = getattr(error, "strerror", None) or "its field 'draws' is no list of digest, number and rows"
            raise StoreError(f"cannot read {path}: {why}.") from None

    def add(self, claims: Claims) -> bool:
        """Draw a number for a submission, and tell whether it had none; one that has a number keeps it."""
        if any(draw["digest"] == claims.digest for draw in self.drawn):
            return False
        rows = sorted(row_name(key) for key in claims.rows)
        self.drawn.append({"digest": claims.digest, "number": secrets.randbelow(LIMIT), "rows": rows})
        write_atomically(self.path, as_json({"schema": 1, "draws": self.drawn}))
        return True

    def number(self, claims: Claims) -> int:
        """Return the number of a submission; raise StoreError where none was drawn."""
        for draw in self.drawn:
            if draw["digest"] == claims.digest:
                return int(draw["number"])
        raise StoreError(
            f"{self.path} has no number for {claims.source.name}. `tlbench leaderboard-draw` draws one, once."
        )

    def tries(self, claims: Claims) -> dict[str, int]:
        """Return how often each row of a submission was handed in before with other content, by its key."""
        before: dict[str, int] = {}
        for draw in self.drawn:
            if draw["digest"] == claims.digest:
                break
            for name in draw["rows"]:
                before[name] = before.get(name, 0) + 1
        return {key: before.get(row_name(key), 0) for key in claims.rows}


def row_name(key: str) -> str:
    """Return how a row is named in the file: alike in whatever folder of a submission it stands."""
    return key[-20:]
