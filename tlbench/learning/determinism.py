"""Set global seeds and switches, here and nowhere else: equal cells give equal bits."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

# Before the first kernel: cuBLAS reads this once, when its handle is made.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from tlbench.errors import DeviceError


def configure(threads: int) -> None:
    """Make kernels deterministic and fix the number of threads, which changes the bits of sums on a CPU."""
    # `use_deterministic_algorithms(True)` says the same to kernels, and imports torch's compiler, which takes seconds.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it costs time and changes no result
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_num_threads(threads)
    threadpool_limits(threads)  # scikit-learn's and NumPy's own


def seed_everything(seed: int) -> None:
    """Seed the global generators; called once per cell, before anything is drawn."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generators for a block, and leave them afterwards as they were before."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else []
    with torch.random.fork_rng(list(devices)):
        torch.manual_seed(seed)
        yield


def generator(seed: int) -> torch.Generator:
    """Return a generator of its own, on the CPU so that every device draws the same numbers."""
    return torch.Generator().manual_seed(seed)


def resolve_device(name: str) -> torch.device:
    """Return the device that `auto`, `cpu`, `cuda`, `cuda:1` or `mps` names; raise DeviceError if it is not there."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise DeviceError(f"unknown device {name!r}. Write auto, cpu, cuda, cuda:1 or mps.")
    if kind == "cuda" and not cuda:
        raise DeviceError(f"device {name!r} was asked for, but torch {torch.__version__} sees no CUDA GPU. Use cpu.")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise DeviceError(f"device {name!r} was asked for, but there are {torch.cuda.device_count()} CUDA GPUs.")
    if kind == "mps" and not mps:
        raise DeviceError(f"device {name!r} was asked for, but torch {torch.__version__} sees no Apple GPU. Use cpu.")
    return torch.device(name)


def synchronise(device: torch.device) -> None:
    """Wait for the device, so that a clock read afterwards tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Stopwatch:
    """Measure seconds on a device, waiting for it at both ends."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds = 0.0

    def __enter__(self) -> "Stopwatch":
        synchronise(self.device)
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        synchronise(self.device)
        self.seconds = time.perf_counter() - self._start
