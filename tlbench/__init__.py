"""Compare ways of transfer learning on your own data.

Plugin authors find here what their classes are made of; `run` executes a suite from Python.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

if TYPE_CHECKING:
    from tlbench.contract.backbone import Backbone as Backbone
    from tlbench.contract.backbone import BackboneFamily as BackboneFamily
    from tlbench.contract.budget import Budget as Budget
    from tlbench.contract.cell import Protocol as Protocol
    from tlbench.contract.dataset import Card as Card
    from tlbench.contract.dataset import Column as Column
    from tlbench.contract.dataset import Dataset as Dataset
    from tlbench.contract.metric import Metric as Metric
    from tlbench.contract.recipe import Recipe as Recipe
    from tlbench.contract.record import Record as Record
    from tlbench.contract.reporter import Reporter as Reporter
    from tlbench.contract.search_space import Between as Between
    from tlbench.contract.search_space import OneOf as OneOf
    from tlbench.contract.strategy import Family as Family
    from tlbench.contract.strategy import Requirements as Requirements
    from tlbench.contract.strategy import Strategy as Strategy
    from tlbench.contract.suite import Block as Block
    from tlbench.contract.suite import Suite as Suite
    from tlbench.contract.task import Episode as Episode
    from tlbench.contract.task import Episodes as Episodes
    from tlbench.contract.task import FurtherLabels as FurtherLabels
    from tlbench.contract.task import Labelled as Labelled
    from tlbench.contract.task import Member as Member
    from tlbench.contract.task import Source as Source
    from tlbench.contract.task import Task as Task
    from tlbench.contract.tracker import Tracker as Tracker
    from tlbench.errors import DataError as DataError
    from tlbench.errors import ParameterError as ParameterError
    from tlbench.errors import PluginError as PluginError
    from tlbench.errors import TlbenchError as TlbenchError
    from tlbench.errors import WeightsError as WeightsError
    from tlbench.host.hookspecs import hookimpl as hookimpl
    from tlbench.learning.workbench import Workbench as Workbench
    from tlbench.names import Spec as Spec
    from tlbench.results.results import Results as Results
    from tlbench.running.run import run as run

_HOME = {
    "Backbone": "contract.backbone",
    "BackboneFamily": "contract.backbone",
    "Between": "contract.search_space",
    "Block": "contract.suite",
    "Budget": "contract.budget",
    "Card": "contract.dataset",
    "Column": "contract.dataset",
    "DataError": "errors",
    "Dataset": "contract.dataset",
    "Episode": "contract.task",
    "Episodes": "contract.task",
    "Family": "contract.strategy",
    "FurtherLabels": "contract.task",
    "Labelled": "contract.task",
    "Member": "contract.task",
    "Metric": "contract.metric",
    "OneOf": "contract.search_space",
    "ParameterError": "errors",
    "PluginError": "errors",
    "Protocol": "contract.cell",
    "Recipe": "contract.recipe",
    "Record": "contract.record",
    "Reporter": "contract.reporter",
    "Requirements": "contract.strategy",
    "Results": "results.results",
    "Source": "contract.task",
    "Spec": "names",
    "Strategy": "contract.strategy",
    "Suite": "contract.suite",
    "Task": "contract.task",
    "TlbenchError": "errors",
    "Tracker": "contract.tracker",
    "WeightsError": "errors",
    "Workbench": "learning.workbench",
    "hookimpl": "host.hookspecs",
    "run": "running.run",
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
