"""Project the gradients of tasks that are in conflict."""

import torch
from torch import Tensor


def pcgrad(gradients: Tensor, generator: torch.Generator) -> Tensor:
    """Return the sum (P,) of the tasks' gradients (T, P), each without what conflicts with another's.

    Where a gradient points against that of another task, its part along the other is taken out (Yu et al., 2020,
    arXiv:2001.06782, algorithm 1). The other tasks come in a random order, and each as it was before any surgery.
    """
    smallest = torch.finfo(gradients.dtype).tiny  # a gradient of zeros conflicts with none
    whole = torch.zeros_like(gradients[0])
    for index, gradient in enumerate(gradients):
        for other in torch.randperm(len(gradients), generator=generator).tolist():
            if other != index:
                along = gradients[other]
                conflict = (gradient @ along).clamp(max=0) / (along @ along).clamp(min=smallest)
                gradient = gradient - conflict * along
        whole = whole + gradient
    return whole
