"""Define the record of a cell: what it was, was given, scored and cost. Its JSON form is what people publish."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tlbench.contract.cell import digest

SCHEMA = 1  # raised when a reader of the old form would misread the new


@dataclass(frozen=True)
class Failure:
    """Say why a cell has no scores. A failure is a row of its own, never a zero."""

    kind: str  # the exception's class, `OutOfMemory` or `WorkerDied`
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Record:
    """Hold the stored result of a cell."""

    cell: str  # its id
    identity: dict[str, Any]
    labels: dict[str, Any]  # what tables show: strategy, family, backbone, dataset, source, target, budget ...
    scores: dict[str, float | None]  # None where a score is no number
    ledger: dict[str, Any]  # what data the strategy was given
    costs: dict[str, float | None]
    tasks: dict[str, dict[str, float | None]] = field(default_factory=dict)  # scores on target and source, if both
    notes: dict[str, Any] = field(default_factory=dict)  # what the strategy itself noted; `warnings`: of libraries
    provenance: dict[str, Any] = field(default_factory=dict)  # distributions, versions and source hashes
    environment: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    trials: list[dict[str, Any]] = field(default_factory=list)  # of a tuned cell: what was tried, and how it did
    looks: list[dict[str, Any]] = field(default_factory=list)  # of a selection: each checkpoint, as every rule saw it
    digests: dict[str, str] = field(default_factory=dict)  # SHA-256 of `predictions` and of the `record`; written last
    schema: int = SCHEMA

    @property
    def ok(self) -> bool:
        """Tell whether the cell has scores."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return asdict(self)

    def digest(self) -> str:
        """Return the SHA-256 of the record but for its digests: what was edited by hand has another."""
        return digest({key: value for key, value in self.to_json().items() if key != "digests"})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Record":
        """Build a record from its JSON form."""
        failure = data.get("failure")
        return cls(**{**data, "failure": Failure(**failure) if failure else None})
