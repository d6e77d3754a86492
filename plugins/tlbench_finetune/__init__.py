"""Fine-tuning: the pretrained network goes on learning, as a whole or in its last layers."""

from tlbench import hookimpl


@hookimpl
def tlbench_strategies():
    """Offer `finetune` and `last-layers`."""
    from tlbench_finetune.finetune import Finetune
    from tlbench_finetune.last_layers import LastLayers

    return [Finetune, LastLayers]
