"""What a fitted classifier costs beside seconds: parameters, operations and memory."""

import sys

import psutil
import torch
from torch import Tensor, nn


def parameters_stored(classifier: nn.Module) -> int:
    """Return how many parameters predict."""
    return sum(parameter.numel() for parameter in classifier.parameters())


def flops_per_example(classifier: nn.Module, example: Tensor, device: torch.device) -> float:
    """Count the floating point operations of predicting one example; NaN where an operation cannot be counted."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            classifier(example.to(device))
        return float(counter.get_total_flops())
    except Exception:  # a count that fails must not cost a result
        return float("nan")


def peak_memory_bytes(device: torch.device) -> int:
    """Return peak bytes: of this cell's tensors on a GPU, of the whole process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
