"""Average the weights of several fine-tunings."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, MinLen
from torch import Tensor, nn

from tlbench import Family, Requirements, Strategy

State = dict[str, Tensor]


@dataclass(frozen=True)
class ModelSoup(Strategy):
    """Average the weights of fine-tunings from one start (Wortsman et al., 2022, arXiv:2203.05482).

    They share the start of the head too, and differ in learning rate and in the order of the batches. The cost is
    `orders` fine-tunings for each of `lrs`. `greedy` (recipe 1) adds an ingredient, the best first, where the soup
    gets no worse by it on validation labels, and needs such. Batch-norm statistics stay as they were.
    """

    name = "model-soup"
    family = Family.ENSEMBLE
    version = "2"

    mix: Literal["uniform", "greedy"] = "uniform"  # all ingredients, or those that help
    lrs: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (1e-4, 2e-4, 4e-4)  # peak rates of the backbone
    orders: Annotated[int, Ge(1)] = 1  # fine-tunings with each of them
    head_rate: Annotated[float, Gt(0)] = 30.0  # the head learns this many times faster
    steps: Annotated[int, Gt(0)] | None = None  # optimiser steps of each; the recipe's unless given

    def needs(self):
        """Return the requirements: the greedy soup is made by validation labels."""
        return Requirements(pretrained=True, validation=self.mix == "greedy")

    def fit(self, task, bench):
        """Return the network with averaged weights."""
        start = bench.classifier(bench.head(), bench.backbone())
        ingredients = [self._finetuned(start, lr, task, bench) for lr in self.lrs for _ in range(self.orders)]
        if self.mix == "greedy":
            ingredients = greedy(ingredients, self._chooser(start, bench))
            bench.note("ingredients", len(ingredients))
        start.load_state_dict(mean(ingredients))
        return start.eval()

    def _finetuned(self, start: nn.Module, lr: float, task, bench) -> State:
        recipe = bench.recipe.but(lr=lr, steps=self.steps)
        model = deepcopy(start)
        bench.train(
            model,
            bench.cross_entropy(recipe),
            task.train,
            recipe=recipe,
            groups=[(model.head, self.head_rate)],
            fixed_statistics=True,
        )
        return model.state_dict()

    def _chooser(self, model: nn.Module, bench) -> "Choose":
        """Return what chooses the best of several states on the validation labels."""

        def logits(state: State, inputs: Tensor) -> Tensor:
            model.load_state_dict(state)
            return torch.cat([model.eval()(part.to(bench.device)) for part in inputs.split(128)])

        return lambda states: bench.select(states, logits)


Choose = Callable[[Sequence[State]], State]


def mean(states: Sequence[State]) -> State:
    """Return the mean of each tensor of floats; of others, such as counters, the first."""
    return {
        key: torch.stack([state[key].double() for state in states]).mean(dim=0).to(value.dtype)
        if value.is_floating_point()
        else value
        for key, value in states[0].items()
    }


def greedy(ingredients: Sequence[State], best: Choose) -> list[State]:
    """Return the ingredients of the greedy soup; `best` returns the best of several states, the first of equals."""
    waiting, chosen = list(ingredients), []
    while waiting:
        candidate = best(waiting)
        waiting = [state for state in waiting if state is not candidate]
        with_it = mean([*chosen, candidate])
        if not chosen or best([with_it, mean(chosen)]) is with_it:
            chosen.append(candidate)
    return chosen
