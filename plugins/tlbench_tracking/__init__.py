"""Experiment trackers that are told of every record while a run goes on."""

from tlbench import hookimpl


@hookimpl
def tlbench_environment():
    """Add nothing."""
    return {}
