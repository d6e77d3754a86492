"""Offer ensembles: several classifiers decide together, be they learnt for it or other variants of the suite."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer those that learn their own classifiers, then `stacking` and `vote`, which combine those of others."""
    from tlbench_ensemble.bagging import Bagging
    from tlbench_ensemble.boosting import Boosting
    from tlbench_ensemble.model_soup import ModelSoup
    from tlbench_ensemble.snapshot import Snapshot
    from tlbench_ensemble.stacking import Stacking
    from tlbench_ensemble.vote import Vote

    return [Bagging, Boosting, ModelSoup, Snapshot, Stacking, Vote]
