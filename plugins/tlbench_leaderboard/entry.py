"""Read one stored record with its predictions, and keep of it what is compared with others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tlbench.contract import canonical
from tlbench.results import GROUP
from tlbench_leaderboard.content import Stored


@dataclass(eq=False)
class Entry:
    """Hold a record as it stands in a submission."""

    source: str
    place: str  # the path of the JSON within the source
    data: dict[str, Any]
    stored: Stored | None  # None of a failure, and where there are none

    @property
    def stem(self) -> str:
        """Return the file's name without its ending, which is to be the cell's id."""
        return self.place.rpartition("/")[2].removesuffix(".json")

    @property
    def ok(self) -> bool:
        """Tell whether it has scores."""
        return self.data.get("failure") is None


@dataclass(frozen=True)
class Facts:
    """Hold what is kept of a record once its file is closed."""

    source: str
    place: str
    cell: str
    row: str
    ok: bool
    content: str  # digest of the record's file
    bits: str  # digest of logits and labels
    truth: str  # digest of the labels of the test items
    score: float | None
    took: tuple[Any, ...]  # seconds, to the last digit
    row_key: str  # what the records of its row share
    competes: tuple[str, ...]  # what the rows share that are compared with each other
    replicate: tuple[int, int]  # the root seed and the replicate
    same: dict[str, tuple[str, str]] = field(default_factory=dict)  # what must be equal: of what -> (key, value)


_OF_A_RECORD = ("replicate", "seed", "splits", "members")  # the parts of an identity that differ within a row


def row_key(identity: Mapping[str, Any]) -> str:
    """Return what names the row of a record: its identity but for the replicate and what is drawn with it."""
    return canonical({key: value for key, value in identity.items() if key not in _OF_A_RECORD})


def facts_of(entry: Entry, row: str, content: str) -> Facts:
    """Return what is compared of a record whose form is right."""
    data, identity, labels, ledger = entry.data, entry.data["identity"], entry.data["labels"], entry.data["ledger"]
    costs = data["costs"]
    primary = next(
        (name for name in ("accuracy", "clustering-accuracy", *data["scores"]) if name in data["scores"]), ""
    )
    return Facts(
        source=entry.source,
        place=entry.place,
        cell=data["cell"],
        row=row,
        ok=entry.ok,
        content=content,
        bits=entry.stored.bits if entry.stored else "",
        truth=_truth(entry.stored),
        score=data["scores"].get(primary),
        took=(costs.get("fit_seconds"), costs.get("predict_seconds")),
        row_key=row_key(identity),
        competes=tuple(str(labels[key]) for key in GROUP),
        replicate=(identity["seed"], identity["replicate"]),
        same=_comparable(entry, identity, labels, ledger) if entry.ok else {},
    )


def _truth(stored: Stored | None) -> str:
    import hashlib

    if stored is None:
        return ""
    return hashlib.sha256(stored.labels.astype("<i8").tobytes()).hexdigest()


def _comparable(
    entry: Entry, identity: dict[str, Any], labels: dict[str, Any], ledger: dict[str, Any]
) -> dict[str, tuple[str, str]]:
    """Return what must be equal in records that share something, by what it is."""
    target = [identity["dataset"], identity["target"], identity.get("splits")]
    given = {key: identity[key] for key in ("budget", "protocol", "replicate", "seed")}
    tuned = [labels.get("tuned"), labels.get("selection"), identity.get("selection"), identity.get("tuning")]
    episodic = ledger["episodes"] is not None
    drawn = [target, given, tuned, identity["backbone"], ledger.get("upper_bound", False)]
    tested = [target, given if episodic else None]
    same: dict[str, tuple[Any, Any]] = {
        "the labelled examples": (drawn, ledger["labelled_examples"]),
        "the number of training labels": (drawn, ledger["train_labels"]),
        "the number of validation labels": (drawn, ledger["val_labels"]),
        "the number of test items": (tested, ledger["test_items"]),
        "what the backbone was pretrained on": (identity["backbone"], ledger["pretrained_on"]),
    }
    if entry.stored is not None:
        same["the labels of the test items"] = (tested, _truth(entry.stored))
    if ledger["unlabelled_target"]:
        same["the number of unlabelled target inputs"] = (
            [target, identity["strategy"]["name"], given["protocol"], tuned],
            ledger["unlabelled_target"],
        )
    if identity["source"] is not None:
        same["the number of source labels"] = (
            [identity["source"], identity["protocol"], tuned],
            ledger["source_labels"],
        )
    for name, key in (("dataset", "dataset"), ("backbone", "backbone")):
        same[f"the name of the {name}"] = (identity[key], labels[name])
    return {what: (canonical(key), canonical(value)) for what, (key, value) in same.items()}
