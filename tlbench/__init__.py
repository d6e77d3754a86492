"""Compare ways of transfer learning on your own data.

Plugin authors find here what their classes are made of; `run` executes a suite from Python.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

if TYPE_CHECKING:
    from tlbench.api import run as run
    from tlbench.backbone import Backbone as Backbone
    from tlbench.backbone import BackboneFamily as BackboneFamily
    from tlbench.budget import Budget as Budget
    from tlbench.cell import Protocol as Protocol
    from tlbench.dataset import Card as Card
    from tlbench.dataset import Column as Column
    from tlbench.dataset import Dataset as Dataset
    from tlbench.errors import DataError as DataError
    from tlbench.errors import ParameterError as ParameterError
    from tlbench.errors import PluginError as PluginError
    from tlbench.errors import TlbenchError as TlbenchError
    from tlbench.errors import WeightsError as WeightsError
    from tlbench.hookspecs import hookimpl as hookimpl
    from tlbench.metric import Metric as Metric
    from tlbench.names import Spec as Spec
    from tlbench.recipe import Recipe as Recipe
    from tlbench.record import Record as Record
    from tlbench.reporter import Reporter as Reporter
    from tlbench.results import Results as Results
    from tlbench.search_space import Between as Between
    from tlbench.search_space import OneOf as OneOf
    from tlbench.strategy import Family as Family
    from tlbench.strategy import Requirements as Requirements
    from tlbench.strategy import Strategy as Strategy
    from tlbench.suite import Block as Block
    from tlbench.suite import Suite as Suite
    from tlbench.task import Episode as Episode
    from tlbench.task import Episodes as Episodes
    from tlbench.task import FurtherLabels as FurtherLabels
    from tlbench.task import Labelled as Labelled
    from tlbench.task import Member as Member
    from tlbench.task import Source as Source
    from tlbench.task import Task as Task
    from tlbench.tracker import Tracker as Tracker
    from tlbench.workbench import Workbench as Workbench

_HOME = {
    "Backbone": "backbone",
    "BackboneFamily": "backbone",
    "Between": "search_space",
    "Block": "suite",
    "Budget": "budget",
    "Card": "dataset",
    "Column": "dataset",
    "DataError": "errors",
    "Dataset": "dataset",
    "Episode": "task",
    "Episodes": "task",
    "Family": "strategy",
    "FurtherLabels": "task",
    "Labelled": "task",
    "Member": "task",
    "Metric": "metric",
    "OneOf": "search_space",
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
    "Tracker": "tracker",
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
