"""The loss that most strategies share; a method with a loss of its own writes it in its own file."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F


def cross_entropy(label_smoothing: float = 0.0) -> Callable[[nn.Module, tuple[Tensor, Tensor]], Tensor]:
    """Return `loss(model, batch)`: the mean cross-entropy of logits (N, C) against int64 labels (N,)."""

    def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, labels = batch
        return F.cross_entropy(model(inputs), labels, label_smoothing=label_smoothing)

    return loss
