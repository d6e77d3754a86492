"""Define the training recipe that all trained strategies share unless one says otherwise."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

Augmentation = Literal["none", "shift", "shift-flip"]
Precision = Literal["fp32", "bf16"]
FEWEST_STEPS = 60  # where the suite states no number


@dataclass(frozen=True)
class Recipe:
    """Set how the one training loop runs. A strategy narrows it with `bench.recipe.but(lr=...)`."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, Gt(0)] = 1e-3  # peak learning rate
    weight_decay: Annotated[float, Ge(0)] = 1e-2  # not applied to biases and norm parameters
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9  # of sgd
    steps: Annotated[int, Ge(0)] = 0  # optimiser steps; 0: 60, or half as many as training labels where that is more
    batch_size: Annotated[int, Gt(0)] = 32  # examples a step, of each stream
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: Annotated[float, Ge(0), Lt(1)] = 0.1  # share of the steps with a linearly rising rate
    augment: Augmentation = "shift"
    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0  # of `bench.cross_entropy`
    mixup: Annotated[float, Ge(0)] = 0.0  # of `bench.cross_entropy`: alpha of the Beta distribution; 0 mixes nothing
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0  # of `bench.head`: share of the features left out while training
    clip_norm: Annotated[float, Ge(0)] = 1.0  # largest gradient norm; 0 turns clipping off
    accumulate: Annotated[int, Gt(0)] = 1  # batches whose gradients make one step
    precision: Precision = "fp32"
    evaluate_every: Annotated[int, Gt(0)] = 10  # steps between looks at the validation labels

    def but(self, **changes: Any) -> "Recipe":
        """Return the recipe with some values changed; None leaves a value as it is."""
        return replace(self, **{key: value for key, value in changes.items() if value is not None})

    def for_labels(self, count: int) -> "Recipe":
        """Return the recipe with its number of steps decided, for that many training labels."""
        return self if self.steps else replace(self, steps=max(FEWEST_STEPS, count // 2))

    def lengthened(self, times: float) -> int:
        """Return the steps of a training that needs more where labels are few: `times` the usual, counting 60."""
        usual = self.for_labels(0).steps
        return max(usual, round(times * min(usual, FEWEST_STEPS)))

    def phases(self, count: int) -> "list[Recipe]":
        """Return recipes, as equal as can be and `count` at most, whose steps together are this one's."""
        steps = self.for_labels(0).steps
        count = min(count, steps)
        ends = [steps * part // count for part in range(count + 1)]
        return [replace(self, steps=end - start) for start, end in pairwise(ends)]
