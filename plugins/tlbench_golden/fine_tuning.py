"""Check identities of fine-tuning and scratch: what a method must equal where it comes down to a simpler one."""

from collections.abc import Iterator

from torch import nn

from tlbench import predict
from tlbench_golden.check import Checks, Row, Setup
from tlbench_golden.toy import CPU, TOY, bench_of, difference_to_finetune, fit, largest_difference, logits, test_inputs

CHECKS = Checks()


@CHECKS.identity("scratch", of="scratch on a backbone without weights", says="finetune(batch_norm=train) at its rates")
def scratch_is_fine_tuning_from_a_random_start(setup: Setup) -> float:
    """Compare logits of scratch, for as many steps, and of fine-tuning where there is nothing to start from."""
    from tlbench_finetune.finetune import Finetune
    from tlbench_scratch.scratch import Scratch

    tuned = Finetune(lr=Scratch().lr, head_rate=1.0, batch_norm="train")
    return largest_difference(logits(Scratch(longer=1.0)), logits(tuned, pretrained=False))


def _backbone_drift(strategy, kept=lambda name: True) -> float:
    """Return how far any tensor of the backbone that must be kept, statistics included, has moved."""
    state = fit(strategy).backbone.state_dict()
    start = TOY.weights
    moved = [largest_difference(state[name].float(), start[name].float()) for name in start if kept(name)]
    return max(moved)


@CHECKS.identity("lora", of="arXiv:2106.09685: rank 0 adds nothing", says="the backbone stays frozen")
def lora_of_rank_zero(setup: Setup) -> float:
    """Measure drift of the backbone, batch-norm statistics included, under lora(rank=0)."""
    from tlbench_finetune.lora import Lora

    return _backbone_drift(Lora(rank=0))


@CHECKS.identity("bss", "finetune", of="bss with eta 0", says="finetune to the bit")
def bss_without_shrinkage(setup: Setup) -> float:
    """Compare logits of bss(eta=0) and finetune."""
    from tlbench_finetune.bss import Bss

    return difference_to_finetune(Bss(eta=0.0))


@CHECKS.identity("layer-decay", of="layer-decay with divisor 1", says="finetune to the bit")
def layer_decay_without_decay(setup: Setup) -> float:
    """Compare logits of layer-decay(divisor=1) and finetune."""
    from tlbench_finetune.layer_decay import LayerDecay

    return difference_to_finetune(LayerDecay(divisor=1.0))


@CHECKS.identity("last-layers", of="last-layers as deep as the network", says="finetune to the bit")
def last_layers_of_full_depth(setup: Setup) -> float:
    """Compare logits of last-layers(depth=99) and finetune."""
    from tlbench_finetune.last_layers import LastLayers

    return difference_to_finetune(LastLayers(depth=99))


@CHECKS.identity("l2-sp", "finetune", of="l2-sp with alpha and beta 0", says="finetune without weight decay to the bit")
def l2_sp_without_pull(setup: Setup) -> float:
    """Compare logits of l2-sp(alpha=0, beta=0) and finetune."""
    from tlbench_finetune.l2_sp import L2Sp

    return difference_to_finetune(L2Sp(alpha=0.0, beta=0.0), weight_decay=0.0)


@CHECKS.identity("gradual-unfreezing", of="gradual-unfreezing of one step", says="finetune to the bit")
def gradual_unfreezing_ends_with_all(setup: Setup) -> float:
    """Compare logits of both after one step, which belongs to the last phase."""
    from tlbench_finetune.gradual_unfreezing import GradualUnfreezing

    return difference_to_finetune(GradualUnfreezing(), steps=1)


@CHECKS.identity("lp-ft", of="arXiv:2202.10054: starts at the probe", says="linear-probe(strength=1)", band=(0, 1e-4))
def lp_ft_starts_at_the_probe(setup: Setup) -> float:
    """Compare logits of linear-probe and of lp-ft with a learning rate of next to nothing."""
    from tlbench_extract.linear_probe import LinearProbe
    from tlbench_finetune.lp_ft import LpFt

    return largest_difference(logits(LpFt(lr=1e-12)), logits(LinearProbe(strength=1.0)))


@CHECKS.identity("adapter", of="arXiv:1803.10082: zero adapters add nothing", says="its features", band=(0, 1e-4))
def adapter_starts_at_the_backbone(setup: Setup) -> float:
    """Compare features of the backbone and of an adapter net with a learning rate of next to nothing."""
    from tlbench_finetune.adapter import Adapter

    adapted = fit(Adapter(lr=1e-12)).backbone
    return largest_difference(predict(adapted, test_inputs(), CPU), bench_of().features(test_inputs()))


@CHECKS.identity("mlp-probe", of="a probe leaves its backbone alone", says="all stays")
def mlp_probe_keeps_the_backbone(setup: Setup) -> float:
    """Measure drift of the backbone, batch-norm statistics included."""
    from tlbench_extract.mlp_probe import MlpProbe

    state = fit(MlpProbe()).backbone.module.state_dict()
    return max(largest_difference(state[name].float(), TOY.weights[name].float()) for name in state)


@CHECKS.identity("bitfit", of="arXiv:2106.10199: biases alone learn", says="all else stays")
def bitfit_moves_biases_alone(setup: Setup) -> float:
    """Measure drift of all that is no bias, batch-norm statistics included."""
    from tlbench_finetune.bitfit import BitFit

    return _backbone_drift(BitFit(), kept=lambda name: not name.endswith("bias"))


@CHECKS.identity("norm-tuning", of="arXiv:2003.00152: scales and shifts of norms alone learn", says="all else stays")
def norm_tuning_moves_norms_alone(setup: Setup) -> float:
    """Measure drift of all but the scales and shifts of norms."""
    from tlbench_finetune.norm_tuning import NormTuning

    network = TOY.backbone.build(None)
    norms = {name for name, part in network.named_modules() if isinstance(part, nn.BatchNorm2d)}
    learns = {f"{name}.{kind}" for name in norms for kind in ("weight", "bias")}
    return _backbone_drift(NormTuning(), kept=lambda name: name not in learns)


@CHECKS.identity("side-tuning", of="arXiv:1912.13503: the base network is frozen", says="the base stays")
def side_tuning_keeps_its_base(setup: Setup) -> float:
    """Measure drift of the base network, batch-norm statistics included."""
    from tlbench_finetune.side_tuning import SideTuning

    base = fit(SideTuning()).backbone.base.module.state_dict()
    return max(largest_difference(base[name].float(), TOY.weights[name].float()) for name in base)


@CHECKS.rows("peft-ia3", "peft-loha", "peft-lokr", "peft-lora", "peft-oft", kind="identity", packages=("peft",))
def peft_starts_at_the_backbone(setup: Setup) -> Iterator[Row]:
    """Compare features of the backbone and of one with merged adapters of peft that have learnt next to nothing."""
    from tlbench_peft.ia3 import PeftIA3
    from tlbench_peft.loha import PeftLoha
    from tlbench_peft.lokr import PeftLokr
    from tlbench_peft.lora import PeftLora
    from tlbench_peft.oft import PeftOft

    before = bench_of().features(test_inputs())
    for strategy in (PeftIA3, PeftLoha, PeftLokr, PeftLora, PeftOft):
        variants = [strategy(lr=1e-12)] + ([PeftLora(lr=1e-12, dora=True)] if strategy is PeftLora else [])
        apart = [largest_difference(predict(fit(each).backbone, test_inputs(), CPU), before) for each in variants]
        what = "features of the backbone and with merged adapters that have learnt next to nothing"
        yield Row(strategy.name, what, "an adapter adds nothing at first", "the backbone's", max(apart), 0.0, 1e-4)
