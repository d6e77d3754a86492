"""Compare a record with its rerun: which bits differ, what else does, and whether the one explains the other."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench import plural
from tlbench_leaderboard.content import Stored

if TYPE_CHECKING:
    from tlbench import Predictions, Record

_BITS = (
    "torch",
    "numpy",
    "processor",
    "device",
    "threads",
    "cuda",
    "cudnn",
    "timm",
    "torchvision",
    "python",
    "platform",
)
_EXACT = ("parameters_trained", "parameters_stored")  # costs that are counted and not measured
_DRAWN = "labelled_examples"  # a digest of encoded examples, whose last bits an image library may change
_LEARNT = "did_not_learn"  # its reason has a loss in it, whose last digit may differ elsewhere


@dataclass(frozen=True)
class Verdict:
    """Hold what a rerun says of a record."""

    kind: str  # same, expected, different, impossible, not-run
    text: str

    @property
    def confirms(self) -> bool:
        """Tell whether the record stands."""
        return self.kind in ("same", "expected")

    @property
    def refutes(self) -> bool:
        """Tell whether the record cannot be what it says."""
        return self.kind in ("different", "impossible")


def compare(old: "Record", stored: Stored | None, new: "Record", predictions: "Predictions | None") -> Verdict:
    """Compare a record with its rerun, bit by bit; costs that are measured are not compared."""
    causes = [*_environment(old, new), *_code(old, new)]
    if not old.ok or not new.ok:
        return _failed(old, new)
    if stored is None or predictions is None:
        return Verdict("not-run", "its predictions are missing")
    faults = list(_ledger(old, new, bool(causes)))
    moved, explained = _moved(old, new, stored, predictions)
    if not moved and not faults:
        return Verdict("same", f"same bits{_although(causes)}")
    differs = "; ".join([*moved, *faults])
    if not causes:
        return Verdict(
            "impossible",
            f"differs: {differs}. Environment, versions and code are the same: this record cannot have come from this "
            f"code",
        )
    because = "; ".join(causes)
    if faults or not explained:
        return Verdict("different", f"differs: {differs}. That is more than this explains: {because}")
    return Verdict("expected", f"differs a little, as may be expected: {differs}. What else differs: {because}")


def _although(causes: list[str]) -> str:
    return f" (although {'; '.join(causes)})" if causes else ""


def _failed(old: "Record", new: "Record") -> Verdict:
    if old.ok:
        assert new.failure is not None
        return Verdict("not-run", f"the rerun failed: {new.failure.kind}: {new.failure.message[:200]}")
    if new.ok:
        return Verdict("expected", "it is the record of a failure, and the rerun did not fail")
    return Verdict("same", "it is the record of a failure, and the rerun failed too")


def _environment(old: "Record", new: "Record") -> Iterator[str]:
    keys = [*_BITS, *sorted({*old.environment, *new.environment} - set(_BITS) - {"tlbench"})]
    for key in keys:
        theirs, ours = old.environment.get(key), new.environment.get(key)
        if theirs != ours:
            yield f"{key} {ours or 'unknown'} here and {theirs or 'unknown'} there"


def _code(old: "Record", new: "Record") -> Iterator[str]:
    theirs, ours = old.environment.get("tlbench"), new.environment.get("tlbench")
    if theirs != ours:
        yield f"tlbench {ours} here and {theirs} there"
    changed = []
    for kind in ("strategy", "backbone", "dataset"):
        mine, other = _facts(new, kind), _facts(old, kind)
        package = (mine.get("distribution"), mine.get("version"))
        known = (package, (other.get("distribution"), other.get("version"))) == (("tlbench", ours), ("tlbench", theirs))
        if package != (other.get("distribution"), other.get("version")) and not known:
            yield (
                f"the {kind} is of {mine.get('distribution')} {mine.get('version')} here and of "
                f"{other.get('distribution')} {other.get('version')} there"
            )
        if mine.get("source_sha256") != other.get("source_sha256"):
            changed.append(f"the {kind} ({_begin(mine)} here, {_begin(other)} there)")
    if changed:
        yield f"the source code of {' and of '.join(changed)}"


def _facts(record: "Record", kind: str) -> Mapping[str, Any]:
    facts = record.provenance.get(kind)
    return facts if isinstance(facts, Mapping) else {}


def _begin(facts: Mapping[str, Any]) -> str:
    return str(facts.get("source_sha256") or "unknown")[:8]


def _ledger(old: "Record", new: "Record", is_elsewhere: bool) -> Iterator[str]:
    """Yield what the strategy was given that it says otherwise; a draw is the same everywhere."""
    for key, theirs in sorted(old.ledger.items()):
        ours = new.ledger.get(key, theirs)
        if ours != theirs and not (key in (_DRAWN, _LEARNT) and is_elsewhere):
            yield f"its ledger says {key} {theirs}, and the rerun was given {ours}"
    learnt, learns = (not record.ledger.get(_LEARNT) for record in (old, new))
    if learnt != learns and (is_elsewhere or _LEARNT not in old.ledger):
        words = {True: "learnt", False: "did not learn"}
        yield f"by its ledger it {words[learnt]}, and the rerun {words[learns]}"
    for key in _EXACT:
        theirs, ours = old.costs.get(key), new.costs.get(key)
        if theirs is not None and ours is not None and theirs != ours:
            yield f"its {key} is {theirs:,.0f}, and the rerun has {ours:,.0f}"


def _moved(old: "Record", new: "Record", stored: Stored, predictions: "Predictions") -> tuple[list[str], bool]:
    """Return what differs of predictions and scores, and whether it is no more than a few test items."""
    logits, labels = predictions.logits, predictions.labels
    if logits.shape != stored.logits.shape:
        return [f"its logits have shape {stored.logits.shape}, and those of the rerun {logits.shape}"], False
    if not np.array_equal(labels, stored.labels):
        count = plural(int((labels != stored.labels).sum()), "test item")
        return [f"the labels of {count} are not those of the data"], False
    same = logits.dtype == stored.logits.dtype and logits.tobytes() == stored.logits.tobytes()
    scores = {
        name: (value, new.scores.get(name))
        for name, value in old.scores.items()
        if name in new.scores and not _equal(value, new.scores[name], 0 if same else 1e-9)
    }
    if same and not scores:
        return [], True
    said = []
    if not same:
        apart = float(np.abs(logits.astype(np.float64) - stored.logits.astype(np.float64)).max())
        changed = int((logits.argmax(1) != stored.logits.argmax(1)).sum())
        said.append(f"logits by up to {apart:.3g}, and {changed:,} of {len(labels):,} predictions")
    said += [f"{name} {_number(theirs)} there and {_number(ours)} here" for name, (theirs, ours) in scores.items()]
    return said, not same and _is_small(old, new, len(labels))


def _equal(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= max(tolerance, 1e-12)


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.6g}"


def _is_small(old: "Record", new: "Record", items: int) -> bool:
    """Whether the primary score moved by no more than two standard errors of the test items."""
    name = next((each for each in ("accuracy", "clustering-accuracy") if each in old.scores), None)
    theirs, ours = (old.scores.get(name), new.scores.get(name)) if name else (None, None)
    if theirs is None or ours is None:
        return False
    error = math.sqrt(max(theirs * (1 - theirs), ours * (1 - ours), 0) / items)
    return abs(theirs - ours) <= max(2 * error, 2 / items)
