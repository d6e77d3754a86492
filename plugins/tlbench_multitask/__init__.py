"""Offer multi-task learning: the target's few labels and those of a source or of further columns train one network."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `multi-task`, over two datasets, and `multi-head`, over several labels of one."""
    from tlbench_multitask.multi_head import MultiHead
    from tlbench_multitask.multi_task import MultiTask

    return [MultiHead, MultiTask]
