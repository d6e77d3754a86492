"""A record: what one cell was, was given, scored and cost. Its JSON form is what people publish."""

from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = 1  # raised when a reader of the old form would misread the new


@dataclass(frozen=True)
class Failure:
    """Why a cell has no scores. A failure is a row of its own, never a zero."""

    kind: str  # the exception's class, `OutOfMemory` or `WorkerDied`
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Record:
    """The stored result of a cell."""

    cell: str  # its id
    identity: dict[str, Any]
    labels: dict[str, Any]  # what tables show: strategy, family, backbone, dataset, source, target, budget ...
    scores: dict[str, float | None]  # None where a score is no number
    ledger: dict[str, Any]  # what data the strategy was given
    costs: dict[str, float | None]
    tasks: dict[str, dict[str, float | None]] = field(default_factory=dict)  # scores on target and source, if both
    notes: dict[str, Any] = field(default_factory=dict)  # what the strategy itself noted
    provenance: dict[str, Any] = field(default_factory=dict)  # distributions, versions and source hashes
    environment: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    schema: int = SCHEMA

    @property
    def ok(self) -> bool:
        """Whether the cell has scores."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Record":
        """Build a record from its JSON form."""
        failure = data.get("failure")
        return cls(**{**data, "failure": Failure(**failure) if failure else None})
