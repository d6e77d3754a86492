"""Multi-task learning: the target's few labels and the source's many train one network."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `multi-task`."""
    from tlbench_multitask.multi_task import MultiTask

    return [MultiTask]
