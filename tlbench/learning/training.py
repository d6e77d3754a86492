"""Train with the one loop. A method passes a loss; order, augmentation, schedule, precision and selection live here."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.contract import Recipe
from tlbench.errors import TrainingError
from tlbench.learning.batches import Stream, batches_of
from tlbench.progress import track
from tlbench.seeds import derive

Loss = Callable[..., Tensor]
Scorer = Callable[[int], tuple[float, ...]]  # the number of steps taken to what a checkpoint is ranked by
Combine = Callable[[Tensor], Tensor]  # the gradients of several losses, (T, P), to the one to follow, (P,)
CHECK_EVERY = 25  # steps between looks at the losses: each look waits for the device


@dataclass(frozen=True)
class Group:
    """Give parameters a learning rate of their own: the recipe's times `rate`."""

    module: nn.Module
    rate: float


@dataclass(frozen=True)
class Trained:
    """Describe a finished training for the record."""

    steps: int
    parameters: int
    final_loss: float
    selected_step: int | None


def train(
    model: nn.Module,
    loss: Loss,
    streams: Sequence[Stream],
    recipe: Recipe,
    *,
    device: torch.device,
    order_seed: int,
    companions: Sequence[nn.Module] = (),
    groups: Sequence[Group] = (),
    frozen: Sequence[nn.Module] = (),
    fixed_statistics: bool = False,
    select_by: Scorer | None = None,
    combine: Combine | None = None,
) -> Trained:
    """Train `model` in place by minimising `loss(model, *batches)`, one batch of each stream a step.

    A batch is `(inputs, labels)` of labelled data, inputs of a tensor, or an `Episode`. `companions` are
    modules trained beside the model (a domain discriminator). `frozen` modules keep parameters and
    statistics; `fixed_statistics` keeps the statistics of all batch norms while their weights train. With
    `select_by` the parameters of the checkpoint that it ranks highest are kept, otherwise those of the last step.
    With `combine` the loss returns several losses, (T,), whose gradients it makes into one. Gradients are
    clipped module by module: a companion changes nothing about the model's own step.
    Raises TrainingError when a loss is not finite, naming the step.
    """
    recipe = recipe.for_labels(0)
    trained = [model, *companions]
    for module in trained:
        module.to(device).to(memory_format=torch.channels_last)  # a third faster on a CPU
    _freeze(frozen)
    optimizer = _optimizer(trained, groups, recipe)
    batches = [
        batches_of(stream, recipe, device, derive(order_seed, "stream", index=index))
        for index, stream in enumerate(streams)
    ]
    selection = None if select_by is None else _Selection(model, select_by, recipe.evaluate_every)
    losses: list[Tensor] = []
    for step in track(range(recipe.steps), "training", recipe.steps):
        _set_rate(optimizer, recipe, step)
        _training_mode(trained, frozen, fixed_statistics)
        losses.append(_step(optimizer, loss, trained, batches, recipe, device, combine))
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == recipe.steps:
            _refuse_non_finite(losses, step + 1 - len(losses))
            final_loss = float(losses[-1])
            losses.clear()
        if selection is not None:
            selection.look(step + 1, last=step + 1 == recipe.steps)
    model.eval()
    return Trained(
        steps=recipe.steps,
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        final_loss=final_loss,
        selected_step=None if selection is None else selection.restore(),
    )


def _step(
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    trained: Sequence[nn.Module],
    batches: Sequence[Iterator[Any]],
    recipe: Recipe,
    device: torch.device,
    combine: Combine | None,
) -> Tensor:
    optimizer.zero_grad(set_to_none=True)
    total = torch.zeros((), device=device)
    for _ in range(recipe.accumulate):
        with autocast(device, recipe.precision):
            value = loss(trained[0], *(next(stream) for stream in batches)) / recipe.accumulate
        if combine is None:
            value.backward()  # type: ignore[no-untyped-call]
        else:
            _add_combined(
                value, [parameter for group in optimizer.param_groups for parameter in group["params"]], combine
            )
        total += value.detach().sum()
    if recipe.clip_norm > 0:
        for module in trained:
            nn.utils.clip_grad_norm_(module.parameters(), recipe.clip_norm)
    optimizer.step()
    return total


def _add_combined(losses: Tensor, parameters: Sequence[nn.Parameter], combine: Combine) -> None:
    """Add one gradient, made of those of several losses (T,), to the parameters' own."""
    rows = []
    for loss in losses:
        found = torch.autograd.grad(loss, parameters, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([gradient.flatten() for gradient in found]))
    whole = combine(torch.stack(rows))
    for parameter, part in zip(parameters, torch.split(whole, [item.numel() for item in parameters]), strict=True):
        gradient = part.view_as(parameter)
        parameter.grad = gradient.clone() if parameter.grad is None else parameter.grad + gradient


def autocast(device: torch.device, precision: str) -> Any:
    """Return the context in which forward passes run in bf16, or nothing for fp32."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def _freeze(modules: Sequence[nn.Module]) -> None:
    for module in modules:
        module.requires_grad_(False)


def _training_mode(trained: Sequence[nn.Module], frozen: Sequence[nn.Module], fixed_statistics: bool) -> None:
    for module in trained:
        module.train()
        if fixed_statistics:
            for part in module.modules():
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    part.eval()
    for module in frozen:
        module.eval()


def _optimizer(trained: Sequence[nn.Module], groups: Sequence[Group], recipe: Recipe) -> torch.optim.Optimizer:
    """Build the optimiser; biases and norms are not decayed, each group's rate is its own."""
    rates = {id(parameter): group.rate for group in groups for parameter in group.module.parameters()}
    sorted_parameters: dict[tuple[float, bool], list[nn.Parameter]] = {}
    seen: set[int] = set()
    for parameter in (parameter for module in trained for parameter in module.parameters()):
        if parameter.requires_grad and id(parameter) not in seen:
            seen.add(id(parameter))
            key = (rates.get(id(parameter), 1.0), parameter.dim() > 1)
            sorted_parameters.setdefault(key, []).append(parameter)
    if not sorted_parameters:
        raise TrainingError("nothing to train: every parameter is frozen.")
    arranged: list[dict[str, Any]] = [
        {"params": parameters, "rate": rate, "weight_decay": recipe.weight_decay if decays else 0.0}
        for (rate, decays), parameters in sorted_parameters.items()
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(arranged, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0)
    fused = all(parameter.device.type in ("cpu", "cuda") for group in arranged for parameter in group["params"])
    return torch.optim.AdamW(arranged, lr=recipe.lr, fused=fused)


def _set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    factor = schedule_factor(step, recipe)
    for group in optimizer.param_groups:
        group["lr"] = recipe.lr * group["rate"] * factor


def schedule_factor(step: int, recipe: Recipe) -> float:
    """Return the share of the peak rate at a step: a linear warm-up, then a constant or a cosine to zero."""
    warm = round(recipe.warmup * recipe.steps)
    if step < warm:
        return (step + 1) / (warm + 1)
    if recipe.schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, recipe.steps - warm)))


def _refuse_non_finite(losses: Sequence[Tensor], first_step: int) -> None:
    bad = (~torch.isfinite(torch.stack(list(losses)))).nonzero().flatten()
    if len(bad):
        value = float(losses[int(bad[0])])
        raise TrainingError(f"the loss became {value} at step {first_step + int(bad[0]) + 1}. Try a smaller lr.")


class _Selection:
    """Keeps the parameters of the best checkpoint; of equals the earlier."""

    def __init__(self, model: nn.Module, score: Scorer, every: int) -> None:
        self.model, self.score, self.every = model, score, every
        self.best: tuple[float, ...] | None = None
        self.step = 0
        self.state: dict[str, Tensor] = {}

    def look(self, step: int, last: bool) -> None:
        if step % self.every and not last:
            return
        score = self.score(step)
        if self.best is None or score > self.best:
            self.best, self.step = score, step
            self.state = {key: value.detach().clone() for key, value in self.model.state_dict().items()}

    def restore(self) -> int:
        self.model.load_state_dict(self.state)
        return self.step


def accuracy_and_fit(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return what candidates are ranked by: accuracy, then minus the cross-entropy."""
    labels = labels.cpu()
    accuracy = float((logits.argmax(1) == labels).double().mean())
    return accuracy, -float(nn.functional.cross_entropy(logits, labels))


PREDICT_BATCH = 128  # examples a forward pass; fixed, since the size of a batch changes the last bits


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor, device: torch.device, batch_size: int = PREDICT_BATCH) -> Tensor:
    """Return the model's outputs in evaluation mode, float32 on the CPU, (N, ...)."""
    model.to(device).eval()
    outputs = [model(inputs[start : start + batch_size].to(device)) for start in range(0, len(inputs), batch_size)]
    return torch.cat([output.float().cpu() for output in outputs])
