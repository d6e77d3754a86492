"""Describe what a check has to say of a submission: one sentence, and where it belongs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Describe something wrong, or a note that does not count against the submission."""

    source: str  # the folder or pack
    file: str  # within it; empty where the fault is of the whole
    cell: str  # its id; empty where none is concerned
    row: str  # strategy, backbone, transfer, budget and replicate in words
    kind: str  # schema, completeness, plausibility, hashes, ledger, twice, pack
    text: str
    is_note: bool = False

    def __str__(self) -> str:
        place = f"{self.source}/{self.file}" if self.file else self.source
        said = [place, *([self.row] if self.row else []), self.text]
        return " ".join(": ".join(said).split()) + ("" if self.text.endswith((".", "?")) else ".")

    def to_json(self) -> dict[str, Any]:
        """Return the fault as plain JSON values, with its sentence."""
        return {**asdict(self), "sentence": str(self)}


def row_of(labels: Any) -> str:
    """Name a record in words, as far as it says what it is."""
    if not isinstance(labels, Mapping):
        return ""
    named = [labels.get(key) for key in ("strategy", "backbone", "transfer", "budget")]
    source = labels.get("source")
    words = [str(each) for each in named if isinstance(each, str) and each]
    if isinstance(source, str) and source:
        words.append(f"from {source}")
    if labels.get("selection") not in (None, "", "last", "validation"):
        words.append(f"selection {labels['selection']}")
    if labels.get("tuned"):
        words.append(f"tuned {labels['tuned']}")
    if isinstance(labels.get("replicate"), int):
        words.append(f"replicate {labels['replicate']}")
    return ", ".join(words)[:300]
