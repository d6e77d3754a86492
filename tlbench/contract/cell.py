"""Define a cell: one point of the cross-product, named by the hash of everything that may change its scores."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from tlbench.contract.budget import Budget
from tlbench.contract.recipe import Recipe
from tlbench.contract.search_space import TuningBudget
from tlbench.contract.selection_rule import LAST, VALIDATION
from tlbench.contract.split_rule import GIVEN


@dataclass(frozen=True)
class Protocol:
    """Describe how labels are used and scores are taken; the same for every strategy of a suite."""

    validation: float = 0.0  # share of the label budget that is kept for validation
    episodes: int = 600  # tasks that an episodic budget draws (as Chen et al., 2019, arXiv:1904.04232)
    queries: int = 15  # test examples per class of an episode
    unbalanced: float = 0.0  # alpha of the Dirichlet that queries fall to classes by; 0 for as many of each
    splits: str = GIVEN  # the data's own, `5-fold`, or a file's; a cell is named by what comes of it
    version: str = "1"

    @property
    def selection(self) -> str:
        """Name the selection rule where nobody asks for another: validation labels where any are kept, else last."""
        return VALIDATION if self.validation > 0 else LAST

    def identity(self, budget: Budget) -> dict[str, Any]:
        """Return what may change the scores of a cell with this budget."""
        beside = ("splits",) if budget.is_episodic else ("splits", "episodes", "queries", "unbalanced")
        return {key: value for key, value in asdict(self).items() if key not in beside}


@dataclass(frozen=True)
class Transfer:
    """Name the domain that is measured and the one that source labels come from.

    Datasets are specs as a user wrote them.
    """

    dataset: str
    target: str  # the domain measured
    source_dataset: str | None = None
    source: str | None = None  # its domain

    @property
    def has_source(self) -> bool:
        """Tell whether there is a source side at all."""
        return self.source_dataset is not None


@dataclass(frozen=True)
class Cell:
    """Describe one run: a strategy variant, backbone, transfer, budget and replicate."""

    strategy: str  # the variant, as `tlbench -s` takes it
    backbone: str  # as `tlbench -b` takes it, with the path of its weights
    transfer: Transfer
    budget: Budget
    replicate: int
    seed: int
    protocol: Protocol
    recipe: Recipe
    labels: Mapping[str, Any]  # what tables show: family, setting, short names
    identity: Mapping[str, Any] = field(repr=False)  # everything that may change a score, as JSON
    members: tuple[str, ...] = ()  # of an ensemble: the ids of the cells whose predictions it combines
    selection: str = LAST  # the rule that chooses among checkpoints, candidates and trials
    tuning: TuningBudget | None = None  # how long the strategy's search space is searched, if at all

    @cached_property
    def id(self) -> str:
        """Return the cell's name in a store: 20 hexadecimal digits of the SHA-256 of its identity."""
        return digest(self.identity)[:20]


def canonical(value: Any) -> str:
    """Write a value as JSON in the one way that equal values share."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(value: Any) -> str:
    """Return the SHA-256, in hexadecimal, of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
