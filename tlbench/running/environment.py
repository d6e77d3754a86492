"""Describe where a record was made and by which code: facts that name no cell but let others judge and rerun it."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from tlbench import __version__
from tlbench.contract import Cell, RandomStart
from tlbench.data import Resources
from tlbench.host import Host, Origin
from tlbench.running.code_digest import core_digest, package_digest, source_digest
from tlbench.running.machine import machine

NAMED_CLASSES = 100  # classes that a record names; of more it would be a list and little else


def environment(device: torch.device, host: Host) -> dict[str, str]:
    """Return versions, device, threads and the kernels of this machine, with what plugins add."""
    facts = {
        "tlbench": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "device": device_name(device),
        "threads": str(torch.get_num_threads()),
        **machine(),
    }
    if device.type == "cuda":
        facts["cuda"] = str(torch.version.cuda)
        facts["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return {**facts, **host.environment()}


def device_name(device: torch.device) -> str:
    """Return `cpu`, or the GPU's own name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def provenance(cell: Cell, resources: Resources) -> dict[str, Any]:
    """Return distribution, version and source hash of everything that made a cell."""
    strategy, strategy_origin = resources.catalog.strategy(cell.strategy)
    backbone = resources.backbone(cell.backbone)
    dataset = resources.dataset(cell.transfer.dataset)
    made = backbone.backbone
    own = made.backbone if isinstance(made, RandomStart) else made
    return {
        "strategy": _origin(strategy, strategy_origin),
        "backbone": {
            **_origin(own, backbone.origin),
            "weights_sha256": backbone.weights_digest,
            "used": _plain(backbone.backbone.describe()),
        },
        "dataset": {
            **_origin(dataset.dataset, dataset.origin),
            "fingerprint": dataset.fingerprint,
            "classes": list(dataset.dataset.classes) if len(dataset.dataset.classes) <= NAMED_CLASSES else None,
            "card": asdict(dataset.dataset.card),
        },
        "core": {"distribution": "tlbench", "version": __version__, "source_sha256": core_digest()},
        "metrics": {
            metric.name: {"version": metric.version, "higher_is_better": metric.higher_is_better}
            for metric in resources.catalog.metric_list()
        },
        "command": {"strategy": cell.strategy, "backbone": cell.backbone, "dataset": cell.transfer.dataset},
    }


def _origin(thing: object, origin: Origin) -> dict[str, Any]:
    return {
        "distribution": origin.distribution,
        "version": origin.version,
        "module": type(thing).__module__,
        "source_sha256": source_digest(type(thing).__module__),
        "package_sha256": package_digest(type(thing).__module__),
    }


def _plain(value: Any) -> Any:
    """Return a value as plain JSON; what JSON has no word for becomes its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
