"""Draw the labelled examples that a budget allows from a training split, and extract their features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tlbench import Budget, DataError, ParameterError
from tlbench.contract import BudgetKind
from tlbench.data import class_counts, labelled_positions
from tlbench.planning import too_large
from tlbench.seeds import derive
from tlbench_advice.target import Place

if TYPE_CHECKING:
    import torch

    from tlbench.data import BackboneEntry

USUAL = Budget(BudgetKind.SHOTS, 5)
MOST = 2000  # labelled examples that scores are computed on; more would only make them slower
CHUNK = 256  # examples that are encoded at a time


@dataclass(frozen=True, eq=False)
class Sample:
    """Hold which training examples of a place are used with their labels."""

    place: Place
    budget: Budget
    within: int  # labels that the budget allows
    rows: np.ndarray  # of the training split, int64; at most MOST

    @property
    def counts(self) -> tuple[int, ...]:
        """Return how many training examples each class has."""
        return class_counts(self.place.labels, len(self.place.classes))

    @property
    def labels(self) -> np.ndarray:
        """Return the labels of these rows, int64."""
        found: np.ndarray = self.place.labels[self.rows]
        return found

    def features(self, entry: "BackboneEntry", device: "torch.device") -> np.ndarray:
        """Return features of the frozen pretrained backbone, float32 (rows, feature_dim).

        Only these examples are decoded. A random start is that of replicate 0.
        """
        import torch

        from tlbench import predict, track
        from tlbench.host import blamed
        from tlbench.learning import feature_fault, seeded

        backbone, inputs = entry.backbone, self.place.dataset.load(self.place.domain, "train").inputs
        with (
            blamed(f"backbone {backbone.label}: build"),
            seeded(derive(0, "init", backbone=backbone.name, replicate=0)),
        ):
            network = backbone.build(entry.weights)
        found = []
        starts = range(0, len(self.rows), CHUNK)
        for first in track(starts, f"features by {backbone.label}", len(starts)):
            raw = [inputs[int(row)] for row in self.rows[first : first + CHUNK]]
            with blamed(f"backbone {backbone.label}"):
                features = predict(network, backbone.encode(raw), device)
            if fault := feature_fault(features, len(raw), backbone.feature_dim):
                raise DataError(f"backbone {backbone.label}: {fault}")
            found.append(features)
        values: np.ndarray = torch.cat(found).numpy()
        if not np.isfinite(values).all():
            raise DataError(
                f"backbone {backbone.label} gives features of {self.place.label} that are no finite numbers."
            )
        return values


def choose_budget(text: str | None, place: Place) -> Budget:
    """Return the budget that was typed, or 5-shot, or full where a class has fewer than five training examples.

    Raises ParameterError for episodes, and DataError for more labels than there are.
    """
    counts = class_counts(place.labels, len(place.classes))
    if text is None:
        return USUAL if min(counts) >= USUAL.amount else Budget(BudgetKind.FULL)
    budget = Budget.parse(text)
    if budget.is_episodic:
        raise ParameterError(f"--budget {budget}: advice is for one task. Write 5-shot, 10%, 200 or full.")
    if fault := too_large(budget, counts, place.classes, f"the training split of {place.label}"):
        raise DataError(fault)
    return budget


def draw(place: Place, budget: Budget) -> Sample:
    """Draw the labels of a budget, class by class; of more than MOST a stratified part of them is used."""
    seed = derive(0, "advice", dataset=place.dataset.label, target=place.domain)
    rows = labelled_positions(place.labels, len(place.classes), budget, seed)
    return Sample(place, budget, len(rows), np.sort(rows[:MOST]))
