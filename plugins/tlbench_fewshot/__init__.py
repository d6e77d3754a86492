"""Offer few-shot learning: classifiers made for a handful of labels."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer the inductive methods, then the transductive ones, which see all queries together."""
    from tlbench_fewshot.anil import Anil
    from tlbench_fewshot.baseline_plus_plus import BaselinePlusPlus
    from tlbench_fewshot.label_propagation import LabelPropagation
    from tlbench_fewshot.laplacian_shot import LaplacianShot
    from tlbench_fewshot.matching import Matching
    from tlbench_fewshot.prototypes import Prototypes
    from tlbench_fewshot.relation import Relation
    from tlbench_fewshot.siamese import Siamese
    from tlbench_fewshot.simpleshot import SimpleShot
    from tlbench_fewshot.tim import Tim
    from tlbench_fewshot.transductive_finetune import TransductiveFinetune

    inductive = [Anil, BaselinePlusPlus, Matching, Prototypes, Relation, Siamese, SimpleShot]
    transductive = [LabelPropagation, LaplacianShot, Tim, TransductiveFinetune]
    return [*inductive, *transductive]
