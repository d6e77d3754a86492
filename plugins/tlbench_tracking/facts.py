"""Collect what trackers are told of a record: its numbers, its texts and a digest of the whole."""

from collections.abc import Iterator, Mapping
from typing import Any

from tlbench import Record, digest

REPLICATED = ("replicate", "members", "splits")  # what differs in identity between the replicates of one row


def numbers(record: Record) -> dict[str, float]:
    """Return every score, cost and number of the ledger by `group/name`; what is no number is left out."""
    groups: dict[str, Mapping[str, Any]] = {"scores": record.scores, "costs": record.costs, "ledger": record.ledger}
    groups |= {f"tasks/{task}": scores for task, scores in record.tasks.items()}
    return {
        f"{group}/{name}": value
        for group, values in groups.items()
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def texts(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield nested values as texts, by their names joined with dots; what is empty is left out."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from texts(f"{prefix}{key}.", value)
        elif value not in (None, "", [], ()):
            yield f"{prefix}{key}", str(value)


def row_digest(record: Record) -> str:
    """Return six digits that the replicates of a row share, and no other row has."""
    return digest({key: value for key, value in record.identity.items() if key not in REPLICATED})[:6]


def record_digest(record: Record) -> str:
    """Return eight digits of the whole record: a cell that was run again has others."""
    return digest(record.to_json())[:8]
