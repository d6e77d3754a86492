"""Check identities of adaptation: what a method must equal where it comes down to a simpler one."""

import torch

from tlbench import predict
from tlbench.learning import generator
from tlbench_golden.check import Checks, Setup
from tlbench_golden.toy import CPU, TOY, bench_of, fit, largest_difference, logits, test_inputs

CHECKS = Checks()


def _against_source_only(strategy) -> float:
    from tlbench_adapt.source_only import SourceOnly

    return largest_difference(logits(strategy, "0"), logits(SourceOnly(), "0"))


@CHECKS.identity("coral", of="arXiv:1607.01719, equation 1", says="0", band=(0, 1e-9))
def coral_of_equal_covariances(setup: Setup) -> float:
    """Return the loss of two samples with equal covariances and different means."""
    from tlbench_adapt.coral import coral_loss

    features = torch.randn(64, 8, generator=generator(0), dtype=torch.float64)
    return float(coral_loss(features, features + 3))


@CHECKS.identity("mmd", of="arXiv:1502.02791, equation 1", says="0", band=(-1e-6, 1e-6))
def mmd_of_equal_samples(setup: Setup) -> float:
    """Return the discrepancy of a sample from itself."""
    from tlbench_adapt.mmd import squared_mmd

    features = torch.randn(64, 8, generator=generator(0))
    return float(squared_mmd(features, features, [0.5, 1.0, 2.0]))


@CHECKS.identity("mcc", of="arXiv:1912.03699, section 3", says="0", band=(0, 1e-6))
def mcc_of_certain_predictions(setup: Setup) -> float:
    """Return the confusion of predictions that are certain."""
    from tlbench_adapt.mcc import class_confusion

    return float(class_confusion(100 * torch.eye(5).repeat(4, 1), temperature=2.5))


@CHECKS.identity("dann", "source-only", of="dann with weight 0", says="source-only to the bit")
def dann_without_weight(setup: Setup) -> float:
    """Compare logits of dann(weight=0) and source-only."""
    from tlbench_adapt.dann import Dann

    return _against_source_only(Dann(weight=0.0))


@CHECKS.identity("cdan", of="cdan with weight 0", says="source-only to the bit")
def cdan_without_weight(setup: Setup) -> float:
    """Compare logits of cdan(weight=0) and source-only."""
    from tlbench_adapt.cdan import Cdan

    return _against_source_only(Cdan(weight=0.0))


@CHECKS.identity("mdd", of="mdd with weight 0", says="source-only to the bit")
def mdd_without_weight(setup: Setup) -> float:
    """Compare logits of mdd(weight=0) and source-only."""
    from tlbench_adapt.mdd import Mdd

    return _against_source_only(Mdd(weight=0.0))


@CHECKS.identity("pseudo-label", of="pseudo-label with 0 rounds", says="source-only to the bit")
def pseudo_label_without_rounds(setup: Setup) -> float:
    """Compare logits of pseudo-label(rounds=0) and source-only."""
    from tlbench_adapt.pseudo_label import PseudoLabel

    return _against_source_only(PseudoLabel(rounds=0))


@CHECKS.identity("adabn", of="arXiv:1603.04779, algorithm 1", says="mean and variance over the target", band=(0, 1e-5))
def adabn_statistics(setup: Setup) -> float:
    """Compare running mean of the first batch norm against the mean of its input over all target inputs."""
    from tlbench_adapt.adabn import AdaBn

    model = fit(AdaBn(), "0")
    convolution, norm, _ = model.backbone.first
    target = TOY.examples("target", "train").inputs
    with torch.no_grad():
        mean = convolution(target.float() / 255 - 0.5).mean(dim=(0, 2, 3))
    return largest_difference(norm.running_mean, mean)


@CHECKS.identity("adda", of="arXiv:1702.05464, section 4", says="source-only's head")
def adda_keeps_the_source_classifier(setup: Setup) -> float:
    """Compare weights of the heads of adda and source-only: the second training moves the encoder alone."""
    from tlbench_adapt.adda import Adda
    from tlbench_adapt.source_only import SourceOnly

    return largest_difference(fit(Adda(), "0").head.weight, fit(SourceOnly(), "0").head.weight)


@CHECKS.identity("target-only", of="target-only on every label", says="finetune(batch_norm=train) on the full budget")
def target_only_is_a_fine_tuning(setup: Setup) -> float:
    """Compare logits of target-only and of a fine-tuning on the same labels, at one rate for head and backbone."""
    from tlbench import Budget, Requirements
    from tlbench.learning import seed_everything
    from tlbench_adapt.target_only import TargetOnly
    from tlbench_finetune.finetune import Finetune

    task = TOY.task(Requirements(upper_bound=True), Budget.parse("0"), validation=False)
    seed_everything(1)
    tuned = Finetune(lr=TargetOnly().lr, head_rate=1.0, batch_norm="train").fit(task, bench_of())
    return largest_difference(logits(TargetOnly(), "0"), predict(tuned, test_inputs(), CPU))
