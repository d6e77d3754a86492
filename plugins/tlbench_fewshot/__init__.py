"""Few-shot learning: classifiers made for a handful of labels."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `prototypes`."""
    from tlbench_fewshot.prototypes import Prototypes

    return [Prototypes]
