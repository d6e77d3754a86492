"""Offer fine-tuning: the pretrained network goes on learning, as a whole, in part, or by small additions to it."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer the fine-tuning strategies."""
    from tlbench_finetune.adapter import Adapter
    from tlbench_finetune.bitfit import BitFit
    from tlbench_finetune.bss import Bss
    from tlbench_finetune.finetune import Finetune
    from tlbench_finetune.gradual_unfreezing import GradualUnfreezing
    from tlbench_finetune.l2_sp import L2Sp
    from tlbench_finetune.last_layers import LastLayers
    from tlbench_finetune.layer_decay import LayerDecay
    from tlbench_finetune.lora import Lora
    from tlbench_finetune.lp_ft import LpFt
    from tlbench_finetune.norm_tuning import NormTuning
    from tlbench_finetune.side_tuning import SideTuning

    return [
        Adapter, BitFit, Bss, Finetune, GradualUnfreezing, L2Sp, LastLayers, LayerDecay, Lora, LpFt, NormTuning,
        SideTuning,
    ]  # fmt: skip
