"""Compare a record with its rerun: which bits differ, what else does, and whether the one explains the other."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench import plural
from tlbench.contract import UNSUPERVISED
from tlbench_leaderboard.content import Stored
from tlbench_leaderboard.environments import MACHINE, TORCH, TRAINED, bound, kind_of, steps_of
from tlbench_leaderboard.installed import faults_of_metrics, installed_metrics

if TYPE_CHECKING:
    from tlbench import Metric, Predictions, Record

_MACHINE = (
    "processor", "cpu_capability", "numpy_blas", "torch_blas", "onednn", "threads", "interop_threads", "variables",
    "numpy", "python", "platform",
)  # fmt: skip
_TORCH = ("torch", "torchvision")  # of one release each
_COUNTED = ("parameters_trained", "parameters_stored", "flops_per_example")  # costs that are counted and not measured
_LABELS = ("strategy", "family", "setting", "target", "source", "budget", "selection", "upper_bound", "baseline")
_DRAWN = "labelled_examples"  # a digest of encoded examples, whose last bits an image library may change
_LEARNT = "did_not_learn"  # its reason has a loss in it, whose last digit may differ elsewhere
_FEW = 0.02  # of the test items whose predictions may change, or logits go far, where a difference is expected
_FAR = 0.05  # of the largest logit
_CHANCE, _FORGED = 0.01, 1e-6  # how probable it must be that changed predictions favour a record by chance


@dataclass(frozen=True)
class Verdict:
    """Hold what a rerun says of a record."""

    kind: str  # same, expected, different, impossible, unverified, not-run
    text: str

    @property
    def confirms(self) -> bool:
        """Tell whether the record stands."""
        return self.kind in ("same", "expected")

    @property
    def refutes(self) -> bool:
        """Tell whether the record cannot be what it says. What is neither is unverified."""
        return self.kind in ("different", "impossible")


@dataclass(frozen=True)
class _Causes:
    """Hold what may make a rerun another: sentences, and which kinds of change they are."""

    said: list[str] = field(default_factory=list)
    changes: frozenset[str] = frozenset()
    other_code: bool = False


@dataclass(frozen=True)
class _Moved:
    """Hold how far the logits of a rerun are from those stored."""

    relative: float  # of the largest logit
    changed: int  # predictions
    far: int  # test items whose logits moved far
    lean: float  # the chance that so many of the changed predictions, or more, are right in the record alone
    items: int
    text: str


def compare(
    old: "Record",
    stored: Stored | None,
    new: "Record",
    predictions: "Predictions | None",
    *,
    metrics: "Mapping[str, Metric] | None" = None,
) -> Verdict:
    """Compare a record with its rerun, bit by bit; costs that are measured are not compared.

    Scores are computed again from the stored logits, by `metrics` (without any by those of the installed packages).
    """
    if not old.ok or not new.ok:
        return _failed(old, new)
    if stored is None or predictions is None:
        return Verdict("not-run", "its predictions are missing")
    causes = _causes(old, new)
    known = installed_metrics() if metrics is None else metrics
    faults = [*_ledger(old, new, causes), *_labels(old, new), *faults_of_metrics(old, stored, known)]
    faults += [*_shapes(stored, predictions), *_tasks(old, new, 0.01 if causes.said else 1e-9)]
    doubts = [*_metrics_elsewhere(old, known), *_operations(old, new)]
    moved = (
        None if _same_bits(stored, predictions) or _shapes(stored, predictions) else _moved(stored, predictions, new)
    )
    differs = "; ".join([*faults, *([moved.text] if moved else []), *_scores(old, new, moved)])
    because = "; ".join(causes.said)
    if faults or (moved and not causes.said):
        if not causes.said:
            return Verdict(
                "impossible",
                f"differs: {differs}. Environment, versions and code are the same: this record cannot have come from "
                f"this code",
            )
        return Verdict("different", f"differs: {differs}. That is more than this explains: {because}")
    judged = Verdict("same", f"same bits{f' (although {because})' if because else ''}")
    if moved:
        judged = _judge(moved, new, causes, differs)
    if doubts and not judged.refutes:
        return Verdict("unverified", f"{'; '.join(doubts)}. Otherwise: {judged.text}")
    return judged


def _judge(moved: _Moved, new: "Record", causes: _Causes, differs: str) -> Verdict:
    """Say whether a distance is one that was measured between environments like these two."""
    kind, because = kind_of(new), "; ".join(causes.said)
    limit = bound(kind, causes.changes, steps_of(new))
    may_refute = limit.is_measured and not causes.other_code
    if moved.lean < _FORGED and may_refute and limit.says_something and not new.ledger.get(_LEARNT):
        text = f"differs: {differs}, in favour of the record. That is more than this explains: {because}"
        return Verdict("different", text)
    if not limit.allows(moved.relative, moved.changed, moved.items):
        if may_refute and kind not in TRAINED:  # how far rounding leads a training depends on network and data
            far = f"logits of this kind ({kind}) move by {limit.relative:.2g} of the largest at most"
            return Verdict("different", f"differs: {differs}. That is more than this explains: {because} ({far})")
        text = f"differs: {differs}. How much of it this may explain, nobody has measured: {because}"
        return Verdict("unverified", text)
    few = max(1, _FEW * moved.items)
    if moved.changed <= few and moved.far <= few and moved.lean >= _CHANCE:
        return Verdict("expected", f"differs a little, as may be expected: {differs}. What else differs: {because}")
    return Verdict(
        "unverified", f"differs by so much that nothing is confirmed: {differs}. What else differs: {because}"
    )


def _failed(old: "Record", new: "Record") -> Verdict:
    if old.ok:
        assert new.failure is not None
        return Verdict("not-run", f"the rerun failed: {new.failure.kind}: {new.failure.message[:200]}")
    assert old.failure is not None
    if new.failure is None:
        return Verdict("unverified", f"it is the record of a failure ({old.failure.kind}), and the rerun did not fail")
    if new.failure.kind != old.failure.kind:
        return Verdict("unverified", f"it failed with {old.failure.kind}, and the rerun with {new.failure.kind}")
    return Verdict("same", "it is the record of a failure, and the rerun failed too")


def _causes(old: "Record", new: "Record") -> _Causes:
    keys = dict.fromkeys([*_TORCH, *_MACHINE, *sorted({*old.environment, *new.environment} - {"tlbench"})])
    differ = [key for key in keys if old.environment.get(key) != new.environment.get(key)]
    changes = {MACHINE if key in _MACHINE else TORCH if key in _TORCH else key for key in differ}
    code = list(_code(old, new))
    return _Causes([*_environment(old, new, differ), *code], frozenset(changes), bool(code))


def _environment(old: "Record", new: "Record", differ: list[str]) -> Iterator[str]:
    """Yield each fact that differs; what a record does not say is unknown, and explains no more than a difference."""
    for key in differ:
        if key in old.environment:
            yield f"{key} {_fact(new.environment.get(key))} here and {_fact(old.environment[key])} there"
    unknown = [key for key in differ if key not in old.environment]
    if unknown:
        yield f"it does not say its {', '.join(unknown)}"


def _fact(value: str | None) -> str:
    return "unknown" if value is None else value[:200] or "none"


def _code(old: "Record", new: "Record") -> Iterator[str]:
    theirs, ours = old.environment.get("tlbench"), new.environment.get("tlbench")
    if theirs != ours:
        yield f"tlbench {ours} here and {theirs} there"
    changed = []
    for kind in ("strategy", "backbone", "dataset", "core"):
        mine, other = _facts(new, kind), _facts(old, kind)
        package = (mine.get("distribution"), mine.get("version"))
        known = (package, (other.get("distribution"), other.get("version"))) == (("tlbench", ours), ("tlbench", theirs))
        if other and package != (other.get("distribution"), other.get("version")) and not known:
            yield (
                f"the {kind} is of {mine.get('distribution')} {mine.get('version')} here and of "
                f"{other.get('distribution')} {other.get('version')} there"
            )
        key = next((key for key in ("source_sha256", "package_sha256") if mine.get(key) != other.get(key)), None)
        if key is not None:
            noun = "tlbench itself" if kind == "core" else f"the {kind}"
            changed.append(f"{noun} ({_begin(mine, key)} here, {_begin(other, key)} there)")
    if changed:
        yield f"the source code of {' and of '.join(changed)}"


def _facts(record: "Record", kind: str) -> Mapping[str, Any]:
    facts = record.provenance.get(kind)
    return facts if isinstance(facts, Mapping) else {}


def _begin(facts: Mapping[str, Any], key: str) -> str:
    return str(facts.get(key) or "unknown")[:8]


def _ledger(old: "Record", new: "Record", causes: _Causes) -> Iterator[str]:
    """Yield what the strategy was given that it says otherwise, or leaves out; a draw is the same everywhere."""
    for key, ours in sorted(new.ledger.items()):
        if key not in old.ledger:
            if not causes.other_code and key != _LEARNT and ours is not None:
                yield f"its ledger does not say {key}, and the rerun was given {ours!r}"
        elif ours != old.ledger[key] and not (key in (_DRAWN, _LEARNT) and causes.said):
            yield f"its ledger says {key} {old.ledger[key]}, and the rerun was given {ours}"
    learnt, learns = (not record.ledger.get(_LEARNT) for record in (old, new))
    if learnt != learns and (causes.said or _LEARNT not in old.ledger):
        words = {True: "learnt", False: "did not learn"}
        yield f"by its ledger it {words[learnt]}, and the rerun {words[learns]}"
    for key in _COUNTED:
        theirs, ours = old.costs.get(key), new.costs.get(key)
        if theirs is None and ours is not None and not causes.other_code:
            yield f"its {key} is left out, and the rerun has {ours:,.0f}"
        elif theirs is not None and theirs != ours and not _other_counter(key, old, new):
            yield f"its {key} is {theirs:,.0f}, and the rerun has {_number(ours)}"


def _other_counter(key: str, old: "Record", new: "Record") -> bool:
    """Whether a cost is counted by a library that is another one here: operations, by torch."""
    return key == "flops_per_example" and old.environment.get("torch") != new.environment.get("torch")


def _operations(old: "Record", new: "Record") -> Iterator[str]:
    key = "flops_per_example"
    theirs, ours = old.costs.get(key), new.costs.get(key)
    if theirs != ours and theirs is not None and _other_counter(key, old, new):
        yield f"its {key} is {_number(theirs)}, and another torch counts {_number(ours)} here"


def _labels(old: "Record", new: "Record") -> Iterator[str]:
    """Yield what tables would show it as, and it is not."""
    for key in _LABELS:
        if key in old.labels and old.labels[key] != new.labels.get(key):
            yield f"its label {key} is {old.labels[key]!r}, and that of the rerun {new.labels.get(key)!r}"


def _metrics_elsewhere(old: "Record", known: "Mapping[str, Metric]") -> Iterator[str]:
    """Yield the metrics of a record that nothing here can compute."""
    facts = _facts(old, "metrics")
    for name in old.scores:
        stated = facts.get(name)
        version = stated.get("version") if isinstance(stated, Mapping) else None
        if name not in known:
            yield f"its metric {name} is not installed here"
        elif version is not None and version != known[name].version:
            yield f"its metric {name} is of version {version}, and {known[name].version} is installed here"


def _shapes(stored: Stored, predictions: "Predictions") -> list[str]:
    """Return why logits cannot be compared, if they cannot."""
    if predictions.logits.shape != stored.logits.shape:
        return [f"its logits have shape {stored.logits.shape}, and those of the rerun {predictions.logits.shape}"]
    if not np.array_equal(predictions.labels, stored.labels):
        count = plural(int((predictions.labels != stored.labels).sum()), "test item")
        return [f"the labels of {count} are not those of the data"]
    return []


def _same_bits(stored: Stored, predictions: "Predictions") -> bool:
    one, other = stored.logits, predictions.logits
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def _moved(stored: Stored, predictions: "Predictions", new: "Record") -> _Moved:
    """Return how far logits are from those of the rerun, which nobody chose and which are the measure."""
    ours, theirs, labels = predictions.logits.astype(np.float64), stored.logits.astype(np.float64), predictions.labels
    apart = np.abs(ours - theirs).max(axis=1)
    largest = max(float(np.abs(ours).max()), 1e-12)
    one, other = ours.argmax(1), theirs.argmax(1)
    won, lost = int(((other == labels) & (one != labels)).sum()), int(((one == labels) & (other != labels)).sum())
    relative, changed = float(apart.max()) / largest, int((one != other).sum())
    text = f"logits by up to {apart.max():.3g} ({relative:.2g} of the largest), and "
    text += f"{changed:,} of {len(ours):,} predictions"
    if new.labels["setting"] == UNSUPERVISED:  # the numbers of clusters mean nothing
        won = lost = 0
    if won + lost:
        text += f" ({won:,} right there alone, {lost:,} right here alone)"
    return _Moved(relative, changed, int((apart > _FAR * largest).sum()), at_least(won, won + lost), len(ours), text)


def at_least(count: int, of: int) -> float:
    """Return the chance that a fair coin falls on one side so often, or more often, in so many throws."""
    return sum(math.comb(of, k) for k in range(count, of + 1)) / 2**of


def _scores(old: "Record", new: "Record", moved: _Moved | None) -> Iterator[str]:
    """Yield the scores that differ."""
    for name, theirs in old.scores.items():
        if name in new.scores and not _equal(theirs, new.scores[name], 1e-9 if moved else 1e-12):
            yield f"{name} {_number(theirs)} there and {_number(new.scores[name])} here"


def _tasks(old: "Record", new: "Record", tolerance: float) -> Iterator[str]:
    """Yield the scores on further tasks, whose logits are not stored, that are further apart than a tolerance."""
    for task, scores in new.tasks.items():
        for name, ours in scores.items() if task != "target" else ():
            theirs = old.tasks.get(task, {}).get(name)
            if not _equal(theirs, ours, tolerance):
                yield f"its {name} on {task} is {_number(theirs)}, and that of the rerun {_number(ours)}"


def _equal(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= tolerance


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.6g}"
