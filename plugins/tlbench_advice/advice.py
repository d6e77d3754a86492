"""Hold advice as plain values."""

from dataclasses import asdict, dataclass
from typing import Any

from tlbench_advice.hindsight import Hindsight
from tlbench_advice.transferability import Scored


@dataclass(frozen=True)
class Row:
    """Describe how a candidate did on the stored datasets."""

    strategy: str
    backbone: str  # its label; "" where it is left open, or where there is one alone
    gain: float  # mean difference in accuracy to the reference, weighted by similarity; 0.01 is a point
    lowest: float
    highest: float
    datasets: int
    tied: int  # datasets on which it was best or not separable from the best


@dataclass(frozen=True)
class Neighbour:
    """Describe a stored dataset that the advice rests on."""

    dataset: str
    similarity: float
    classes: int
    budgets: tuple[str, ...]
    best: tuple[str, ...]  # the candidate with the highest mean on each of its targets and budgets


@dataclass(frozen=True)
class Advice:
    """Hold the answer to `tlbench recommend`, with everything that it rests on."""

    dataset: str  # the target, as tables show it
    source: str
    classes: int
    budget: str
    labels: int  # labelled training examples within the budget
    scored: int  # of them, on how many the scores were computed
    train_examples: int
    enough: bool  # whether there is evidence enough for an answer
    reasons: tuple[str, ...]  # why not, and what would be enough
    strategy: str  # "" without an answer
    backbone: str  # as `-b` takes it; "" without any
    backbone_by: str  # `evidence`, `scores`, `only one` or `order given`: what the backbone was chosen by
    scores_prefer: str  # the backbone that LogME and kNN agree on; "" where they do not
    reference: str  # what gains are measured against
    rows: tuple[Row, ...]  # all candidates, the best first
    neighbours: tuple[Neighbour, ...]
    folders: tuple[str, ...]
    records: int  # read in all
    used: int  # scores in the blocks that the answer rests on
    remarks: tuple[str, ...]  # what was left out, and what else is to be known
    scores: tuple[Scored, ...]  # of transferability, by backbone
    inapplicable: tuple[str, ...]  # which scores do not apply, and why
    hindsight: Hindsight | None
    command: str  # that checks the answer, or makes some evidence

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values; a score that does not apply is null."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value != value:
        return None
    return value
