"""Read evidence from stored results: candidates scored on the same labelled examples, dataset by dataset."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from tlbench import Budget, ParameterError, Record, digest, near_miss
from tlbench.contract import BudgetKind
from tlbench.errors import StoreError
from tlbench.results import ALPHA, MARKER, Store, compare, cross

METRIC = "accuracy"
RULES = (None, "last", "validation")  # selection rules that need nothing but the label budget
USUAL = Path("tlbench-results")

Pair = tuple[int, int]  # a root seed and a replicate
Right = Callable[["Candidate", Pair], "np.ndarray | None"]


@dataclass(frozen=True, order=True)
class Candidate:
    """Name a strategy variant on a backbone; "" where the backbone is left open."""

    strategy: str
    backbone: str = ""  # the key of its identity


@dataclass(frozen=True, eq=False)
class Known:
    """Describe a backbone that records name."""

    label: str
    spec: str  # as it was typed
    encoding: str


@dataclass(frozen=True, eq=False)
class Block:
    """Hold candidates that were scored on one dataset under one budget, paired by seed and replicate."""

    dataset: str
    transfer: str
    source: str
    budget: str
    classes: int
    labels_per_class: float  # validation included
    scores: Mapping[Candidate, Mapping[tuple[int, int], float]]
    overlap: float = 0.0  # of a cross-validation, as tlbench.results.stats takes it
    right: Right | None = None  # which test items a candidate got right in a replicate, where that is stored
    baselines: frozenset[Candidate] = frozenset()

    @cached_property
    def means(self) -> dict[Candidate, float]:
        """Return the mean score of each candidate."""
        return {candidate: float(np.mean(list(values.values()))) for candidate, values in self.scores.items()}

    @cached_property
    def leader(self) -> Candidate:
        """Return the candidate with the highest mean; of equals the first by name."""
        return min(self.scores, key=lambda candidate: (-self.means[candidate], candidate))

    @cached_property
    def tied(self) -> frozenset[Candidate]:
        """Return the best and what is not clearly behind it, as reports judge it.

        By the crossed model over replicates and test items, and by a t test over replicates where test items are not
        the same in all or not stored; with Bonferroni's correction for all candidates of the block.
        """
        return frozenset(each for each in self.scores if each == self.leader or not self._is_behind(each))

    def _is_behind(self, other: Candidate) -> bool:
        shared = sorted(self.scores[self.leader].keys() & self.scores[other].keys())
        one, two = (np.array([self.scores[each][pair] for pair in shared]) for each in (self.leader, other))
        if self.means[self.leader] == self.means[other]:
            return False
        if len(shared) < 2:
            return True  # a single pair has no interval: the mean alone decides
        found = self._answers(other, shared)
        if found is None:
            p = compare((one - two)[None], self.overlap).p
        else:
            step = 1 / found[0].shape[1]
            crossed = cross(lambda replicate: found[replicate], len(shared), np.array([0]), np.array([1]), step)
            p = crossed.p_over_both(np.array([float((one - two).mean())]))
        return bool(one.mean() > two.mean() and p[0] <= ALPHA / max(1, len(self.scores) - 1))

    def _answers(self, other: Candidate, pairs: Sequence[tuple[int, int]]) -> list[np.ndarray] | None:
        """Return what the leader and another got right in each replicate, (2, items); None where that is not known."""
        if self.right is None or self.overlap:
            return None
        both = [[self.right(each, pair) for each in (self.leader, other)] for pair in pairs]
        known = [each for two in both for each in two if each is not None]
        if len(known) < 2 * len(both) or len({each.shape for each in known}) > 1:
            return None
        return [np.stack([np.asarray(each, dtype=np.float64) for each in two]) for two in both]

    def only(self, keep: Container[Candidate]) -> "Block":
        """Return the block with some of its candidates: itself where that is all of them."""
        scores = {candidate: values for candidate, values in self.scores.items() if candidate in keep}
        return self if len(scores) == len(self.scores) else replace(self, scores=scores)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Hold all blocks of some results folders, and what in them is no evidence."""

    folders: tuple[Path, ...]
    blocks: tuple[Block, ...]
    records: int  # all that were read
    backbones: Mapping[str, Known]
    names: Mapping[str, str]  # the name of a dataset by its fingerprint, and by what was typed with its label
    unused: Mapping[str, int] = field(default_factory=dict)  # records by the reason


def find_folders(named: Sequence[Path]) -> tuple[Path, ...]:
    """Return the results folders that were named, or those in tlbench-results/.

    A folder of results folders stands for all of them. Raises ParameterError for what is no such folder.
    """
    if not named:
        return tuple(_inside(USUAL)) if USUAL.is_dir() else ()
    found: list[Path] = []
    for path in named:
        path = path.expanduser()
        if not path.is_dir():
            siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            raise ParameterError(f"there is no results folder {str(path)!r}.{near_miss(path.name, siblings)}")
        inside = _inside(path)
        if not inside:
            raise ParameterError(f"{path} is no results folder, and holds none: name what `tlbench run` wrote.")
        found += inside
    return tuple(dict.fromkeys(found))


def _inside(path: Path) -> list[Path]:
    if (path / MARKER).is_file():
        return [path]
    return sorted(item for item in path.iterdir() if (item / MARKER).is_file())


def read(folders: Sequence[Path]) -> Evidence:
    """Read the records of results folders. Equal cells of several folders count once.

    Records are put together by what pairs them: data, target, budget, protocol, recipe and seed, whatever their
    folder. Raises StoreError for a folder that cannot be read.
    """
    reader = _Reader()
    for folder in folders:
        store = Store(folder)
        if not store.records_folder.is_dir():
            raise StoreError(f"{folder} holds no records yet. `tlbench run --out {folder}` makes some.")
        for record in store.records():
            reader.add(record, store)
    return reader.evidence(tuple(folders))


class _Reader:
    """Collects records into blocks."""

    def __init__(self) -> None:
        self.cells: set[str] = set()
        self.unused: dict[str, int] = {}
        self.backbones: dict[str, Known] = {}
        self.names: dict[str, str] = {}  # the name of a dataset by its fingerprint
        self.typed: dict[str, str] = {}  # and by what was typed for it
        self.classes: dict[str, int] = {}  # of a dataset by its name
        self.facts: dict[tuple[str, str], dict[str, Any]] = {}
        self.given: dict[tuple[str, str], int] = {}
        self.baselines: set[Candidate] = set()
        self.witness: dict[str, tuple[Store, str]] = {}  # a cell of each dataset, whose logits have its classes
        self.scores: dict[tuple[str, str], dict[Candidate, dict[tuple[int, int], float]]] = {}
        self.stored: dict[tuple[str, Candidate, Pair], tuple[Store, str]] = {}  # the cell of each score

    def add(self, record: Record, store: Store) -> None:
        """Take a record in, or count why it is no evidence."""
        if record.cell in self.cells:
            return
        self.cells.add(record.cell)
        if reason := _no_evidence(record):
            self.unused[reason] = self.unused.get(reason, 0) + 1
            return
        labels, identity = record.labels, record.identity
        folds = int((identity.get("splits") or {}).get("folds", 0))
        paired = {key: identity.get(key) for key in ("dataset", "target", "budget", "protocol", "recipe", "seed")}
        place = (digest([paired, folds, labels.get("selection")]), str(labels.get("source") or ""))
        name = self._name(record)
        self.witness.setdefault(name, (store, record.cell))
        if place not in self.facts:
            self.facts[place] = {
                "dataset": name,
                "transfer": str(labels["transfer"]),
                "budget": str(labels["budget"]),
                "overlap": 1 / (folds - 1) if folds else 0.0,
            }
            self.given[place] = sum(int(record.ledger.get(key) or 0) for key in ("train_labels", "val_labels"))
            budget = Budget.parse(str(labels["budget"]))
            if budget.kind is BudgetKind.SHOTS:
                self.classes.setdefault(name, self.given[place] // int(budget.amount))
        candidate = Candidate(str(labels["strategy"]), self._backbone(record))
        if labels.get("baseline"):
            self.baselines.add(candidate)
        own = self.scores.setdefault(place, {}).setdefault(candidate, {})
        pair = int(labels["seed"]), int(labels["replicate"])
        own[pair] = float(record.scores[METRIC] or 0.0)
        if record.digests.get("predictions"):
            self.stored[place[0], candidate, pair] = (store, record.cell)

    def _backbone(self, record: Record) -> str:
        identity, label = record.identity["backbone"], str(record.labels["backbone"])
        key = backbone_key(identity)
        typed = str(record.provenance.get("command", {}).get("backbone", label))
        self.backbones.setdefault(key, Known(label, typed, str(identity.get("encoding", ""))))
        return key

    def _name(self, record: Record) -> str:
        """Return the name of a record's dataset: one for equal fingerprints, and for what was typed alike.

        Other data of an equal name are told apart by a number.
        """
        fingerprint = str(record.identity["dataset"].get("fingerprint"))
        label = str(record.labels["dataset"])
        typed = f"{record.provenance.get('command', {}).get('dataset', label)} {label}"
        if fingerprint not in self.names:
            self.names[fingerprint] = self.typed.get(typed) or _numbered(label, set(self.names.values()))
        return self.typed.setdefault(typed, self.names[fingerprint])

    def evidence(self, folders: tuple[Path, ...]) -> Evidence:
        """Return what was collected; rows without a source stand in the blocks of every source too."""
        blocks = []
        for (key, source), scores in self.scores.items():
            without = self.scores.get((key, ""), {}) if source else {}
            facts, classes = self.facts[key, source], self._classes(self.facts[key, source]["dataset"])
            per_class = self.given[key, source] / classes
            blocks.append(
                Block(
                    **facts, source=source, classes=classes, labels_per_class=per_class, scores={**without, **scores},
                    baselines=frozenset(self.baselines), right=partial(self._right, key),
                )
            )  # fmt: skip
        blocks.sort(key=lambda block: (block.transfer, block.source, Budget.parse(block.budget).order()))
        names = {**self.typed, **self.names}
        return Evidence(folders, tuple(blocks), len(self.cells), self.backbones, names, self.unused)

    def _right(self, key: str, candidate: Candidate, pair: Pair) -> "np.ndarray | None":
        """Return which test items a candidate got right in a replicate, bool (N,); None where no logits are stored."""
        if (key, candidate, pair) not in self.stored:
            return None
        store, cell = self.stored[key, candidate, pair]
        found = store.predictions(cell)
        right: np.ndarray = found.logits.argmax(axis=1) == found.labels
        return right

    def _classes(self, name: str) -> int:
        """Return the number of classes: records of shots tell it, others by the width of their logits."""
        if name not in self.classes:
            store, cell = self.witness[name]
            self.classes[name] = int(store.predictions(cell).logits.shape[1])
        return self.classes[name]


def backbone_key(identity: Mapping[str, Any]) -> str:
    """Name a backbone by what it is and its weights, whatever their file is called."""
    return digest({key: identity.get(key) for key in ("spec", "weights")})[:16]


def _numbered(label: str, taken: set[str]) -> str:
    """Return a label that is not taken yet."""
    names = (label if number == 1 else f"{label} ({number})" for number in count(1))
    return next(name for name in names if name not in taken)


def _no_evidence(record: Record) -> str:
    """Say why a record says nothing about which candidate is best under a label budget, or nothing."""
    labels = record.labels
    if not record.ok:
        return "failed"
    if labels.get("upper_bound") or record.ledger.get("upper_bound"):
        return "upper bounds"
    if labels.get("setting") != "inductive":
        return str(labels.get("setting"))
    if Budget.parse(str(labels.get("budget"))).is_episodic:
        return "episodes"
    if labels.get("tuned"):
        return "tuned"
    if labels.get("selection") not in RULES:
        return f"selected by {labels['selection']}"
    if record.scores.get(METRIC) is None:
        return f"without {METRIC}"
    return ""
