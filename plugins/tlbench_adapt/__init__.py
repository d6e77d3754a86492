"""Offer domain adaptation: source labels, unlabelled target inputs, and no target label or few."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer the adaptation methods, their baseline `source-only` and their upper bound `target-only`."""
    from tlbench_adapt.adabn import AdaBn
    from tlbench_adapt.adda import Adda
    from tlbench_adapt.cdan import Cdan
    from tlbench_adapt.coral import Coral
    from tlbench_adapt.dann import Dann
    from tlbench_adapt.mcc import Mcc
    from tlbench_adapt.mdd import Mdd
    from tlbench_adapt.mmd import Mmd
    from tlbench_adapt.pseudo_label import PseudoLabel
    from tlbench_adapt.source_only import SourceOnly
    from tlbench_adapt.target_only import TargetOnly

    return [AdaBn, Adda, Cdan, Coral, Dann, Mcc, Mdd, Mmd, PseudoLabel, SourceOnly, TargetOnly]
