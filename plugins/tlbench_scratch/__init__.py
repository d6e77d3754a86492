"""Offer training from a random start: the baseline that transfer must beat."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `scratch`."""
    from tlbench_scratch.scratch import Scratch

    return [Scratch]
