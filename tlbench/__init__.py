"""Compare ways of transfer learning on your own data.

Plugin authors find here what their classes are made of; `run` executes a suite from Python.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("tlbench")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0.0.0"

if TYPE_CHECKING:
    from tlbench.api import run
    from tlbench.backbone import Backbone, BackboneFamily
    from tlbench.budget import Budget
    from tlbench.cell import Protocol
    from tlbench.dataset import Dataset
    from tlbench.errors import (
        DataError,
        ParameterError,
        PluginError,
        TlbenchError,
        WeightsError,
    )
    from tlbench.hookspecs import hookimpl
    from tlbench.metric import Metric
    from tlbench.names import Spec
    from tlbench.recipe import Recipe
    from tlbench.record import Record
    from tlbench.reporter import Reporter
    from tlbench.results import Results
    from tlbench.strategy import Family, Requirements, Strategy
    from tlbench.suite import Block, Suite
    from tlbench.task import Episode, Episodes, Labelled, Source, Task
    from tlbench.workbench import Workbench

_HOME = {
    "Backbone": "backbone",
    "BackboneFamily": "backbone",
    "Block": "suite",
    "Budget": "budget",
    "DataError": "errors",
    "Dataset": "dataset",
    "Episode": "task",
    "Episodes": "task",
    "Family": "strategy",
    "Labelled": "task",
    "Metric": "metric",
    "ParameterError": "errors",
    "PluginError": "errors",
    "Protocol": "cell",
    "Recipe": "recipe",
    "Record": "record",
    "Reporter": "reporter",
    "Requirements": "strategy",
    "Results": "results",
    "Source": "task",
    "Spec": "names",
    "Strategy": "strategy",
    "Suite": "suite",
    "Task": "task",
    "TlbenchError": "errors",
    "WeightsError": "errors",
    "Workbench": "workbench",
    "hookimpl": "hookspecs",
    "run": "api",
}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    # Names are imported when asked for: `tlbench --help` must not wait for pandas, nor a suite file for torch.
    if name not in _HOME:
        raise AttributeError(f"module 'tlbench' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tlbench.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
