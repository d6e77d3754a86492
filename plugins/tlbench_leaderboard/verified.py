"""Keep what reruns said of each row of each submission, in a file such as `verified.json` that a board shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tlbench import write_atomically
from tlbench.errors import StoreError
from tlbench_leaderboard.claims import Claims
from tlbench_leaderboard.content import parse_object
from tlbench_leaderboard.packing import as_json
from tlbench_leaderboard.schema import Count, Sha256
from tlbench_leaderboard.status import REFUTED, UNVERIFIED, VERIFIED

if TYPE_CHECKING:
    from tlbench_leaderboard.row_status import RowStatus, Summed
    from tlbench_leaderboard.verifying import Verified

_STATUS = (REFUTED, UNVERIFIED, VERIFIED)


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Row(_Closed):
    """Hold a row of a submission."""

    row: str
    status: Annotated[str, Field(pattern=f"^({'|'.join(_STATUS)})$")]
    rerun: Count
    have: Count
    why: str
    records: list[Sha256]  # digests of the contents of all its records


class Checked(_Closed):
    """Hold what was found of a submission."""

    digest: Sha256  # of what it claims
    draw: Count
    environment: dict[str, str]  # in which it was rerun
    rows: list[Row]
    refuted: list[Sha256]  # digests of the contents of records that their own rerun refutes


class VerifiedFile:
    """Hold what was found of submissions."""

    def __init__(self, path: Path) -> None:
        """Read a file; raise StoreError where it is there and is none."""
        self.path = path
        self.checked: list[Checked] = []
        if not path.exists():
            return
        try:
            data = parse_object(path.read_bytes(), str(path))
            self.checked = TypeAdapter(list[Checked]).validate_python(data.get("submissions"))
        except (OSError, ValidationError) as error:
            why = getattr(error, "strerror", None) or "it is not what `tlbench verify --verified` writes"
            raise StoreError(f"cannot read {path}: {why}.") from None

    def known(self, claims: Claims, draw: int) -> Checked | None:
        """Return what was found of the same records under the same draw; None where they were not looked at."""
        contents = sorted(claim.content for claim in claims.claims)
        for each in self.checked:
            same = sorted(content for row in each.rows for content in row.records) == contents
            if (each.digest, each.draw, same) == (claims.digest, draw, True):
                return each
        return None

    def add(self, claims: Claims, draw: int, summed: "Summed", verified: "Sequence[Verified]") -> None:
        """Write down what was found of a submission, beside what is there."""
        refuted = sorted({each.claim.content for each in verified if each.status == REFUTED})
        rows = [_row(claims, row) for row in summed.rows]
        found = Checked(
            digest=claims.digest, draw=draw, environment=_environment(), rows=rows, refuted=refuted
        )  # fmt: skip
        self.checked.append(found)
        told = [each.model_dump() for each in self.checked]
        write_atomically(self.path, as_json({"schema": 1, "submissions": told}))

    def status(self) -> dict[str, str]:
        """Return the status of each record by the digest of its content.

        A record may stand in several submissions: the best of its rows counts, unless its own rerun refutes it. So
        nobody can spoil the record of somebody else by a row with a forged one beside it.
        """
        found: dict[str, str] = {}
        for each in self.checked:
            for row in each.rows:
                for content in row.records:
                    found[content] = max(found.get(content, REFUTED), row.status, key=_STATUS.index)
        return found | {content: REFUTED for each in self.checked for content in each.refuted}


def _row(claims: Claims, row: "RowStatus") -> Row:
    records = sorted(claim.content for claim in claims.rows[row.key])
    return Row(row=row.row, status=row.status, rerun=row.rerun, have=row.have, why=row.why, records=records)


def _environment() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in ("tlbench", "torch", "numpy")}}
