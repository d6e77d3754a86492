"""Unsupervised domain adaptation: source labels, unlabelled target inputs, no target label."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `source-only`, `dann` and `coral`."""
    from tlbench_adapt.coral import Coral
    from tlbench_adapt.dann import Dann
    from tlbench_adapt.source_only import SourceOnly

    return [Coral, Dann, SourceOnly]
