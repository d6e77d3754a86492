"""Fit strategies on the conformance kit's toy problem, for identities between two methods."""

import torch
from torch import Tensor

from tlbench import Budget, Recipe, Strategy, Workbench, predict
from tlbench.learning import Setting, seed_everything
from tlbench.testing import Toy

CPU = torch.device("cpu")
TOY = Toy()


def bench_of(pretrained: bool = True, **recipe) -> Workbench:
    """Return a bench of the toy problem; `recipe` narrows the recipe."""
    weights = TOY.weights if pretrained else None
    narrowed = Recipe(steps=8, batch_size=8).but(**recipe)
    return Workbench(Setting(TOY.backbone, weights, TOY.classes, narrowed, CPU, seed=0, replicate=0))


def fit(strategy: Strategy, budget: str = "4-shot", **bench):
    """Return the classifier that a strategy makes of the toy problem."""
    task = TOY.task(strategy.needs(), Budget.parse(budget), validation=False)
    seed_everything(1)
    return strategy.fit(task, bench_of(**bench))


def logits(strategy: Strategy, budget: str = "4-shot", **bench) -> Tensor:
    """Return the logits of the toy's test inputs, (N, C), after a fit."""
    return predict(fit(strategy, budget, **bench), test_inputs(), CPU)


def test_inputs() -> Tensor:
    """Return the toy's test inputs, uint8 (N, 1, 8, 8)."""
    return TOY.examples("target", "test").inputs


def largest_difference(one: Tensor, other: Tensor) -> float:
    """Return the largest absolute difference; 0 means equal to the bit."""
    return float((one - other).abs().max())


def difference_to_finetune(strategy: Strategy, **bench) -> float:
    """Return the largest difference between a strategy's logits and those of fine-tuning as shipped."""
    from tlbench_finetune.finetune import Finetune

    return largest_difference(logits(strategy, **bench), logits(Finetune(), **bench))
