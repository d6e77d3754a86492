"""Define the loss that most strategies share; a method with a loss of its own writes it in its own file."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def cross_entropy(
    label_smoothing: float = 0.0, mixup: float = 0.0, generator: torch.Generator | None = None
) -> Callable[[nn.Module, tuple[Tensor, Tensor]], Tensor]:
    """Return `loss(model, batch)`: the mean cross-entropy of logits (N, C) against int64 labels (N,).

    With `mixup` each batch is mixed with itself in another order, by one share a batch that is drawn from
    Beta(mixup, mixup), and so are its losses (Zhang et al., 2018, arXiv:1710.09412). `generator` is on the CPU.
    """

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, labels = batch
        if not mixup:
            return F.cross_entropy(model(inputs), labels, label_smoothing=label_smoothing)
        share = _share(mixup, generator)
        partners = torch.randperm(len(inputs), generator=generator).to(labels.device)
        logits = model(_mixed(inputs, inputs[partners], share))
        own, other = (
            F.cross_entropy(logits, each, label_smoothing=label_smoothing) for each in (labels, labels[partners])
        )
        return share * own + (1 - share) * other

    return loss


def _share(alpha: float, generator: torch.Generator | None) -> float:
    """Draw from Beta(alpha, alpha), which torch cannot draw from by a generator of one's own."""
    seed = int(torch.randint(2**62, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def _mixed(inputs: Tensor, others: Tensor, share: float) -> Tensor:
    """Mix two batches; bytes stay bytes, since backbones read encoded inputs."""
    mixed = share * inputs.float() + (1 - share) * others.float()
    return mixed if inputs.is_floating_point() else mixed.round().to(inputs.dtype)
