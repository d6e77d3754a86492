"""Declare the hooks that a plugin may implement. docs/plugin-hooks.md explains each with a whole plugin."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from tlbench.contract import (
        Backbone,
        BackboneFamily,
        Cell,
        Dataset,
        Metric,
        Plan,
        Record,
        Reporter,
        Strategy,
        Suite,
        Tracker,
    )

hookspec = pluggy.HookspecMarker("tlbench")
hookimpl = pluggy.HookimplMarker("tlbench")

# ---- what a plugin offers --------------------------------------------------------------------------------


@hookspec
def tlbench_strategies() -> "Iterable[type[Strategy]]":  # type: ignore[empty-body]
    """Return the strategy classes of this plugin."""


@hookspec
def tlbench_backbones() -> "Iterable[Backbone | BackboneFamily]":  # type: ignore[empty-body]
    """Return the backbones of this plugin, or families that find backbones by name."""


@hookspec
def tlbench_datasets() -> "Iterable[type[Dataset]]":  # type: ignore[empty-body]
    """Return the dataset classes of this plugin."""


@hookspec
def tlbench_metrics() -> "Iterable[Metric]":  # type: ignore[empty-body]
    """Return the metrics of this plugin."""


@hookspec
def tlbench_suites() -> "Iterable[Suite]":  # type: ignore[empty-body]
    """Return the suites of this plugin."""


@hookspec
def tlbench_reporters() -> "Iterable[Reporter]":  # type: ignore[empty-body]
    """Return the reporters of this plugin."""


@hookspec
def tlbench_trackers() -> "Iterable[Tracker]":  # type: ignore[empty-body]
    """Return the experiment trackers of this plugin."""


@hookspec
def tlbench_environment() -> "Mapping[str, str]":  # type: ignore[empty-body]
    """Return facts for every record's environment, such as a library's version."""


@hookspec
def tlbench_add_commands(cli: "click.Group") -> None:
    """Add commands to the command line. Import what they need inside them: `--help` must stay fast."""


# ---- what a plugin may watch ------------------------------------------------------------------------------


@hookspec
def tlbench_run_started(plan: "Plan") -> None:
    """Be told that a plan is about to be executed."""


@hookspec
def tlbench_cell_started(cell: "Cell", position: int, total: int) -> None:
    """Be told that a cell was handed to a worker; `position` counts from 1."""


@hookspec
def tlbench_cell_finished(cell: "Cell", record: "Record") -> None:
    """Be told that a cell's record is stored, be it a success or a failure."""


@hookspec
def tlbench_run_finished(results_dir: Path) -> None:
    """Be told that a run has ended and where its records are."""
