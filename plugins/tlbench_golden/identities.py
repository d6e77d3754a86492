"""Identities: what a method must equal where it comes down to a simpler one."""

import torch
from torch import nn

from tlbench.determinism import generator
from tlbench.training import predict
from tlbench_golden.check import Checks, Setup
from tlbench_golden.samples import gaussian
from tlbench_golden.toy import CPU, TOY, bench_of, fit, largest_difference, logits, test_inputs

CHECKS = Checks()
BITS = (0.0, 0.0)


def identity(*methods: str, of: str, says: str, band: tuple[float, float] = BITS):
    """Register a check whose figure is a largest difference, zero unless a band is given."""
    return CHECKS.figure(*methods, kind="identity", source=of, reference=says, band=band)


# ---- adaptation -------------------------------------------------------------------------------------------------


def _against_source_only(strategy) -> float:
    from tlbench_adapt.source_only import SourceOnly

    return largest_difference(logits(strategy, "0"), logits(SourceOnly(), "0"))


@identity("coral", of="arXiv:1607.01719, equation 1", says="0", band=(0, 1e-9))
def coral_of_equal_covariances(setup: Setup) -> float:
    """The loss of two samples with equal covariances and different means."""
    from tlbench_adapt.coral import coral_loss

    features = torch.randn(64, 8, generator=generator(0), dtype=torch.float64)
    return float(coral_loss(features, features + 3))


@identity("mmd", of="arXiv:1502.02791, equation 1", says="0", band=(-1e-6, 1e-6))
def mmd_of_equal_samples(setup: Setup) -> float:
    """The discrepancy of a sample from itself."""
    from tlbench_adapt.mmd import squared_mmd

    features = torch.randn(64, 8, generator=generator(0))
    return float(squared_mmd(features, features, [0.5, 1.0, 2.0]))


@identity("mcc", of="arXiv:1912.03699, section 3", says="0", band=(0, 1e-6))
def mcc_of_certain_predictions(setup: Setup) -> float:
    """The confusion of predictions that are certain."""
    from tlbench_adapt.mcc import class_confusion

    return float(class_confusion(100 * torch.eye(5).repeat(4, 1), temperature=2.5))


@identity("dann", "source-only", of="dann with weight 0", says="source-only to the bit")
def dann_without_weight(setup: Setup) -> float:
    """Logits of dann(weight=0) and source-only."""
    from tlbench_adapt.dann import Dann

    return _against_source_only(Dann(weight=0.0))


@identity("cdan", of="cdan with weight 0", says="source-only to the bit")
def cdan_without_weight(setup: Setup) -> float:
    """Logits of cdan(weight=0) and source-only."""
    from tlbench_adapt.cdan import Cdan

    return _against_source_only(Cdan(weight=0.0))


@identity("mdd", of="mdd with weight 0", says="source-only to the bit")
def mdd_without_weight(setup: Setup) -> float:
    """Logits of mdd(weight=0) and source-only."""
    from tlbench_adapt.mdd import Mdd

    return _against_source_only(Mdd(weight=0.0))


@identity("pseudo-label", of="pseudo-label with 0 rounds", says="source-only to the bit")
def pseudo_label_without_rounds(setup: Setup) -> float:
    """Logits of pseudo-label(rounds=0) and source-only."""
    from tlbench_adapt.pseudo_label import PseudoLabel

    return _against_source_only(PseudoLabel(rounds=0))


@identity("adabn", of="arXiv:1603.04779, algorithm 1", says="mean and variance over the target", band=(0, 1e-5))
def adabn_statistics(setup: Setup) -> float:
    """Running mean of the first batch norm against the mean of its input over all target inputs."""
    from tlbench_adapt.adabn import AdaBn

    model = fit(AdaBn(), "0")
    convolution, norm, _ = model.backbone.first
    target = TOY.examples("target", "train").inputs
    with torch.no_grad():
        mean = convolution(target.float() / 255 - 0.5).mean(dim=(0, 2, 3))
    return largest_difference(norm.running_mean, mean)


@identity("adda", of="arXiv:1702.05464, section 4", says="source-only's head")
def adda_keeps_the_source_classifier(setup: Setup) -> float:
    """Weights of the heads of adda and source-only: the second training moves the encoder alone."""
    from tlbench_adapt.adda import Adda
    from tlbench_adapt.source_only import SourceOnly

    return largest_difference(fit(Adda(), "0").head.weight, fit(SourceOnly(), "0").head.weight)


@identity("target-only", of="target-only on every label", says="finetune(batch_norm=train) on the full budget")
def target_only_is_a_fine_tuning(setup: Setup) -> float:
    """Logits of target-only and of a fine-tuning on the same labels, at one rate for head and backbone."""
    from tlbench import Requirements
    from tlbench.budget import Budget
    from tlbench.determinism import seed_everything
    from tlbench_adapt.target_only import TargetOnly
    from tlbench_finetune.finetune import Finetune

    task = TOY.task(Requirements(upper_bound=True), Budget.parse("0"), validation=False)
    seed_everything(1)
    tuned = Finetune(lr=TargetOnly().lr, head_rate=1.0, batch_norm="train").fit(task, bench_of())
    return largest_difference(logits(TargetOnly(), "0"), predict(tuned, test_inputs(), CPU))


# ---- from scratch, and fine-tuning ------------------------------------------------------------------------------


@identity("scratch", of="scratch on a backbone without weights", says="finetune(batch_norm=train) at its rates")
def scratch_is_fine_tuning_from_a_random_start(setup: Setup) -> float:
    """Logits of scratch and of fine-tuning where there is nothing to start from."""
    from tlbench_finetune.finetune import Finetune
    from tlbench_scratch.scratch import Scratch

    tuned = Finetune(lr=Scratch().lr, head_rate=1.0, batch_norm="train")
    return largest_difference(logits(Scratch()), logits(tuned, pretrained=False))


def _against_finetune(strategy, **bench) -> float:
    from tlbench_finetune.finetune import Finetune

    return largest_difference(logits(strategy, **bench), logits(Finetune(), **bench))


def _backbone_drift(strategy, kept=lambda name: True) -> float:
    """Return how far any tensor of the backbone that must be kept, statistics included, has moved."""
    state = fit(strategy).backbone.state_dict()
    start = TOY.weights
    moved = [largest_difference(state[name].float(), start[name].float()) for name in start if kept(name)]
    return max(moved)


@identity("lora", of="arXiv:2106.09685: rank 0 adds nothing", says="the backbone stays frozen")
def lora_of_rank_zero(setup: Setup) -> float:
    """Drift of the backbone, batch-norm statistics included, under lora(rank=0)."""
    from tlbench_finetune.lora import Lora

    return _backbone_drift(Lora(rank=0))


@identity("bss", "finetune", of="bss with eta 0", says="finetune to the bit")
def bss_without_shrinkage(setup: Setup) -> float:
    """Logits of bss(eta=0) and finetune."""
    from tlbench_finetune.bss import Bss

    return _against_finetune(Bss(eta=0.0))


@identity("layer-decay", of="layer-decay with divisor 1", says="finetune to the bit")
def layer_decay_without_decay(setup: Setup) -> float:
    """Logits of layer-decay(divisor=1) and finetune."""
    from tlbench_finetune.layer_decay import LayerDecay

    return _against_finetune(LayerDecay(divisor=1.0))


@identity("last-layers", of="last-layers as deep as the network", says="finetune to the bit")
def last_layers_of_full_depth(setup: Setup) -> float:
    """Logits of last-layers(depth=99) and finetune."""
    from tlbench_finetune.last_layers import LastLayers

    return _against_finetune(LastLayers(depth=99))


@identity("l2-sp", "finetune", of="l2-sp with alpha and beta 0", says="finetune without weight decay to the bit")
def l2_sp_without_pull(setup: Setup) -> float:
    """Logits of l2-sp(alpha=0, beta=0) and finetune."""
    from tlbench_finetune.l2_sp import L2Sp

    return _against_finetune(L2Sp(alpha=0.0, beta=0.0), weight_decay=0.0)


@identity("gradual-unfreezing", of="gradual-unfreezing of one step", says="finetune to the bit")
def gradual_unfreezing_ends_with_all(setup: Setup) -> float:
    """Logits of both after one step, which belongs to the last phase."""
    from tlbench_finetune.gradual_unfreezing import GradualUnfreezing

    return _against_finetune(GradualUnfreezing(), steps=1)


@identity("lp-ft", of="arXiv:2202.10054: it starts at the probe", says="linear-probe(strength=1)", band=(0, 1e-4))
def lp_ft_starts_at_the_probe(setup: Setup) -> float:
    """Logits of linear-probe and of lp-ft with a learning rate of next to nothing."""
    from tlbench_extract.linear_probe import LinearProbe
    from tlbench_finetune.lp_ft import LpFt

    return largest_difference(logits(LpFt(lr=1e-12)), logits(LinearProbe(strength=1.0)))


@identity("adapter", of="arXiv:1803.10082: zero adapters add nothing", says="pretrained features", band=(0, 1e-4))
def adapter_starts_at_the_backbone(setup: Setup) -> float:
    """Features of the backbone and of an adapter net with a learning rate of next to nothing."""
    from tlbench_finetune.adapter import Adapter

    adapted = fit(Adapter(lr=1e-12)).backbone
    return largest_difference(predict(adapted, test_inputs(), CPU), bench_of().features(test_inputs()))


@identity("mlp-probe", of="a probe leaves its backbone alone", says="all stays")
def mlp_probe_keeps_the_backbone(setup: Setup) -> float:
    """Drift of the backbone, batch-norm statistics included."""
    from tlbench_extract.mlp_probe import MlpProbe

    state = fit(MlpProbe()).backbone.module.state_dict()
    return max(largest_difference(state[name].float(), TOY.weights[name].float()) for name in state)


@identity("bitfit", of="arXiv:2106.10199: biases alone learn", says="all else stays")
def bitfit_moves_biases_alone(setup: Setup) -> float:
    """Drift of all that is no bias, batch-norm statistics included."""
    from tlbench_finetune.bitfit import BitFit

    return _backbone_drift(BitFit(), kept=lambda name: not name.endswith("bias"))


@identity("norm-tuning", of="arXiv:2003.00152: scales and shifts of norms alone learn", says="all else stays")
def norm_tuning_moves_norms_alone(setup: Setup) -> float:
    """Drift of all but the scales and shifts of norms."""
    from tlbench_finetune.norm_tuning import NormTuning

    network = TOY.backbone.build(None)
    norms = {name for name, part in network.named_modules() if isinstance(part, nn.BatchNorm2d)}
    learns = {f"{name}.{kind}" for name in norms for kind in ("weight", "bias")}
    return _backbone_drift(NormTuning(), kept=lambda name: name not in learns)


@identity("side-tuning", of="arXiv:1912.13503: the base network is frozen", says="the base stays")
def side_tuning_keeps_its_base(setup: Setup) -> float:
    """Drift of the base network, batch-norm statistics included."""
    from tlbench_finetune.side_tuning import SideTuning

    base = fit(SideTuning()).backbone.base.module.state_dict()
    return max(largest_difference(base[name].float(), TOY.weights[name].float()) for name in base)


# ---- ensembles --------------------------------------------------------------------------------------------------


@identity("vote", of="a vote of one member", says="the member's probabilities", band=(0, 1e-5))
def vote_of_one(setup: Setup) -> float:
    """Probabilities of a soft vote of one member and of the member."""
    from tlbench_ensemble.vote import Soft

    member = gaussian(20, 5)
    return largest_difference(Soft()(member[:, None]).softmax(1), member.softmax(1))


@identity("stacking", of="stacking without evidence", says="the plain mean of log probabilities", band=(0, 1e-5))
def stacking_without_evidence(setup: Setup) -> float:
    """Logits where the likelihood has next to no weight, against the mean over members."""
    from tlbench_ensemble.stacking import Combination, maximise

    members, labels = gaussian(20, 3, 5), torch.arange(20) % 5
    model = Combination(torch.ones(3) / 3)
    maximise(model, members, labels, strength=1e-9)
    return largest_difference(model(members), members.log_softmax(2).mean(1))


@identity("bagging", of="Breiman, 1996, section 4", says="the mean of the members' probabilities", band=(0, 1e-5))
def bagging_averages_probabilities(setup: Setup) -> float:
    """Probabilities of three different members' average and their mean."""
    from tlbench_ensemble.averaging import Averaged

    members, inputs = [nn.Linear(8, 5) for _ in range(3)], gaussian(12, 8)
    with torch.no_grad():
        for seed, member in enumerate(members):
            member.weight.copy_(gaussian(5, 8, seed=seed))
        wanted = torch.stack([member(inputs).softmax(1) for member in members]).mean(0)
        return largest_difference(Averaged(members)(inputs).softmax(1), wanted)


@identity("model-soup", "finetune", of="a soup of one ingredient", says="finetune to the bit")
def soup_of_one(setup: Setup) -> float:
    """Logits of model-soup(lrs=(1e-3,)) and finetune."""
    from tlbench_ensemble.model_soup import ModelSoup

    return _against_finetune(ModelSoup(lrs=(1e-3,), orders=1))


@identity("snapshot", "finetune", of="one cycle", says="the probabilities of finetune without warm-up", band=(0, 1e-5))
def snapshot_of_one_cycle(setup: Setup) -> float:
    """Probabilities of snapshot(cycles=1) and finetune."""
    from tlbench_ensemble.snapshot import Snapshot
    from tlbench_finetune.finetune import Finetune

    ours, theirs = logits(Snapshot(cycles=1)), logits(Finetune(), warmup=0.0)
    return largest_difference(ours.softmax(1), theirs.softmax(1))
