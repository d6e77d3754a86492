"""Transform batches of encoded images at random, on their device."""

import torch
from torch import Tensor

SHIFT = 8  # images move by up to 1/SHIFT of their side (He et al., 2015, arXiv:1512.03385, section 4.2: 4 of 32)


def is_image(inputs: Tensor) -> bool:
    """Tell whether a batch is encoded images, uint8 or float32 (N, C, H, W); anything else is left alone."""
    return inputs.dim() == 4 and inputs.dtype in (torch.uint8, torch.float32)


def augment(inputs: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    """Return a batch of the same shape and dtype, each image moved (and perhaps mirrored) by its own draw.

    `kind` is `none`, `shift` or `shift-flip`. `generator` is on the CPU, whatever the device of the inputs.
    """
    if kind == "none" or not is_image(inputs):
        return inputs
    moved = _shift(inputs, generator)
    return _flip(moved, generator) if kind == "shift-flip" else moved


def _shift(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by whole pixels; what comes in repeats the edge."""
    count, _, height, width = inputs.shape
    rows = _moved_axis(count, height, generator).to(inputs.device)
    columns = _moved_axis(count, width, generator).to(inputs.device)
    picked = inputs[torch.arange(count, device=inputs.device)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)  # channels last in memory, as the training loop keeps its networks


def _moved_axis(count: int, size: int, generator: torch.Generator) -> Tensor:
    reach = size // SHIFT
    offsets = torch.randint(-reach, reach + 1, (count, 1), generator=generator)
    return (torch.arange(size)[None] + offsets).clamp_(0, size - 1)


def _flip(inputs: Tensor, generator: torch.Generator) -> Tensor:
    mirrored = torch.rand(len(inputs), generator=generator) < 0.5
    return torch.where(mirrored.to(inputs.device)[:, None, None, None], inputs.flip(-1), inputs)
