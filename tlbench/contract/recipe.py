"""Define the training recipe that all trained strategies share unless one says otherwise."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

Augmentation = Literal["none", "shift", "shift-flip"]
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Recipe:
    """Set how the one training loop runs. A strategy narrows it with `bench.recipe.but(lr=...)`."""

    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Annotated[float, Gt(0)] = 1e-3  # peak learning rate
    weight_decay: Annotated[float, Ge(0)] = 1e-2  # not applied to biases and norm parameters
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9  # of sgd
    steps: Annotated[int, Gt(0)] = 60  # optimiser steps
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

    def phases(self, count: int) -> "list[Recipe]":
        """Return recipes, as equal as can be and `count` at most, whose steps together are this one's."""
        count = min(count, self.steps)
        ends = [self.steps * part // count for part in range(count + 1)]
        return [replace(self, steps=end - start) for start, end in pairwise(ends)]
